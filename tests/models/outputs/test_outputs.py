"""Outputs of a pass out of what was seen of it: stages in order, one embedding, and what is no classifier."""

import pytest
import torch

from mmkd_ext.models.outputs.outputs import Outputs, Recording, detached
from mmkd_ext.models.outputs.scores import SIGMOID, SOFTMAX

IMAGES = torch.Size([2, 3, 16, 16])
EMBEDDING, LOGITS = torch.zeros(2, 4), torch.zeros(2, 5)


def recorded(embeddings=(EMBEDDING,), logits=(LOGITS,), images=IMAGES, scores=SOFTMAX):
    record = Recording('Net', scores)
    record.images, record.embeddings, record.logits = images, list(embeddings), list(logits)
    return record


def test_detached_outputs_have_the_same_values_and_no_gradient(rng):
    given = Outputs(*((torch.randn(2, 1, 4, 4, generator=rng, requires_grad=True),), *torch.randn(2, 2, 3, requires_grad=True).unbind()),
                    token_logits=torch.randn(2, 3, requires_grad=True), scores=SIGMOID)  # fmt: skip
    found = detached(given)
    pairs = [*zip(found.stages, given.stages, strict=True), *zip(found[1:4], given[1:4], strict=True)]
    assert all(torch.equal(mine, theirs) and not mine.requires_grad and theirs.requires_grad for mine, theirs in pairs)
    assert found.scores == SIGMOID and detached(given._replace(token_logits=None)).token_logits is None


def test_stages_are_shallow_first_and_those_that_a_package_names_go_before_what_was_seen_inside():
    record = recorded()
    record.see_inner([torch.zeros(2, 7, 4, 4)])
    assert [x.shape[1] for x in record.outputs().stages] == [7]
    assert record.see_stages((torch.zeros(2, 8, 2, 2), torch.zeros(2, 6, 8, 8)))
    assert [x.shape[1] for x in record.outputs().stages] == [6, 8]


def test_inside_the_last_map_of_a_size_counts_and_what_was_pooled_to_vectors_does_not():
    record = recorded()
    for channels, size in ((3, 8), (5, 8), (6, 4), (1, 2), (9, 1)):
        record.see_inner(dict(out=torch.zeros(2, channels, size, size)))
    assert [tuple(x.shape[1:]) for x in record.outputs().stages] == [(5, 8, 8), (6, 4, 4)]


def test_before_the_images_are_known_nothing_is_a_map():
    record = recorded(images=None)
    record.see_inner(torch.zeros(2, 5, 8, 8))
    assert not record.see_stages(torch.zeros(2, 5, 8, 8)) and record.outputs().stages == ()


def test_vectors_and_maps_of_other_images_are_no_stages():
    assert not recorded().see_stages([torch.zeros(2, 5), torch.zeros(3, 5, 8, 8), None])


def test_a_map_that_enters_a_convolution_is_averaged_over_its_places(rng):
    x = torch.randn(2, 4, 3, 2, generator=rng)
    torch.testing.assert_close(recorded([x]).outputs().embedding, x.sum(dim=(2, 3)) / 6)
    assert torch.equal(recorded([x[..., :1, :1]]).outputs().embedding, x[..., 0, 0])


def test_tokens_of_one_width_are_averaged_and_two_widths_stand_side_by_side(rng):
    one, two = torch.randn(2, 2, 4, generator=rng)
    torch.testing.assert_close(recorded([one, two]).outputs().embedding, (one + two) / 2)
    assert torch.equal(recorded([one, two[:, :3]]).outputs().embedding, torch.cat([one, two[:, :3]], dim=1))


@pytest.mark.parametrize('count', [0, 2])
def test_exactly_one_pass_is_needed(count):
    with pytest.raises(RuntimeError, match=f'Exactly one forward pass of Net is needed inside `recording`, got {count}'):
        recorded(logits=[torch.zeros(2, 5)] * count).outputs()


@pytest.mark.parametrize(('embeddings', 'logits', 'words'), [
    ([], torch.zeros(2, 5), r'got \[\] and \(2, 5\)'),
    ([torch.zeros(2, 7, 4)], torch.zeros(2, 5), r'got \[\(2, 7, 4\)\] and'),
    ([torch.zeros(2, 4)], torch.zeros(2, 5, 8, 8), r'and \(2, 5, 8, 8\)'),
    ([torch.zeros(2, 4)], dict(a=1), "and <class 'dict'>"),
])  # fmt: skip
def test_what_is_no_classifier_is_named_with_its_shapes(embeddings, logits, words):
    with pytest.raises(ValueError, match=f'Net needs an embedding .N, D. and logits .N, K., .*{words}'):
        recorded(embeddings, [logits]).outputs()


def test_scores_are_told_unless_they_are_one_softmax_and_a_token_s_logits_are_kept():
    record = recorded(scores=SIGMOID)
    record.token_logits.append(torch.ones(2, 5))
    assert record.outputs().scores == SIGMOID and record.outputs().token_logits.all()
    assert recorded().outputs().token_logits is recorded().outputs().scores is None


def test_what_is_forgotten_leaves_room_for_another_pass():
    record = recorded()
    record.see_inner(torch.zeros(2, 5, 8, 8))
    record.forget()
    record.embeddings, record.logits = [torch.ones(2, 4)], [torch.ones(2, 5)]
    assert record.outputs().stages == () and record.outputs().embedding.all() and record.images == IMAGES
