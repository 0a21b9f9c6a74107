"""A last batch of one image: whatever is trained beside a student takes it, and larger batches are as with torch's BatchNorm."""

import copy

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from support import mutual, offline
from torch import nn

from mmkd_ext.losses import NDLoss, adapter
from mmkd_ext.losses.adapter import Adapter
from mmkd_ext.losses.dskd_branches import PredictionBranch
from mmkd_ext.models.necks import TESKDNeck, teskd_neck
from mmkd_ext.registry import MODELS

KINDS = {nn.BatchNorm1d: (3,), nn.BatchNorm2d: (3, 1, 1)}  # and the shape of one value per channel
OPTIONS = [{}, {'momentum': None}, {'affine': False}, {'track_running_stats': False}]
# GroupNorm, so that the student alone takes one image although its last map is one place
GN = dict(type='GN', num_groups=2)
STAGES = dict(
    offline.STUDENT,
    backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 2, 3), norm_cfg=GN),
    head=dict(offline.HEAD, in_channels=32))
LOSSES = {
    'kd': dict(type='mmkd_ext.KDLoss', tau=4.0),
    'dkd': dict(type='mmkd_ext.DKDLoss'),
    'dist': dict(type='mmkd_ext.DISTLoss'),
    'decision': dict(type='mmkd_ext.HardKDLoss'),
    'nd': dict(type='mmkd_ext.NDLoss', dropout=0.0),
    'reviewkd': dict(type='mmkd_ext.ReviewKDLoss'),
    'pkd': dict(type='mmkd_ext.PKDLoss'),
    'cwd': dict(type='mmkd_ext.CWDLoss'),
    'mgd': dict(type='mmkd_ext.MGDLoss'),
    'vkd': dict(type='mmkd_ext.VkDLoss'),
    'dskd': dict(type='mmkd_ext.DSKDHead', include_last=True, ce_weight=1.0),
    'dskd, SyncBN': dict(type='mmkd_ext.DSKDHead', norm_cfg=dict(type='SyncBN')),
}


def distiller(loss, size=8):
    """Random weights, a teacher twice as wide; maps of 8, 4, 2 and 1 places across for the default size."""
    backbone = dict(STAGES['backbone'], base_channels=16, stem_channels=16)
    teacher = dict(offline.TEACHER, model=dict(STAGES, backbone=backbone, head=dict(offline.HEAD, in_channels=128)))
    return offline.distiller(student=STAGES, teacher=teacher, losses=dict(x=loss))


def teskd():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(dict(
            STAGES, neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(4, 8, 16, 32)),
            head=dict(type='mmkd_ext.TESKDHead', num_classes=5, in_channels=32),
            data_preprocessor=dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=5)))


def peers():
    small = dict(model=dict(STAGES), num_classes=5)
    loss = dict(kd=mutual.KD, ml=mutual.ML, review=LOSSES['reviewkd'], dskd=LOSSES['dskd'])
    return mutual.distiller(dict(a=small, b=small), small, loss)


MODELS_OF = {
    **{name: (lambda loss=loss: distiller(loss)) for name, loss in LOSSES.items()}, 'teskd': teskd, 'mutual': peers,
    'student alone': lambda: MODELS_OF['kd']().student}


def images(n, size=8):
    rng = torch.Generator().manual_seed(n)
    data = offline.batch(rng, n)
    data['inputs'] = data['inputs'][..., :size, :size].contiguous()
    return data


@pytest.mark.parametrize('size', [8, 16])
@pytest.mark.parametrize('name', MODELS_OF)
def test_one_image_trains_every_parameter_by_a_finite_gradient(name, size):
    model = MODELS_OF[name]()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    terms = model(**model.data_preprocessor(images(1, size), True), mode='loss')
    total, log = model.parse_losses(terms)
    total.backward()
    assert all(value.isfinite().all() for value in log.values())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    for n in (1, 3, 1, 2):  # as the epochs of a run go on
        model.train_step(images(n, size), optim)
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert any(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize('name', MODELS_OF)
def test_larger_batches_are_to_the_last_bit_those_of_torchs_batchnorm(name, monkeypatch):
    mine = MODELS_OF[name]()
    theirs = copy.deepcopy(mine)
    for model, patched in ((mine, False), (theirs, True)):
        if patched:
            monkeypatch.setattr(Adapter, 'forward', nn.Sequential.forward)
            monkeypatch.setattr(teskd_neck, 'normalise', lambda layer, x: layer(x))
        optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
        torch.manual_seed(1)
        for n in (2, 5, 3):
            model.train_step(images(n), optim)
    assert mine.state_dict().keys() == theirs.state_dict().keys()
    for key, value in mine.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[key], rtol=0, atol=0, msg=key)


@pytest.mark.parametrize('options', OPTIONS, ids=str)
@pytest.mark.parametrize('kind', KINDS)
def test_one_value_per_channel_is_normalised_by_running_statistics_which_stay(rng, kind, options):
    norm, shape = kind(3, **options), KINDS[kind]
    norm(torch.randn(6, *shape, generator=rng) * 3 + 1)
    expected = copy.deepcopy(norm.state_dict())
    mean, var = (expected.get(f'running_{what}', torch.full((3,), float(what == 'var'))) for what in ('mean', 'var'))
    x = torch.randn(1, *shape, generator=rng).requires_grad_()
    y = Adapter(norm)(x)
    torch.testing.assert_close(y.flatten(), (x.flatten() - mean) / (var + 1e-5).sqrt())
    (grad,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(grad.flatten(), (var + 1e-5).rsqrt())
    torch.testing.assert_close(norm.state_dict(), expected, rtol=0, atol=0)


@pytest.mark.parametrize('options', OPTIONS, ids=str)
@pytest.mark.parametrize('kind', KINDS)
def test_everything_else_is_torchs_batchnorm_to_the_last_bit(rng, kind, options):
    mine, theirs = kind(3, **options), kind(3, **options)
    shapes = [(2, 3), (7, 3), (1, 3, 2)] if kind is nn.BatchNorm1d else [(2, 3, 1, 1), (1, 3, 2, 1), (5, 3, 4, 4)]
    for train in (True, False):
        for shape in shapes:
            x = torch.randn(*shape, generator=rng)
            assert torch.equal(Adapter(mine).train(train)(x), theirs.train(train)(x))
    torch.testing.assert_close(mine.state_dict(), theirs.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize('kind', [torch.bfloat16, torch.float64], ids=str)
def test_one_value_in_other_precisions(rng, kind):
    norm = Adapter(nn.BatchNorm1d(3)).to(torch.float64 if kind is torch.float64 else torch.float32)
    x = torch.randn(1, 3, generator=rng).to(kind)
    assert norm(x).dtype == kind
    torch.testing.assert_close(norm(x).double(), x.double(), rtol=1e-2, atol=1e-2)


def test_a_projection_of_one_sample_keeps_its_state_and_is_the_projection_in_eval_mode(rng):
    loss = NDLoss(student_channels=4, teacher_channels=6, dropout=0.0)
    loss.projection(torch.randn(5, 4, generator=rng))
    one = torch.randn(1, 4, generator=rng)
    torch.testing.assert_close(loss.projection(one), copy.deepcopy(loss).eval().projection(one))


@pytest.mark.parametrize('options', OPTIONS, ids=str)
def test_teskds_students_take_one_value_per_channel_by_running_statistics_which_stay(rng, options):
    shape = dict(in_channels=(4, 6), channels=8, stage_strides=(2, 1))
    neck = TESKDNeck(**shape, norm_cfg=dict(type='BN', **options))
    warm = [torch.randn(5, c, 1, 1, generator=rng) for c in (4, 6)]
    neck(warm)
    before = copy.deepcopy(neck.state_dict())
    # A witness in eval mode, whose running statistics are 0 and 1 unless the neck has any.
    evaluated = TESKDNeck(**shape, norm_cfg=dict(type='BN', affine=options.get('affine', True)), eval_students=True).eval()
    assert not evaluated.load_state_dict(before, strict=False).unexpected_keys
    results = []
    for each in (neck, evaluated):
        one = [stage[:1].clone().requires_grad_() for stage in warm]
        features = each(one)
        sum(f.square().sum() for f in features).backward()
        results.append(([f.detach() for f in features], [x.grad for x in one], [p.grad for p in each.parameters()]))
    torch.testing.assert_close(*results)
    assert len(results[0][0]) == 2
    torch.testing.assert_close(neck.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize('norm_cfg', [dict(type='BN'), dict(type='SyncBN'), dict(type=nn.BatchNorm2d)], ids=str)
def test_a_batchnorm_takes_one_value_before_and_after_mmengine_turns_syncbn_into_bn(norm_cfg):
    branch = PredictionBranch([(3, 1, 1), (4, 1, 1)], 5, norm_cfg)
    one = torch.ones(1, 3, 1, 1)
    torch.testing.assert_close(revert_sync_batchnorm(branch)(one), branch(one))


def test_a_branch_without_batchnorm_is_its_layers_in_a_row(rng):
    branch = PredictionBranch([(4, 2, 2), (6, 1, 1)], 5, GN)
    x = torch.randn(1, 4, 2, 2, generator=rng)
    assert torch.equal(branch(x), nn.Sequential(*branch)(x))


def test_syncbn_of_several_processes_is_asked_itself(monkeypatch):
    monkeypatch.setattr(adapter, 'get_world_size', lambda: 2)
    norm = nn.SyncBatchNorm(3)
    norm.forward = lambda x: x + 1
    assert torch.equal(Adapter(norm)(torch.zeros(1, 3, 1, 1)), torch.ones(1, 3, 1, 1))
