"""LDLoss on detectors that predict distributions of a box's edges, and the sentence for all others."""

import copy

import pytest
import torch
from support.dense import LOSSES, batch, distiller, pair, tiny
from support.detection import pair as two_stage
from support.detection import read, teacher_of
from support.offline import distiller as classifiers
from support.query import distiller as query_distiller
from support.query import tiny as query

pytestmark = [  # of mmdet
    pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors`'), pytest.mark.filterwarnings('ignore:torch.meshgrid'),
    pytest.mark.filterwarnings('ignore::DeprecationWarning')]
LD = dict(ld=dict(type='mmkd_ext.LDLoss', loss_weight=0.5))


def test_ld_compares_both_heads_edges_at_the_student_s_positives_as_mmdet_does(rng):
    from mmdet.models.losses.kd_loss import knowledge_distillation_kl_div_loss

    model = pair('gfl', LD).train()
    inputs, samples = read(model, batch(rng))
    student, teacher = copy.deepcopy(model.student).train(), model.teachers['teacher'].network
    cells = model.reader.train(inputs, copy.deepcopy(samples), None).places.cells.values()
    terms = model(inputs, samples, mode='loss')
    with torch.no_grad():
        mine, theirs = student.bbox_head(student.extract_feat(inputs)), teacher.bbox_head(teacher.extract_feat(inputs))
    total = weights = 0.0
    for level, (image, row, column, _) in enumerate(cells):
        for n, y, x in zip(image.tolist(), row.tolist(), column.tolist(), strict=True):
            weight = mine[0][level][n, :, y, x].sigmoid().max()
            s, t = (said[1][level][n, :, y, x].reshape(4, 17) for said in (mine, theirs))
            total += weight * 17 * knowledge_distillation_kl_div_loss(s, t, T=10, reduction='sum')  # mmdet has the mean over 17 places
            weights += weight
    assert weights > 0 and float(terms['loss_ld'].detach()) == pytest.approx(float(0.5 * total / weights), rel=1e-5, abs=1e-6)
    assert float(terms['loss_ld'].detach()) > 1e-3
    terms['loss_ld'].backward()
    assert model.student.bbox_head.gfl_reg.weight.grad.abs().sum() > 0 and teacher.bbox_head.gfl_reg.weight.grad is None


def test_edges_are_recorded_only_where_a_loss_asks(rng):
    for losses, there in ((LD, True), (dict(kd=LOSSES['kd']), False)):
        model = pair('gfl', losses).train()
        seen = model.reader.train(*read(model, batch(rng)), None)
        assert (seen.outputs.edges is not None) == there
    assert len(seen.target) > 0


def test_ld_adds_0_without_boxes(rng):
    model = pair('gfl', LD).train()
    terms = model(*read(model, batch(rng, [[], []])), mode='loss')
    assert float(terms['loss_ld'].detach()) == 0


def shorter():
    model = tiny('gfl')
    model['bbox_head']['reg_max'] = 8
    return model


@pytest.mark.parametrize(('make', 'text'), [
    (lambda: distiller(tiny('retinanet'), teacher_of(tiny('retinanet')), LD), 'predict, got none of the student and the teacher RetinaNet'),
    (lambda: distiller(tiny('gfl'), teacher_of(tiny('fcos')), LD), 'got none of the teacher FCOS. Look at bbox_head of both'),
    (lambda: distiller(tiny('gfl'), teacher_of(shorter()), LD), 'over the same places, got 17 of the student and 9 of the teacher'),
    (lambda: query_distiller(query(), teacher_of(query()), LD, input_size=64), 'got none of the student and the teacher DeformableDETR'),
    (lambda: two_stage('faster', LD), 'got none of the student and the teacher FasterRCNN'),
    (lambda: classifiers(losses=LD), 'losses.ld .LDLoss. compares the distributions of the edges of boxes'),
], ids=['retinanet', 'fcos teacher', 'reg_max', 'query', 'two-stage', 'classifier'])
def test_other_heads_are_refused_in_one_sentence(make, text):
    with pytest.raises(ValueError, match=text):
        make()
