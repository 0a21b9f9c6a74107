"""mmengine's `compile=True`: every distiller trains as it does without the compiler, and is not compiled at every step."""

import warnings

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from models.distillers import test_mutual as mutual
from models.distillers import test_offline as offline
from torch._dynamo.utils import counters

from mmkd_ext.registry import MODELS

ND = dict(type='mmkd_ext.NDLoss', dropout=0.0)
KD = dict(type='mmkd_ext.KDLoss', tau=4.0)


def teskd():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(dict(
            type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8, out_indices=(1, 2, 3)),
            neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(16, 32, 64)),
            head=dict(type='mmkd_ext.TESKDHead', num_classes=5, in_channels=64, num_students=2, feature_weight=1e-3),
            data_preprocessor=dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=5)))


MODELS_AND_BATCHES = {
    'kd': (lambda: offline.distiller(losses=dict(kd=KD)), offline.batch),
    'nd': (lambda: offline.distiller(losses=dict(nd=ND)), offline.batch),
    'kd and nd': (lambda: offline.distiller(losses=dict(kd=KD, nd=dict(ND, loss_weight=2.0))), offline.batch),
    'dskd': (lambda: offline.distiller(
        student=dict(offline.STUDENT, backbone=dict(offline.STUDENT['backbone'], out_indices=(1, 2, 3))),
        losses=dict(dskd=dict(type='mmkd_ext.DSKDHead'))), offline.batch),
    'mutual': (mutual.distiller, mutual.batch),
    'teskd': (teskd, offline.batch),
}


def trained(build, batch, steps, backend=None):
    """Logged terms of the steps, parameters at their end, and what was compiled after the second step."""
    torch._dynamo.reset()
    model, rng = build(), torch.Generator().manual_seed(0)
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    step = model.train_step if backend is None else torch.compile(model.train_step, backend=backend)
    logged, compiled = [], []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the compiler's own
        for _ in range(steps):
            logged.append({key: float(value.detach()) for key, value in step(batch(rng), optim).items()})
            compiled.append(counters['stats']['unique_graphs'])
    return logged, {key: value.detach() for key, value in model.named_parameters()}, compiled


@pytest.mark.parametrize('backend', ['aot_eager', pytest.param('inductor', marks=pytest.mark.slow)])
@pytest.mark.parametrize('name', MODELS_AND_BATCHES)
def test_values_and_gradients_are_those_without_the_compiler(name, backend):
    build, batch = MODELS_AND_BATCHES[name]
    logged, parameters, _ = trained(build, batch, 4)
    seen, found, compiled = trained(build, batch, 4, backend)
    for mine, theirs in zip(seen, logged, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3, abs=1e-4)
    torch.testing.assert_close(found, parameters, rtol=1e-3, atol=1e-4)
    assert compiled[1] == compiled[3] > 0
