"""Two-stage detectors as a kind: RoIs, the background, and cascades, whose heads have rows of class means of their own."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict
from support.detection import KIND, tiny
from torch import nn

from mmkd_ext.losses import KDLoss, NDLoss, PKDLoss, ReviewKDLoss
from mmkd_ext.models.outputs.kinds.two_stage.box_heads import BoxHead
from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage, check_regions
from mmkd_ext.models.outputs.outputs import Outputs


class Head(nn.Module):
    """Says its own number of each RoI."""

    num_classes = 2

    def __init__(self, number):
        super().__init__()
        self.number, self.fc_cls, self.norm = number, nn.Identity(), nn.BatchNorm1d(5)

    def forward(self, pooled):
        self.fc_cls(pooled)
        assert not self.training
        return torch.full((len(pooled), 3), float(self.number)), pooled


def extractor(maps, rois):
    return rois


extractor.num_inputs = 1


def reader(heads):
    found = TwoStage(nn.Identity(), 'teacher')
    found.heads = [BoxHead(extractor, Head(i).train()) for i in range(heads)]
    return found


@pytest.mark.parametrize(('mine', 'asked', 'said'), [(1, 3, [0, 0, 0]), (3, 1, [0]), (3, 3, [0, 1, 2]), (2, 3, [0, 1, 1])])
def test_a_head_answers_for_the_same_place_and_the_last_one_for_those_beyond(mine, asked, said):
    teacher, maps = reader(mine), (torch.zeros(1, 4, 8, 8, requires_grad=True),)
    rois = [torch.full((2, 5), float(i)) for i in range(asked)]
    outputs = teacher.answer(maps, rois)
    assert outputs.logits[::2, 0].tolist() == said and torch.equal(outputs.embedding, torch.cat(rois))
    assert not outputs.stages[0].requires_grad and all(head.training for _, head in teacher.heads)


def test_class_k_is_the_background_which_is_counted_nowhere():
    assert TwoStage.classes_of(Outputs((), torch.zeros(2, 4), torch.zeros(2, 4))) == 3
    assert TwoStage.counted(torch.tensor([0, 3, 2]), 3).tolist() == [True, False, True]


@pytest.mark.parametrize(('heads', 'rows', 'names'), [
    (1, 3, ['cat', 'dog', 'background']),
    (2, 6, ['cat, head 0', 'dog, head 0', 'background, head 0', 'cat, head 1', 'dog, head 1', 'background, head 1'])])
def test_each_head_has_a_row_for_each_class_and_the_background(heads, rows, names):
    found = reader(heads)
    assert found.mean_rows(2) == (rows, f'2 classes and the background for each of {heads} box heads')
    assert found.class_mean_names(('cat', 'dog'), 2) == names
    for wrong in (('cat',), None):
        with pytest.raises(ValueError, match=f"the student's 2 classes, got {len(wrong or ())}. Look at num_classes of its box"):
            found.class_mean_names(wrong, 2)


@pytest.mark.parametrize('kind', KIND)
def test_classes_are_set_in_every_head(kind):
    plain = ConfigDict(tiny(kind))
    assert TwoStage.is_config(plain) and TwoStage.set_classes(plain, 7)
    boxes = plain.roi_head.bbox_head
    assert {x.num_classes for x in (boxes if kind == 'cascade' else [boxes])} == {7}
    assert kind != 'mask' or plain.roi_head.mask_head.num_classes == 7
    assert not TwoStage.set_classes(ConfigDict(roi_head={}), 7) and not TwoStage.is_config(dict(bbox_head={}))


def test_a_network_is_known_by_its_part_for_rois():
    network = nn.Module()
    assert not TwoStage.is_network(network)
    network.roi_head = nn.Identity()
    assert TwoStage.is_network(network)
    network = SimpleNamespace(test_cfg=SimpleNamespace(rcnn=dict(max_per_img=100)))
    assert TwoStage.most_boxes(network) == 100


def test_maps_are_kept_as_they_come_or_made_fit_for_mmcv_s_pooling():
    network = nn.Module()
    network.extract_feat = lambda x: [x.bfloat16().to(memory_format=torch.channels_last)]
    found = TwoStage(network)
    images = torch.zeros(1, 4, 3, 3)
    assert found.look(images)[0].dtype is torch.bfloat16
    (fit,) = found.look(images, keep=False)
    assert fit.dtype is torch.float32 and fit.is_contiguous()


def test_an_example_has_a_roi_in_the_upper_left_quarter():
    images, (roi,) = reader(1).example((3, 32, 48))
    assert images.shape == (1, 3, 32, 48) and roi.tolist() == [[0, 0, 0, 24, 16]]


class MapsAndLogits(KDLoss):
    def reads(self, what):
        return what in ('stages', 'logits')


def test_a_loss_reads_maps_of_images_or_what_belongs_to_regions():
    for fine in (KDLoss(), NDLoss(), PKDLoss(), ReviewKDLoss(with_embedding=False)):
        check_regions('x', fine)
    with pytest.raises(ValueError, match='losses.x needs with_embedding=False in detection, where embeddings belong to RoIs'):
        check_regions('x', ReviewKDLoss())
    with pytest.raises(ValueError, match=r'losses.x \(MapsAndLogits\) compares maps of images and logits, .*: two losses are needed'):
        check_regions('x', MapsAndLogits())
