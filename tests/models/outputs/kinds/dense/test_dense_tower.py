"""CrossKDLoss on dense detectors: the student's feature through the teacher's last convolutions, and the sentence for all others."""

import copy

import pytest
import torch
from support.dense import batch, distiller, pair, tiny
from support.detection import pair as two_stage
from support.detection import read, teacher_of
from witnesses.naive_crosskd import naive_crosskd

pytestmark = [  # of mmdet
    pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors`'), pytest.mark.filterwarnings('ignore:torch.meshgrid')]
CROSS = dict(cross=dict(type='mmkd_ext.CrossKDLoss', loss_weight=0.5))
CLASS_CONV = dict(retinanet='retina_cls', gfl='gfl_cls')


@pytest.mark.parametrize('kind', ['retinanet', 'gfl'])
def test_the_student_s_feature_goes_through_the_teacher_s_last_convolutions(kind, rng):
    model = pair(kind, CROSS).train()
    inputs, samples = read(model, batch(rng))
    student, teacher = copy.deepcopy(model.student).train(), model.teachers['teacher'].network
    terms = model(inputs, samples, mode='loss')
    head, last = teacher.bbox_head, getattr(teacher.bbox_head, CLASS_CONV[kind])
    with torch.no_grad():  # towers of one convolution: what enters it is the FPN's map
        crossed = [last(head.cls_convs[0](model.distill.cross.adapter(x))) for x in student.extract_feat(inputs)]
        own = head(teacher.extract_feat(inputs))[0]
    assert float(terms['loss_cross'].detach()) == pytest.approx(0.5 * naive_crosskd(crossed, own, 2.0), abs=1e-6, rel=1e-5)
    terms['loss_cross'].backward()
    touched = {name.split('.')[0] for name, p in model.student.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched == {'backbone', 'neck'} and all(p.grad is None for p in teacher.parameters())
    assert model.distill.cross.adapter.weight.grad.abs().sum() > 0


def test_towers_for_each_map_are_read_too_and_a_batch_without_boxes_teaches(rng):
    model = pair('rtmdet', CROSS).train()
    terms = model(*read(model, batch(rng, [[], []])), mode='loss')
    assert float(terms['loss_cross'].detach()) > 0
    terms['loss_cross'].backward()


@pytest.mark.parametrize(('make', 'text'), [
    (lambda: distiller(tiny(), teacher_of(tiny(classes=5)), CROSS), '3 classes and the teacher RetinaNet has 5, but losses.cross compares'),
    (lambda: distiller(tiny('gfl'), teacher_of(tiny('retinanet')), CROSS), 'got 3 of the student and 27 of the teacher'),
    (lambda: two_stage('faster', CROSS), '.CrossKDLoss. follows the last convolutions .* got none of the student and the teacher'),
], ids=['classes', 'anchors', 'two-stage'])
def test_other_heads_are_refused_in_one_sentence(make, text):
    with pytest.raises(ValueError, match=text):
        make()
