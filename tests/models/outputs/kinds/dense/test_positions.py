"""Positives of a dense head, and what it says there: cells, priors and strides by hand, on a head of one convolution."""

import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData
from torch import nn

from mmkd_ext.models.outputs.kinds.dense.positions import (
    HeadPass,
    Places,
    assigned,
    class_convs,
    watching_head,
)

A, K = 2, 3


class Head(nn.Module):
    """Its scores are a convolution's; `get_targets` gives the labels that a test chooses."""

    num_base_priors, num_classes = A, K

    def __init__(self, labels=()):
        super().__init__()
        self.conv_cls, self.conv_reg, self.labels = nn.Conv2d(4, A * K, 1), nn.Conv2d(4, A * 4, 1), labels

    def forward(self, maps):
        return [self.conv_cls(x) for x in maps], [self.conv_reg(x) for x in maps]

    def get_targets(self, *_):
        return [torch.zeros(2)], list(self.labels), 7

    def loss_by_feat(self, scores, boxes, truth, metas, ignored):
        self.get_targets()
        raise AssertionError('its loss is not needed')


class Changing(Head):
    """Makes something else of its scores."""

    def forward(self, maps):
        scores, boxes = super().forward(maps)
        return [x.sigmoid() for x in scores], boxes


def maps_of(rng):
    return torch.randn(2, 4, 2, 3, generator=rng), torch.randn(2, 4, 1, 2, generator=rng)


def labels_of(*positive):
    """Of all priors, K for the background; `positive`: (level, image, row, column, prior, label)."""
    grids = [torch.full((2, 2, 3, A), K), torch.full((2, 1, 2, A), K)]
    for level, image, row, column, prior, label in positive:
        grids[level][image, row, column, prior] = label
    return [x.reshape(2, -1) for x in grids]


POSITIVE = ((0, 0, 1, 2, 1, 0), (0, 1, 0, 0, 0, 2), (1, 1, 0, 1, 1, 1))


def seen_by(head, rng):
    maps = maps_of(rng)
    with watching_head(head) as seen:
        head(maps)
        head.get_targets()
    return maps, seen


def test_positives_are_found_map_after_map_with_their_labels(rng):
    _, seen = seen_by(Head(labels_of(*POSITIVE, (0, 0, 0, 1, 0, -1))), rng)  # -1 is ignored
    cells, labels = seen.positives(A, K)
    assert labels.tolist() == [0, 2, 1]
    assert [torch.stack(each, dim=1).tolist() for each in cells] == [[[0, 1, 2, 1], [1, 0, 0, 0]], [[1, 0, 1, 1]]]


def test_a_head_is_read_at_cells_and_priors(rng):
    head = Head(labels_of(*POSITIVE))
    maps, seen = seen_by(head, rng)
    places = Places(A, dict(zip((8, 16), seen.positives(A, K)[0], strict=True)))
    embedding, logits = seen.at(places, [8, 16], A)
    for (level, image, row, column, prior, _), entered, said in zip(POSITIVE, embedding, logits, strict=True):
        x = maps[level][image, :, row, column]
        weight, bias = head.conv_cls.weight.flatten(1)[prior * K:(prior + 1) * K], head.conv_cls.bias[prior * K:(prior + 1) * K]
        assert torch.equal(entered, x)
        torch.testing.assert_close(said, weight @ x + bias)


def test_labels_of_all_maps_in_one_row_are_those_of_each_map(rng):
    head = Head()
    labels = torch.cat([x.flatten() for x in labels_of(*POSITIVE)])
    head.get_targets = lambda *_: (labels, torch.zeros(len(labels), 4))
    _, seen = seen_by(head, rng)
    found, told = seen.positives(A, K)
    assert told.tolist() == [0, 2, 1]
    assert [torch.stack(each, dim=1).tolist() for each in found] == [[[0, 1, 2, 1], [1, 0, 0, 0]], [[1, 0, 1, 1]]]
    seen.targets = [(labels[:-1],)]
    with pytest.raises(ValueError, match='the labels of all priors of each map'):
        seen.positives(A, K)


def cells(*rows):
    return torch.tensor(rows, dtype=torch.long).reshape(-1, 4).unbind(dim=1)


def test_of_several_priors_each_class_takes_the_highest_score_for_a_head_of_one(rng):
    _, seen = seen_by(Head(), rng)
    _, logits = seen.at(Places(1, {8: cells([1, 0, 2, 0])}), [8, 16], A)
    expected = seen.scores[0][1, :, 0, 2].reshape(A, K)
    assert logits.tolist() == [[max(column) for column in expected.T.tolist()]]


def test_at_a_stride_that_it_lacks_a_head_says_zeros(rng):
    _, seen = seen_by(Head(), rng)
    embedding, logits = seen.at(Places(A, {32: cells([0, 5, 5, 0]), 8: cells()}), [8, 16], A)
    assert embedding.tolist() == [[0] * 4] and logits.tolist() == [[0] * K]


@pytest.mark.parametrize('labels', [(), labels_of()[:1], [x[:, :-1] for x in labels_of()], [x.float() for x in labels_of()]],
                         ids=['none', 'a map too few', 'a prior too few', 'no whole numbers'])  # fmt: skip
def test_labels_that_are_not_of_every_prior_are_refused(rng, labels):
    _, seen = seen_by(Head(labels), rng)
    with pytest.raises(ValueError, match='whose get_targets gives, once a step, the labels of all priors of each map, got a Head'):
        seen.positives(A, K)


def test_targets_that_are_asked_for_twice_are_refused(rng):
    head = Head(labels_of())
    with watching_head(head) as seen:
        head(maps_of(rng))
        head.get_targets(), head.get_targets()
    with pytest.raises(ValueError, match='once a step'):
        seen.positives(A, K)


def test_scores_that_are_not_those_of_the_last_convolution_are_refused(rng):
    changing = Changing()
    with pytest.raises(ValueError, match='those of its last convolution, got a Changing, which makes'), watching_head(changing):
        changing(maps_of(rng))
    assert not changing._forward_hooks and not changing.conv_cls._forward_hooks and 'get_targets' not in changing.__dict__


def test_the_convolutions_of_the_classes_are_known_by_their_name():
    head = Head()
    assert class_convs(head) == [head.conv_cls]
    head.conv_cls = nn.ModuleList([nn.Conv2d(4, 6, 1), nn.Conv2d(4, 6, 1)])
    assert class_convs(head) == list(head.conv_cls)
    head.conv_cls = nn.ModuleList([head.conv_cls[0]] * 2)  # shared by all maps
    assert len(class_convs(head)) == 1
    head.conv_cls = nn.Linear(4, 6)
    assert class_convs(head) == []


def test_an_assigner_is_asked_without_the_loss(rng):
    head = Head(labels_of(*POSITIVE))
    samples = [BaseDataElement(gt_instances=InstanceData()) for _ in range(2)]
    found, labels = assigned(head, head(maps_of(rng)), samples)
    assert labels.tolist() == [0, 2, 1] and torch.stack(found[1], dim=1).tolist() == [[1, 0, 1, 1]]
    assert 'get_targets' not in head.__dict__


def test_an_empty_pass_has_no_targets():
    assert HeadPass('a Head').targets == []
