"""A teacher that is not better than chance is said once."""

import pytest
import torch

from mmkd_ext.models.distillers.chance_warning import ChanceWatch


@pytest.fixture
def said(monkeypatch):
    texts = []
    monkeypatch.setattr('mmkd_ext.models.distillers.chance_warning.print_log', lambda text, *_: texts.append(text))
    return texts


@pytest.mark.parametrize(('right', 'warns'), [(0.1, True), (0.5, False)])
def test_a_teacher_at_chance_is_said_once(said, right, warns):
    watch = ChanceWatch('Guesser', samples=200)
    for _ in range(5):
        watch.see((torch.arange(100) < 100 * right).float(), 10)
    assert len(said) == warns
    assert not warns or 'Guesser is right on 20 of the first 200 training images' in said[0]


@pytest.mark.parametrize(('hits', 'warns'), [(60, True), (61, False), (0, True)])
def test_two_standard_deviations_of_guessing_count_as_chance(said, hits, warns):
    """Of 100 guesses at one of two classes 50 are right, with a standard deviation of 5."""
    watch = ChanceWatch('Guesser', samples=100, what='regions')
    watch.see((torch.arange(100) < hits).float(), 2)
    assert [f'right on {hits} of the first 100 regions, which is chance for 2 classes' in text for text in said] == [True] * warns


def test_nothing_is_judged_before_there_are_enough_and_one_class_never(said):
    watch = ChanceWatch('Guesser', samples=8)
    watch.see(torch.zeros(7), 10)
    assert not watch.content and not said
    watch.see(torch.zeros(0), 10)
    watch.see(torch.zeros(1), 10)
    assert watch.content and len(said) == 1
    one = ChanceWatch('Sure', samples=1)
    one.see(torch.ones(5), 1)
    assert not one.content and len(said) == 1
