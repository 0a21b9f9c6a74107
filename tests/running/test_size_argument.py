"""`--size` is a side, or a height and a width, wherever it stands among the words of a command line."""

import sys
from argparse import ArgumentTypeError

import pytest

from mmkd_ext.running.size_argument import pixels, with_joined_sizes


@pytest.mark.parametrize(('words', 'joined'), [
    ('--size 3 4 5', '--size 3x4 5'), ('--size 3 a.py', '--size 3 a.py'), ('--size', '--size'), ('--size 3', '--size 3'),
    ('a.py --size 32 64', 'a.py --size 32x64'), ('--size 32 --onnx', '--size 32 --onnx'), ('--size 24 -1', '--size 24x-1'),
    ('3 4 --size=5 6', '3 4 --size=5 6'), ('--sizes 3 4', '--sizes 3 4')])  # fmt: skip
def test_two_numbers_are_one_word(words, joined):
    assert with_joined_sizes(words.split()) == joined.split()


def test_without_words_they_are_the_command_lines(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['export', '--size', '3', '4'])
    assert with_joined_sizes(None) == ['--size', '3x4']


def test_a_size_is_a_side_or_height_and_width():
    assert pixels('32') == pixels('32x32') == 32 and pixels('32x64') == (32, 64)


@pytest.mark.parametrize('text', ['0', '24x0', '-1', '24x-1', 'x', '3x', '1x2x3', '2.5', '', ' 3'])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ArgumentTypeError, match='a whole number of 1 or more is needed, or two for height and width, got '):
        pixels(text)
