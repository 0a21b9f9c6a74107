"""What all kinds of mmdet's detectors share: pyramids paired by stride, the order of channels, mmdet itself."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData
from support.detection import LOSSES, distiller, raw, read, teacher_of, tiny
from torch import nn

from mmkd_ext.losses import KDLoss, PKDLoss
from mmkd_ext.models import TwoStageDistiller
from mmkd_ext.models.outputs.kinds.detector import Detector
from mmkd_ext.models.outputs.outputs import Outputs


def levels(start, outs, end=-1):
    model = tiny()
    model['neck'].update(start_level=start, num_outs=outs, end_level=end)
    return model


def test_pyramids_are_paired_by_stride(rng):
    review = dict(review=LOSSES['review'])
    student = levels(0, 4)
    student['rpn_head']['anchor_generator']['strides'] = [4, 8, 16, 32]
    model = distiller(student, teacher_of(tiny(width=16)), review).train()
    terms = model(*read(model, raw(rng)), mode='loss')
    assert 0 < float(terms['loss_review'].detach())
    assert len(model.distill.review.widths[0]) == len(model.distill.review.widths[1]) == 4
    assert model._levels['teacher'] == ([0, 1, 2, 3], [0, 1, 2, 3])
    model = distiller(tiny(), teacher_of(levels(1, 4)), review)
    assert model._levels['teacher'] == ([1, 2, 3, 4], [0, 1, 2, 3])
    apart = levels(0, 2, end=1), teacher_of(levels(2, 3))
    assert distiller(*apart, {})._levels['teacher'] == ([], [])
    with pytest.raises(ValueError, match=r'none in common: student 4: 16, 8: 16; teacher 16: 16, 32: 16, 64: 16'):
        distiller(*apart, review)
    with pytest.raises(ValueError, match='needs with_embedding=False in detection'):
        distiller(tiny(), teacher_of(tiny()), dict(review=dict(type='mmkd_ext.ReviewKDLoss')))


def test_classification_needs_no_mmdet_and_detection_without_it_says_what_to_install(monkeypatch):
    blocked = "import sys; sys.modules.update({'mmdet': None, 'mmcv.ops': None})"  # mmpretrain imports them where they are
    code = f'{blocked}; import mmkd_ext.models, mmkd_ext.hooks, mmkd_ext.datasets\n'
    code += 'from mmkd_ext.commands import benchmark, distill, export_student, study, test, train'
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True)
    monkeypatch.setitem(sys.modules, 'mmdet.models', None)
    with pytest.raises(ValueError, match="needs mmdet and mmcv's ops, got .*install_mmcv.sh"):
        TwoStageDistiller.build_student(tiny(), None)


def pyramid(*sides, width=4):
    return Outputs(tuple(torch.zeros(1, width, side, side) for side in sides), torch.zeros(1, 2), torch.zeros(1, 3))


@pytest.mark.parametrize(('student', 'teacher', 'found'), [
    ((64, 32, 16), (64, 32, 16), ([0, 1, 2], [0, 1, 2])), ((64, 32, 16), (32, 16, 8), ([1, 2], [0, 1])), ((64,), (8,), ([], [])),
    ((63, 33), (32,), ([1], [0]))])  # as strided convolutions round them
def test_stages_of_one_stride_are_compared(student, teacher, found):
    assert Detector.levels((256, 256), pyramid(*student), pyramid(*teacher)) == found


def test_strides_that_only_one_has_are_told_and_none_in_common_is_an_error(monkeypatch):
    texts = []
    monkeypatch.setattr('mmkd_ext.models.outputs.kinds.detector.print_log', lambda text, *_: texts.append(text))
    Detector.check_loss('pkd', PKDLoss(), (256, 256), pyramid(64, 32), pyramid(64, 32, width=8))
    assert texts == []
    Detector.check_loss('pkd', PKDLoss(), (256, 256), pyramid(64, 32), pyramid(32, 16, width=8))
    assert texts == ['losses.pkd follows the strides that both have of 4: 4, 8: 4 and 8: 8, 16: 8.']
    with pytest.raises(ValueError, match='losses.pkd compares maps of one stride, .* student 4: 4; teacher 16: 4 .stride: channels.'):
        Detector.check_loss('pkd', PKDLoss(), (256, 256), pyramid(64), pyramid(16))
    Detector.check_loss('kd', KDLoss(), (256, 256), pyramid(64), pyramid(16))  # it reads no maps


@pytest.mark.parametrize(('told', 'converts', 'order'), [
    (None, False, 'bgr'), (None, True, 'rgb'), ('rgb', False, 'rgb'), ('bgr', True, 'bgr')])
def test_mmdet_loads_bgr_unless_it_is_told_otherwise(told, converts, order):
    assert Detector.order(told, SimpleNamespace(_channel_conversion=converts)) == order


def test_a_network_is_looked_at_in_a_square_of_its_channels():
    assert Detector(nn.Conv2d(1, 4, 3)).input_shape({}, None) == (1, 256, 256)
    assert Detector(nn.Conv2d(3, 4, 3)).input_shape({}, (64, 96)) == (3, 64, 96)


@pytest.mark.parametrize(('limits', 'kept'), [((2, 1), 2), ((2, -1), 3)])
def test_an_ensemble_finds_as_many_boxes_as_its_most_generous_network(limits, kept):
    members = {name: SimpleNamespace(test_cfg=dict(max_per_img=most)) for name, most in zip('ab', limits, strict=True)}
    apart = [InstanceData(bboxes=torch.tensor([[20.0 * i, 0, 20.0 * i + 10, 10]]), scores=torch.tensor([0.5]), labels=torch.tensor([0]))
             for i in range(3)]  # fmt: skip
    own = dict(a=[BaseDataElement(pred_instances=InstanceData.cat(apart[:2]))], b=[BaseDataElement(pred_instances=apart[2])])
    (found,) = Detector.joined([BaseDataElement()], own, members)
    assert len(found.pred_instances) == kept and found.networks == dict(a=own['a'][0], b=own['b'][0])


def test_everything_before_the_decision_is_one_row():
    def model(images, samples, mode):
        assert mode == 'tensor' and [x.img_shape for x in samples] == [(8, 9)] * 2
        return [torch.ones(2, 3)], (torch.zeros(2, 4), [torch.full((1,), 7.0)])

    assert Detector.raw_predictions(model, torch.zeros(2, 3, 8, 9)).tolist() == [[1.0] * 6 + [0.0] * 8 + [7.0]]


def test_annotations_are_watched_before_they_move():
    preprocessor, bad = nn.Identity(), InstanceData(bboxes=torch.zeros(1, 4), labels=torch.tensor([0]))
    preprocessor.forward = lambda data, training=False: data
    Detector(nn.Identity()).watch_data(preprocessor, 3)
    with pytest.raises(ValueError, match='Boxes of positive width and height'):
        preprocessor(dict(data_samples=[BaseDataElement(gt_instances=bad)]), True)
