"""Weighted box fusion: as mmdet and plain Python do it, and the masks of a cluster as one, by plain Python."""

import pytest
import torch
from mmengine.structures import InstanceData
from witnesses.naive_wbf import clusters_of, joined_mask
from witnesses.naive_wbf import weighted_box_fusion as naive

from mmkd_ext.models.outputs.kinds.box_fusion import clusters, fused


def instances(rng, count=12, side=100.0, masks=None):
    """Boxes of three classes, many of which overlap, with soft masks of `masks` pixels a side."""
    corners = side * 0.5 * torch.rand(count // 3, 2, generator=rng).repeat(3, 1) + 0.05 * side * torch.rand(count, 2, generator=rng)
    boxes = torch.cat([corners, corners + side * (0.2 + 0.1 * torch.rand(count, 2, generator=rng))], dim=1)
    found = InstanceData(
        bboxes=boxes, scores=0.05 + 0.95 * torch.rand(count, generator=rng), labels=torch.randint(3, (count,), generator=rng))
    if masks:
        found.soft_masks = torch.randint(256, (count, masks, masks + 1), generator=rng, dtype=torch.uint8)
        found.masks = found.soft_masks >= 128
    return found


def lists(found):
    return ([each[key].double().tolist() for each in found] for key in ('bboxes', 'scores', 'labels'))


@pytest.mark.det
@pytest.mark.parametrize('seed', range(6))
def test_boxes_are_joined_as_mmdet_and_plain_python_do(seed):
    from mmdet.models.utils import weighted_boxes_fusion

    rng = torch.Generator().manual_seed(seed)
    found = [instances(rng) for _ in range(3)]
    joined, expected = fused(found, 0.55), naive(*lists(found))
    assert len(joined) == len(expected) < 30
    torch.testing.assert_close(joined.scores, torch.tensor([x[0] for x in expected]))
    assert joined.labels.tolist() == [int(x[1]) for x in expected] and joined.labels.dtype == torch.long
    torch.testing.assert_close(joined.bboxes, torch.tensor([x[2] for x in expected]))
    theirs = weighted_boxes_fusion(*lists(found), iou_thr=0.55)
    torch.testing.assert_close(joined.bboxes, theirs[0], rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(joined.scores, theirs[1])


@pytest.mark.parametrize('threshold', [0.5, 0.3])
@pytest.mark.parametrize('seed', range(3))
def test_a_cluster_s_mask_is_where_the_mean_of_its_soft_masks_reaches_the_threshold(seed, threshold):
    found = [instances(torch.Generator().manual_seed(10 * seed + i), masks=5) for i in range(3)]
    joined = fused(found, 0.55, mask_threshold=threshold)
    soft = [mask.tolist() for each in found for mask in each.soft_masks]
    expected = [joined_mask([soft[i] for i in each], threshold) for each in clusters_of(*lists(found))]
    assert joined.masks.dtype == torch.bool and joined.masks.tolist() == expected
    assert any(len(each) > 2 for each in clusters_of(*lists(found)))
    assert fused(found, 0.55, most=4, mask_threshold=threshold).masks.tolist() == expected[:4]


def pair_of_one_box(first, second):
    found = []
    for mask in (first, second):
        each = InstanceData(bboxes=torch.tensor([[0.0, 0, 4, 4]]), scores=torch.tensor([0.9]), labels=torch.tensor([1]))
        each.masks = torch.tensor([mask])
        found.append(each)
    return found


def test_masks_of_true_and_false_are_joined_by_majority_and_half_is_enough():
    found = pair_of_one_box([[True, True, False]], [[True, False, False]])
    assert fused(found).masks.tolist() == [[[True, True, False]]]
    assert fused(found, mask_threshold=0.6).masks.tolist() == [[[True, False, False]]]
    soft = fused(found, mask_threshold=-1).masks
    assert soft.dtype == torch.uint8 and soft.tolist() == [[[255, 127, 0]]]


def test_masks_are_joined_only_where_all_have_any():
    found = pair_of_one_box([[True]], [[True]])
    found[1].pop('masks')
    assert 'masks' not in fused(found)


def test_without_boxes_the_masks_keep_their_size():
    found = pair_of_one_box([[True, False]], [[True, False]])
    joined = fused([each[:0] for each in found])
    assert joined.masks.shape == (0, 1, 2) and joined.masks.dtype == torch.bool and len(joined) == 0


def test_clusters_are_named_by_the_places_of_their_boxes(rng):
    found = instances(rng)
    columns = [found[key].double().numpy() for key in ('bboxes', 'scores', 'labels')]
    assert sorted(clusters(*columns, 0.55)) == sorted(clusters_of(*lists([found])))
    assert sorted(i for each in clusters(*columns, 0.55) for i in each) == list(range(12))


def test_joining_nothing_and_boxes_without_area():
    empty = InstanceData(bboxes=torch.zeros(0, 4), scores=torch.zeros(0), labels=torch.zeros(0, dtype=torch.long))
    flat = InstanceData(bboxes=torch.tensor([[3.0, 3, 3, 9]]), scores=torch.tensor([0.9]), labels=torch.tensor([1]))
    one = InstanceData(bboxes=torch.tensor([[0.0, 0, 4, 4]]), scores=torch.tensor([0.8]), labels=torch.tensor([2]))
    joined = fused([empty, flat])
    assert joined.bboxes.shape == (0, 4) and joined.labels.dtype == torch.long
    joined = fused([one, flat])
    assert joined.bboxes.tolist() == [[0.0, 0.0, 4.0, 4.0]] and joined.labels.tolist() == [2]
    assert joined.scores.tolist() == pytest.approx([0.4])  # one of two has seen it
    assert len(fused([one, one, flat], most=0)) == 0


def test_two_boxes_of_a_class_that_overlap_become_one_and_of_two_classes_none():
    a = InstanceData(bboxes=torch.tensor([[0.0, 0, 10, 10]]), scores=torch.tensor([0.9]), labels=torch.tensor([1]))
    b = InstanceData(bboxes=torch.tensor([[0.0, 0, 12, 10]]), scores=torch.tensor([0.3]), labels=torch.tensor([1]))
    joined = fused([a, b])
    torch.testing.assert_close(joined.bboxes, torch.tensor([[0.0, 0, (0.9 * 10 + 0.3 * 12) / 1.2, 10]]))
    assert joined.scores.tolist() == pytest.approx([0.6])
    b.labels[:] = 2
    assert sorted(fused([a, b]).labels.tolist()) == [1, 2]
    assert fused([a, b], most=1).scores.tolist() == pytest.approx([0.45])
