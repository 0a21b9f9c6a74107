"""What a mask head says before its masks are cut is seen, and its own answer stays as it is."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict

from mmkd_ext.models.outputs.kinds.two_stage.soft_masks import soft_masks

pytestmark = pytest.mark.det
META = {'scale_factor': (0.5, 0.5), 'ori_shape': (20, 24)}


@pytest.fixture
def head():
    from mmdet.models.roi_heads.mask_heads import FCNMaskHead

    return FCNMaskHead(num_convs=0, in_channels=4, conv_out_channels=4, num_classes=2)


def pasted(head, says, rescale=True):
    boxes = torch.tensor([[1.0, 1, 5, 4], [0, 2, 9, 9]])  # in the image that the network saw, half as large
    cut = ConfigDict(mask_thr_binary=0.5)
    return head._predict_by_feat_single(
        mask_preds=says, bboxes=boxes, labels=torch.tensor([1, 0]), img_meta=dict(META), rcnn_test_cfg=cut, rescale=rescale)


@pytest.mark.parametrize('rescale', [True, False])
def test_the_masks_are_the_soft_ones_that_reach_the_threshold(head, rng, rescale):
    says = torch.randn(2, 2, 8, 8, generator=rng)
    alone = pasted(head, says, rescale)
    part = SimpleNamespace(with_mask=True, mask_head=head)
    with soft_masks(part) as seen:
        beside = pasted(head, says, rescale)
    assert torch.equal(alone, beside) and len(seen) == 1 and alone.shape == ((2, 20, 24) if rescale else (2, 10, 12))
    masks, soft = seen[0]
    assert torch.equal(masks, alone) and soft.dtype == torch.uint8 and soft.shape == alone.shape
    near = (soft.float() - 127.5).abs() < 1  # a byte says no more
    assert torch.equal(alone[~near], (soft > 127)[~near]) and alone.any() and near.float().mean() < 0.05
    pasted(head, says, rescale)
    assert len(seen) == 1  # nothing is watched any more


def test_a_box_of_one_probability_has_it_inside_and_none_outside(head):
    with soft_masks(SimpleNamespace(with_mask=True, mask_head=head)) as seen:
        pasted(head, torch.full((2, 2, 8, 8), 0.8).logit())
    soft = seen[0][1]
    assert soft[0, 4:6, 4:8].tolist() == [[204] * 4] * 2 and soft[0, 12:].eq(0).all() and soft[0, :, 14:].eq(0).all()


def test_a_part_without_masks_is_not_watched():
    with soft_masks(SimpleNamespace(with_mask=False)) as seen:
        pass
    assert seen == []
