"""Query detectors beside the ordinary step: students of one another, ensembles, patterns of queries, numbers that are not finite."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from support.detection import build, read, teacher_of
from support.query import LOSSES, batch, distiller, pair, tiny

from mmkd_ext.models.outputs.kinds.query.kind import Query
from mmkd_ext.registry import MODELS

pytestmark = [  # of mmdet and mmcv
    pytest.mark.filterwarnings('ignore:torch.meshgrid'), pytest.mark.filterwarnings('ignore::DeprecationWarning')]
KD = dict(kd=LOSSES['kd'])


def test_students_learn_from_one_another_at_the_boxes_of_each(rng):
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(dict(
            type='mmkd_ext.MutualLearningDistiller', students=dict(a=tiny(), b=tiny('dino', queries=12)), teacher=tiny(embed=64),
            input_size=64, losses=dict(kd=LOSSES['kd'], ml=dict(type='mmkd_ext.MutualLearningLoss')),
            data_preprocessor=tiny()['data_preprocessor']))  # fmt: skip
    for network in model.networks.values():
        network.init_weights()
    inputs, samples = read(model, batch(rng))
    terms = model.train()(inputs, samples, mode='loss')
    assert {'loss_kd_a', 'loss_kd_b', 'loss_ml_a', 'loss_ml_b', 'a_loss_cls', 'b_dn_loss_cls'} <= set(terms)
    (terms['loss_kd_a'] + terms['loss_ml_a']).backward(retain_graph=True)
    touched = {name.split('.')[1] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched == {'a'}
    with torch.no_grad():
        found = model.eval()(inputs, samples, mode='predict')
    assert set(found[0].networks) >= {'a', 'b'} and len(found[0].pred_instances) > 0


def test_what_it_says_of_images_needs_no_samples(rng):
    network = build(tiny('dino'))
    network.init_weights()
    scores, boxes = Query(network.eval()).raw(torch.rand(2, 3, 64, 64, generator=rng), None)
    assert scores.shape == (2, 2, 10, 3) and boxes.shape == (2, 2, 10, 4)


def test_all_patterns_of_queries_may_be_matched(rng):
    student = tiny('dab')
    student['num_patterns'] = 2
    model = distiller(student, teacher_of(tiny('dab')), KD, input_size=64).train()
    seen = model.reader.train(*read(model, batch(rng)), None)
    assert seen.features.scores.shape == (2, 20, 3) and seen.target.tolist() == [0, 1, 2, 0]


def test_predictions_that_are_not_finite_are_told_in_a_sentence(rng):
    model = pair(losses=KD).train()
    inputs, samples = read(model, batch(rng))
    teacher = model.teachers['teacher'].network
    whole = copy.deepcopy(teacher.state_dict())
    with torch.no_grad():
        teacher.bbox_head.cls_branches[-1].bias.fill_(torch.nan)
    terms = model(inputs, copy.deepcopy(samples), mode='loss')
    assert terms['loss_kd'].isnan()  # for InvalidLossHook
    teacher.load_state_dict(whole)
    with torch.no_grad():
        model.student.bbox_head.cls_branches[-1].bias.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match='got NaN or Inf of the student. Look at the learning rate'):
        model(inputs, samples, mode='loss')
