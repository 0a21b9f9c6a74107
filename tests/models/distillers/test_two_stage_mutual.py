"""TwoStageMutualLearningDistiller: teacher and peers at a student's own RoIs, and boxes that are joined."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import _load_checkpoint_to_model, get_state_dict
from support.detection import CLASSES, build, host_watched, raw, read, teacher_of, tiny
from support.two_stage_mutual import LOSSES, config, distiller
from witnesses.naive_mutual import peer_term, teacher_term
from witnesses.naive_wbf import weighted_box_fusion

from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS


def at(detector, maps, rois):
    """Class scores of a detector at RoIs, pooled by hand."""
    x = detector.roi_head.bbox_roi_extractor(maps[:4], rois).flatten(1)
    head = detector.roi_head.bbox_head
    for fc in head.shared_fcs:
        x = (x @ fc.weight.t() + fc.bias).clamp(min=0)
    return (x @ head.fc_cls.weight.t() + head.fc_cls.bias).detach().tolist()


def test_the_terms_compare_all_networks_at_the_rois_of_each_student(rng):
    model = distiller().train()
    inputs, samples = read(model, raw(rng))
    reference = copy.deepcopy(model)
    torch.manual_seed(3)
    terms = model(inputs, samples, mode='loss')
    torch.manual_seed(3)
    rois, maps = {}, {}
    for name, network in reference.networks.items():  # each alone, one after the other: the same random samples
        handle = network.neck.register_forward_hook(lambda _, __, out, name=name: maps.update({name: out}))
        with host_watched(network) as calls:
            own = network.loss(inputs, copy.deepcopy(samples))
        handle.remove()
        for key, value in own.items():
            torch.testing.assert_close(terms[f'{name}_{key}'], value, rtol=0, atol=0)
        ((sampled, _),) = calls
        rois[name] = torch.cat([
            torch.cat([torch.full((len(x.priors), 1), float(n)), x.priors], dim=1) for n, x in enumerate(sampled)])
    for k, peer in (('a', 'b'), ('b', 'a')):
        said = {name: at(network, maps[name], rois[k]) for name, network in reference.networks.items()}
        kd, ml = teacher_term(said[k], said['teacher'], 2.0), peer_term([said[k], said[peer]], 0, 1.0)
        assert min(kd, ml) > 1e-4
        assert float(terms[f'loss_kd_{k}'].detach()) == pytest.approx(1.5 * kd, abs=1e-6)
        assert float(terms[f'loss_ml_{k}'].detach()) == pytest.approx(0.5 * ml, abs=1e-6)


def test_what_a_student_learns_reaches_nobody_else_and_every_parameter_has_a_gradient(rng):
    model = distiller().train()
    inputs, samples = read(model, raw(rng))
    terms = model(inputs, samples, mode='loss')
    (terms['loss_kd_a'] + terms['loss_ml_a']).backward(retain_graph=True)
    touched = {name.split('.')[1] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched == {'a'}
    total, _ = model.parse_losses(terms)
    total.backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_peers_that_are_asked_keep_their_statistics(rng):
    students = dict(a=tiny(), b=tiny())
    norm = dict(type='Shared4Conv1FCBBoxHead', conv_out_channels=16, norm_cfg=dict(type='BN'))
    for each in students.values():
        each['roi_head']['bbox_head'].update(norm)
    model = distiller(students).train()
    reference = copy.deepcopy(model)
    inputs, samples = read(model, raw(rng))
    torch.manual_seed(1)
    model(inputs, samples, mode='loss')
    torch.manual_seed(1)
    for network in reference.networks.values():
        network.loss(inputs, copy.deepcopy(samples))
    assert all(torch.equal(x, y) for x, y in zip(model.buffers(), reference.buffers(), strict=True))
    assert all(module.training for module in model.modules())


def test_without_boxes_the_terms_are_zero_or_finite(rng):
    model = distiller().train()
    inputs, samples = read(model, raw(rng, boxes=[[], []]))
    total, logs = model.parse_losses(model(inputs, samples, mode='loss'))
    total.backward()
    assert all(torch.isfinite(x).all() for x in logs.values())


@pytest.mark.parametrize('kind', ['mask', 'cascade'])
def test_masks_and_cascades_train_beside_a_frozen_teacher_of_another_kind(kind, rng):
    model = distiller(
        dict(a=tiny(kind), b=tiny(kind)), teacher_of(tiny('faster', 16)), freeze_teacher=True, losses=dict(
            LOSSES, maps=dict(type='mmkd_ext.ReviewKDLoss', with_embedding=False, students='b')))
    inputs, samples = read(model, raw(rng, masks=kind == 'mask'))
    terms = model(inputs, samples, mode='loss')
    assert {'loss_kd_a', 'loss_ml_b', 'loss_maps_b'} <= set(terms)
    total, logs = model.parse_losses(terms)
    total.backward()
    assert all(torch.isfinite(x).all() for x in logs.values())
    assert not any('teacher' in key for key in get_state_dict(model))


def test_the_ensemble_joins_the_students_boxes(rng):
    model = distiller().eval()
    for network in model.networks.values():
        network.roi_head.test_cfg.score_thr = 0.0
    inputs, samples = read(model, raw(rng), training=False)
    with torch.no_grad():
        said = model(inputs, samples, mode='predict')
    for sample in said:
        assert set(sample.networks) == {'a', 'b', 'teacher'}
        parts = [sample.networks[name].pred_instances for name in 'ab']
        columns = ([each[key].tolist() for each in parts] for key in ('bboxes', 'scores', 'labels'))
        wanted = weighted_box_fusion(*columns)[: len(sample.pred_instances)]
        torch.testing.assert_close(sample.pred_instances.scores, torch.tensor([x[0] for x in wanted]))
        torch.testing.assert_close(sample.pred_instances.bboxes, torch.tensor([x[2] for x in wanted]), rtol=1e-4, atol=1e-3)
        assert 'gt_instances' in sample and len(wanted) > 10


def test_a_checkpoint_is_the_stock_detectors_keys_for_each(rng):
    cfg = config()
    model = distiller().eval()
    state = get_state_dict(model)
    for name in 'ab':
        stock = build(cfg['students'][name])
        theirs = {key.removeprefix(f'networks.{name}.'): x for key, x in state.items() if key.startswith(f'networks.{name}.')}
        _load_checkpoint_to_model(stock, dict(state_dict=theirs), strict=True)
    with DefaultScope.overwrite_default_scope('mmdet'):
        plain = MODELS.build(plain_model(cfg)).eval()
    _load_checkpoint_to_model(plain, dict(state_dict={k: v for k, v in state.items() if 'teacher' not in k}), strict=True)
    data = raw(rng)
    with torch.no_grad():
        mine, theirs = (each.val_step(copy.deepcopy(data)) for each in (model, plain))
    for a, b in zip(mine, theirs, strict=True):
        assert torch.equal(a.pred_instances.bboxes, b.pred_instances.bboxes)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(students=dict(a=tiny(), b=tiny(classes=CLASSES + 2))), "of the same classes.*'b': 5"),
        (dict(losses=dict(nd=dict(type='mmkd_ext.NDLoss'))), 'only a teacher that stays as it is has'),
        (dict(losses=dict(r=dict(type='mmkd_ext.ReviewKDLoss'))), 'with_embedding=False'),
        (dict(students=dict(a=tiny(), b='mmdet::retinanet/retinanet_r18_fpn_1x_coco.py')), 'a two-stage detector.* as b'),
    ])
def test_what_cannot_work_is_said_when_it_is_built(change, words):
    with pytest.raises(ValueError, match=words):
        distiller(**change)
