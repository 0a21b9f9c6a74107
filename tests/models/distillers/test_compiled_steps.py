"""mmengine's `compile=True`: every distiller trains as it does without the compiler, and is not compiled at every step."""

import warnings
from itertools import count
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from support import detection, mutual, offline
from support import two_stage_mutual as detectors
from support.deit import ARCH
from support.deit import DEIT as TWO_LAYERS
from torch import nn
from torch._dynamo.utils import counters

from mmkd_ext.hooks import CompiledStepHook
from mmkd_ext.optim import CPUAmpOptimWrapper
from mmkd_ext.registry import MODELS

ND = dict(type='mmkd_ext.NDLoss', dropout=0.0)
KD = dict(type='mmkd_ext.KDLoss', tau=4.0)
STAGES = dict(offline.STUDENT, backbone=dict(offline.STUDENT['backbone'], out_indices=(1, 2, 3)))
DEIT = dict(TWO_LAYERS, backbone=dict(TWO_LAYERS['backbone'], arch=dict(ARCH, num_layers=1)))
TEACHER_OF_STAGES = dict(
    offline.TEACHER, model=dict(STAGES, backbone=dict(STAGES['backbone'], width=2), head=dict(offline.HEAD, in_channels=128)))


def teskd():
    """In float64: two of these four batches have a ReLU at a tie, where a rounding's difference turns a gradient by a hundredth."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(dict(
            type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8, out_indices=(1, 2, 3)),
            neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(16, 32, 64)),
            head=dict(type='mmkd_ext.TESKDHead', num_classes=5, in_channels=64, num_students=2, feature_weight=1e-3, kl_weight=1.0),
            data_preprocessor=dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=5))).double()


def with_losses(student=offline.STUDENT, teacher=offline.TEACHER, **losses):
    return lambda: offline.distiller(student=student, teacher=teacher, losses=losses)


BUILDS = {
    'kd': with_losses(kd=KD),
    'dkd': with_losses(dkd=dict(type='mmkd_ext.DKDLoss')),
    'dist': with_losses(dist=dict(type='mmkd_ext.DISTLoss')),
    'decision': with_losses(hard=dict(type='mmkd_ext.HardKDLoss')),
    'nd': with_losses(nd=ND),
    'kd and nd': with_losses(kd=KD, nd=dict(ND, loss_weight=2.0)),
    'reviewkd': with_losses(STAGES, TEACHER_OF_STAGES, review=dict(type='mmkd_ext.ReviewKDLoss')),
    'dskd': with_losses(STAGES, dskd=dict(type='mmkd_ext.DSKDHead')),
    'deit': with_losses(DEIT, kd=KD, nd=ND),
    'deit, its token': with_losses(DEIT, token=dict(type='mmkd_ext.HardKDLoss')),
    'timm': with_losses(offline.TIMM, kd=KD, nd=ND),
    'mutual': lambda: mutual.distiller(teacher=mutual.SMALL).double(),  # as teskd
    'mutual of timm': lambda: mutual.distiller(dict(a=mutual.TIMM, b=mutual.TIMM)),
    'teskd': teskd,
}
COMPILED = [pytest.param(name, 'inductor', marks=pytest.mark.inductor) for name in BUILDS]
# The normal suite's: the compiler's front end and its gradients, without the C++.
TRACED = [(name, 'aot_eager') for name in ('kd and nd', 'dskd', 'deit', 'mutual', 'teskd')]


class Keeping(torch.optim.SGD):
    """Keeps the gradients of every step, and moves nothing, so that roundings do not add up."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model.parameters(), lr=0.0)
        self.names = [name for name, _ in model.named_parameters()]
        self.kept: list[dict[str, torch.Tensor]] = []

    @torch.compiler.disable
    def step(self, closure=None):
        named = zip(self.names, self.param_groups[0]['params'], strict=True)
        # The compiler gives zeros where a parameter has no part in the loss.
        self.kept.append({k: torch.zeros_like(p) if p.grad is None else p.grad.clone() for k, p in named})
        super().step(closure)


def with_names(data, step):
    """A batch as pipelines pack it: what comes with the samples is another at every step."""
    for i, sample in enumerate(data['data_samples']):
        sample.set_metainfo(dict(img_path=f'{step}/{i}.png', sample_idx=step * 100 + i))
    return data


def trained(model, batches, backend=None, wrapper=OptimWrapper):
    """Logged terms and gradients of the steps of a run; nothing is compiled anew after the second."""
    torch._dynamo.reset()
    CompiledStepHook().before_train(SimpleNamespace(model=model, cfg=dict(compile=backend)))
    counters.clear()
    optim = wrapper(Keeping(model))
    step = model.train_step if backend is None else torch.compile(model.train_step, backend=backend)
    logged, compiled = [], []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the compiler's own
        for i, data in enumerate(map(with_names, batches, count())):
            with torch._dynamo.config.patch(error_on_recompile=i >= 2):
                logged.append({key: float(value.detach()) for key, value in step(data, optim).items()})
            compiled.append(counters['stats']['unique_graphs'])
    assert backend is None or compiled[1] == compiled[-1] > 0
    return logged, optim.optimizer.kept


def assert_same(found, expected, tolerance=1e-4):
    """Values, and gradients up to what rounding leaves where they are zero."""
    for mine, theirs in zip(found[0], expected[0], strict=True):
        assert mine == pytest.approx(theirs, rel=tolerance, abs=tolerance)
    for mine, theirs in zip(found[1], expected[1], strict=True):
        largest = max(float(x.abs().max()) for x in theirs.values())
        for key, x in theirs.items():
            atol = tolerance * float(x.abs().max()) + 1e-2 * tolerance * largest
            torch.testing.assert_close(mine[key], x, rtol=tolerance, atol=atol, msg=lambda text, key=key: f'{key}: {text}')


def compare(name, backend, wrapper=OptimWrapper, tolerance=1e-4):
    def run(*args):
        rng = torch.Generator().manual_seed(0)
        return trained(BUILDS[name](), [offline.batch(rng) for _ in range(4)], *args, wrapper=wrapper)

    assert_same(run(backend), run(), tolerance)


@pytest.mark.parametrize(('name', 'backend'), [*TRACED, *COMPILED])
def test_values_and_gradients_are_those_without_the_compiler(name, backend):
    compare(name, backend)


@pytest.mark.parametrize(('name', 'backend'), [('kd and nd', 'aot_eager'), *COMPILED])
def test_under_autocast_values_and_gradients_are_near_those_without_the_compiler(name, backend):
    compare(name, backend, CPUAmpOptimWrapper, 5e-2)


@pytest.mark.det
@pytest.mark.parametrize('build', [lambda: detection.pair('faster'), lambda: detectors.distiller()], ids=['teacher', 'mutual'])
def test_detectors_run_as_without_the_compiler_and_only_their_step_around_the_loss_is_compiled(build):
    def run(*args):
        rng = torch.Generator().manual_seed(0)
        sizes = [((64, 64), (64, 64)), ((64, 48), (32, 64)), ((48, 64), (64, 64)), ((64, 64), (64, 32))]
        batches = [detection.raw(rng, each) for each in sizes]
        model = build()
        torch.manual_seed(0)  # of the sampled RoIs
        return trained(model, batches, *args)

    assert_same(run('aot_eager'), run(), 1e-6)
