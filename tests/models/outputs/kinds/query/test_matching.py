"""Queries and the true boxes that they are matched to, on a head of a few numbers whose assigner is written out."""

from itertools import permutations, product
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import InstanceData

from mmkd_ext.models.outputs.kinds.query.matching import (
    DecoderPass,
    Features,
    Places,
    by_box,
    own_queries,
    told_where_not_finite,
)


def test_matched_boxes_come_in_their_order_with_their_queries(rng):
    assert [x.tolist() for x in by_box(torch.tensor([0, 2, 0, 1]))] == [[0, 1], [3, 1]]
    boxes = torch.randperm(9, generator=rng)[:5]  # boxes that some queries have; the others are matched to none
    gt_inds = torch.zeros(8, dtype=torch.long)
    queries = torch.randperm(8, generator=rng)[:5]
    gt_inds[queries] = boxes + 1
    found = dict(zip(*(x.tolist() for x in by_box(gt_inds)), strict=True))
    assert found == dict(zip(boxes.tolist(), queries.tolist(), strict=True)) and list(found) == sorted(found)
    assert [x.tolist() for x in by_box(torch.zeros(3, dtype=torch.long))] == [[], []]


def test_embeddings_and_logits_are_those_of_the_queries_image_after_image(rng):
    features = Features((), *(torch.randn(3, 5, width, generator=rng) for width in (4, 2, 4)))
    queries = [torch.tensor([4, 1]), torch.tensor([], dtype=torch.long), torch.tensor([1, 1])]
    embedding, logits = features.at(queries)
    chosen = [(0, 4), (0, 1), (2, 1), (2, 1)]
    assert torch.equal(embedding, torch.stack([features.hidden[n, q] for n, q in chosen]))
    assert torch.equal(logits, torch.stack([features.scores[n, q] for n, q in chosen]))


class Assigner:
    """Each box takes the query whose middle is nearest, no query twice, by trying all; boxes in shares of the image."""

    def assign(self, pred_instances, gt_instances, img_meta=None):
        gt_inds, boxes = torch.zeros(len(pred_instances), dtype=torch.long), gt_instances.bboxes
        cost = torch.cdist(pred_instances.bboxes[:, :2], (boxes[:, :2] + boxes[:, 2:]) / 2)
        queries, boxes = (permutations(range(n), min(cost.shape)) for n in cost.shape)
        ways = (list(zip(*each, strict=True)) for each in product(queries, boxes))
        chosen = min(ways, key=lambda pairs: sum(float(cost[q, b]) for q, b in pairs))
        for q, b in chosen:
            gt_inds[q] = b + 1
        return SimpleNamespace(gt_inds=gt_inds)


class Head:
    def __init__(self):
        self.assigner = Assigner()

    def _get_targets_single(self, scores, shares, truth, meta):
        self.assigner.assign(pred_instances=InstanceData(scores=scores, bboxes=shares), gt_instances=truth, img_meta=meta)


def at(*middles):
    return torch.tensor([[x, y, 0.1, 0.1] for x, y in middles])


def places(*images):
    boxes = [torch.tensor([[x, y, x, y] for x, y in each]).reshape(-1, 4) for each in images]
    truth = [InstanceData(bboxes=each, labels=torch.zeros(len(each))) for each in boxes]
    return Places(truth, [{} for _ in images])


def features(*boxes):
    boxes = torch.stack(boxes)
    return Features((), torch.zeros(*boxes.shape[:2], 3), torch.zeros(*boxes.shape[:2], 2), boxes)


def test_every_box_has_its_own_nearest_query_and_an_image_without_boxes_none():
    seen = features(at((0.1, 0.1), (0.5, 0.5), (0.9, 0.9)), at((0.9, 0.9), (0.5, 0.5), (0.1, 0.1)))
    found = own_queries(Head(), seen, places([(0.8, 0.9), (0.1, 0.2)], []))
    assert [x.tolist() for x in found] == [[2, 0], []]
    assert [x.tolist() for x in own_queries(Head(), seen, places([], [(0.9, 0.8)]))] == [[], [0]]


def test_of_more_boxes_than_queries_those_left_over_are_matched_once_more():
    seen = features(at((0.1, 0.1), (0.9, 0.9)))
    (found,) = own_queries(Head(), seen, places([(0.1, 0.1), (0.8, 0.8), (0.9, 0.9), (0.2, 0.2), (0.3, 0.2)]))
    assert found.tolist() == [0, 1, 1, 0, 0]


def test_what_is_not_finite_is_matched_as_numbers():
    seen = features(at((0.1, 0.1), (0.9, 0.9)))
    seen.scores[0, 0], seen.boxes[0, 1] = torch.nan, torch.inf
    assert own_queries(Head(), seen, places([(0.1, 0.1)]))[0].tolist() == [0]


def test_a_head_whose_assigner_matches_nothing_is_told_in_a_sentence():
    head = Head()
    head.assigner.assign = lambda **given: SimpleNamespace(gt_inds=torch.zeros(2, dtype=torch.long))
    with pytest.raises(ValueError, match='^Distillation of query detectors needs a head that gives scores and boxes .* got a Head.$'):
        own_queries(head, features(at((0.1, 0.1), (0.9, 0.9))), places([(0.1, 0.1)]))


def decoder_pass(rng, queries=6, matched=4):
    seen = DecoderPass('a Head')
    seen.maps.append(torch.zeros(2, 3, 4, 4))
    seen.hidden.append(torch.randn(2, 2, queries, 3, generator=rng))
    seen.said.append((torch.randn(2, 2, queries, 5, generator=rng), torch.rand(2, 2, queries, 4, generator=rng)))
    for layer in range(2):
        for n in range(2):
            gt_inds = torch.zeros(matched, dtype=torch.long)
            gt_inds[layer + n] = 1
            scores = seen.said[0][0][layer][:, -matched:][n]  # a view, as mmdet gives it
            seen.matched.append((dict(pred_instances=InstanceData(scores=scores)), SimpleNamespace(gt_inds=gt_inds)))
    return seen


def test_of_a_pass_the_last_layer_counts_and_queries_for_denoising_do_not(rng):
    seen = decoder_pass(rng)
    features = seen.features()
    (scores, boxes), hidden = seen.said[0], seen.hidden[0]
    for found, whole in ((features.hidden, hidden), (features.scores, scores), (features.boxes, boxes)):
        assert torch.equal(found, whole[1, :, 2:])
    assert features.maps == tuple(seen.maps)
    found = seen.queries_of_boxes(features)
    assert [[x.tolist() for x in each] for each in found] == [[[0], [0]], [[1], [2]]]
    seen.matched.clear()
    assert seen.features().scores.shape == (2, 6, 5)


@pytest.mark.parametrize('spoil', [
    lambda seen: seen.said.clear(), lambda seen: seen.hidden.append(seen.hidden[0]),
    lambda seen: seen.said.__setitem__(0, tuple(x[0] for x in seen.said[0])),
    lambda seen: seen.said.__setitem__(0, tuple(x[:, :, :3] for x in seen.said[0])),
], ids=['silent', 'twice', 'one layer', 'fewer queries'])
def test_a_head_that_says_something_else_is_told_in_a_sentence(rng, spoil):
    seen = decoder_pass(rng)
    spoil(seen)
    with pytest.raises(ValueError, match='each decoder layer and matches those of the last one by its assigner, got a Head.$'):
        seen.features()


def test_an_assigner_that_was_not_asked_about_the_last_layer_is_told_in_a_sentence(rng):
    seen = decoder_pass(rng)
    features = seen.features()
    del seen.matched[2:]
    with pytest.raises(ValueError, match='matches those of the last one by its assigner, got a Head.$'):
        seen.queries_of_boxes(features)


def test_numbers_that_are_not_finite_are_told_and_other_errors_are_left_alone():
    with pytest.raises(FloatingPointError, match='^Queries are matched .* got NaN or Inf of the teacher. Look at the learning rate'):
        with told_where_not_finite('teacher'):
            raise ValueError('matrix contains invalid numeric entries')
    with pytest.raises(ValueError, match='^another$'), told_where_not_finite('teacher'):
        raise ValueError('another')
