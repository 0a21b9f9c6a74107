"""What holds for every loss, one test each over all of them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from support.operations import Operations
from torch import Tensor, nn

from mmkd_ext.losses.cwd_loss import cwd_loss
from mmkd_ext.losses.dist_loss import DISTLoss, dist_loss
from mmkd_ext.losses.dkd_loss import DKDLoss, dkd_loss
from mmkd_ext.losses.dskd_loss import layer_kd_losses, layer_map_losses
from mmkd_ext.losses.hard_kd_loss import HardKDLoss, hard_kd_loss
from mmkd_ext.losses.kd_loss import KDLoss, kd_loss
from mmkd_ext.losses.mgd_loss import mgd_loss
from mmkd_ext.losses.nd_loss import NDLoss, nd_loss
from mmkd_ext.losses.pkd_loss import pkd_loss
from mmkd_ext.losses.reviewkd_loss import ReviewKDLoss, hcl_loss
from mmkd_ext.losses.reviewkd_neck import ReviewKDNeck
from mmkd_ext.losses.ttm_loss import TTMLoss, ttm_loss
from mmkd_ext.losses.vkd_loss import vkd_loss
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.registry import MODELS

CLASSES, WIDTH = 5, 4
MAPS = ((2, 6, 6), (3, 3, 2))


@cache
def means(device: torch.device) -> Tensor:
    rng = torch.Generator().manual_seed(3)
    return torch.randn(CLASSES, WIDTH, generator=rng, dtype=torch.float64).to(device)


def labels(n: int, device: Any = None) -> Tensor:
    return torch.arange(n, device=device) * 3 % CLASSES


LOSSES: dict[str, Callable[[Outputs, Outputs], Tensor]] = {
    'kd': lambda s, t: kd_loss(s.logits, t.logits, 4.0),
    'kd cold': lambda s, t: kd_loss(s.logits, t.logits, 1.0),
    'dkd': lambda s, t: dkd_loss(s.logits, t.logits, labels(len(s.logits), s.logits.device), 4.0, 1.0, 8.0),
    'dkd cold': lambda s, t: dkd_loss(s.logits, t.logits, labels(len(s.logits), s.logits.device), 1.0, 0.5, 2.0),
    'kd of z-scores': lambda s, t: kd_loss(s.logits, t.logits, 2.0, standardise=True),
    'dkd of z-scores': lambda s, t: dkd_loss(
        s.logits, t.logits, labels(len(s.logits), s.logits.device), 2.0, 1.0, 2.0, standardise=True),
    'ttm': lambda s, t: ttm_loss(s.logits, t.logits, 0.25),
    'wttm': lambda s, t: ttm_loss(s.logits, t.logits, 0.25, weighted=True),
    'dist': lambda s, t: dist_loss(s.logits, t.logits, 4.0),
    'decision': lambda s, t: hard_kd_loss(s.logits, t.logits),
    'nd': lambda s, t: nd_loss(
        s.embedding, t.embedding, labels(len(s.embedding), s.logits.device), means(s.embedding.device)),
    'nd, soft labels': lambda s, t: nd_loss(
        s.embedding, t.embedding, t.logits.detach().double().softmax(1), means(s.embedding.device)),
    'vkd': lambda s, t: vkd_loss(s.embedding, t.embedding),
    'vkd, by the batch': lambda s, t: vkd_loss(s.embedding, t.embedding, 'batch'),
    'hcl': lambda s, t: hcl_loss(s.stages, t.stages),
    'pkd': lambda s, t: pkd_loss(s.stages, t.stages),
    'cwd': lambda s, t: cwd_loss(s.stages, t.stages, 2.0),
    'mgd': lambda s, t: mgd_loss(s.stages, t.stages),
    'deep logits': lambda s, t: layer_kd_losses([s.logits, s.logits.flip(1)], t.logits, 4.0).mean(),
    'hidden maps': lambda s, t: layer_map_losses(s.stages, t.stages).mean(),
}
MAP_LOSSES = ('hcl', 'hidden maps', 'pkd', 'cwd', 'mgd')
SQUARED_ERRORS = ('hcl', 'hidden maps', 'mgd', 'vkd', 'vkd, by the batch')
over_all_losses = pytest.mark.parametrize('loss', LOSSES.values(), ids=LOSSES)


def outputs(rng: torch.Generator, n: int = 6, dtype: torch.dtype = torch.float64, scale: float = 2.0) -> Outputs:
    def draw(*shape: int) -> Tensor:
        return (scale * torch.randn(n, *shape, generator=rng, dtype=torch.float64)).to(dtype).requires_grad_()

    return Outputs(tuple(draw(*shape) for shape in MAPS), draw(WIDTH), draw(CLASSES))


def leaves(of: Outputs) -> list[Tensor]:
    return [*of.stages, of.embedding, of.logits]


def mapped(of: Outputs, f: Callable[[Tensor], Tensor]) -> Outputs:
    return Outputs(tuple(map(f, of.stages)), f(of.embedding), f(of.logits))


def gradients(loss: Tensor, of: Outputs) -> list[Tensor]:
    return [g for g in torch.autograd.grad(loss, leaves(of), allow_unused=True) if g is not None]


@over_all_losses
def test_is_a_scalar_that_a_repeated_batch_does_not_change(rng, loss):
    student, teacher = outputs(rng), outputs(rng)
    # five samples, since the labels repeat after five
    first = [mapped(of, lambda x: x[:CLASSES]) for of in (student, teacher)]
    twice = [mapped(of, lambda x: torch.cat([x, x])) for of in first]
    assert loss(*first).shape == () and loss(*first) > 0
    torch.testing.assert_close(loss(*twice), loss(*first), rtol=1e-5, atol=1e-7)  # dist has an absolute epsilon


@over_all_losses
def test_gradient_reaches_the_student_and_not_the_teacher(rng, loss):
    student, teacher = outputs(rng), outputs(rng)
    value = loss(student, teacher)
    assert any(g.abs().sum() > 0 for g in gradients(value, student))
    assert gradients(loss(student, teacher), teacher) == []


@over_all_losses
def test_gradient_is_that_of_finite_differences(rng, loss):
    student, teacher = outputs(rng, n=3), outputs(rng, n=3)
    rest = mapped(teacher, Tensor.detach)
    torch.autograd.gradcheck(lambda *x: loss(Outputs(x[:-2], x[-2], x[-1]), rest), leaves(student))


@over_all_losses
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32(rng, loss, dtype):
    student, teacher = outputs(rng, dtype=dtype), outputs(rng, dtype=dtype)
    exact = loss(*(mapped(of, lambda x: x.detach().double()) for of in (student, teacher)))
    value = loss(student, teacher)
    assert value.dtype == torch.float32 and exact.dtype == torch.float64
    torch.testing.assert_close(value.double(), exact, rtol=2e-5, atol=1e-5)


@over_all_losses
def test_autocast_changes_nothing(rng, loss):
    student, teacher = outputs(rng, dtype=torch.float32), outputs(rng, dtype=torch.float32)
    expected = loss(student, teacher)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(student, teacher)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=0, atol=0)


@over_all_losses
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize('size', [6e4, 0.0])
def test_value_and_gradient_are_finite_at_the_ends_of_half_precision(rng, loss, dtype, size):
    def extreme(x: Tensor) -> Tensor:
        return (x.detach().sign() * size).to(dtype).requires_grad_()

    for other in (outputs(rng, dtype=dtype), mapped(outputs(rng), extreme)):
        for student, teacher in ((mapped(outputs(rng), extreme), other), (other, mapped(outputs(rng), extreme))):
            value = loss(student, teacher)
            assert value.isfinite()
            assert all(g.isfinite().all() for g in gradients(value, student))


@pytest.mark.parametrize('name', [name for name in LOSSES if name not in SQUARED_ERRORS])
def test_all_but_a_squared_error_is_finite_at_the_end_of_bfloat16(rng, name):
    end = torch.finfo(torch.bfloat16).max

    def extreme(x: Tensor) -> Tensor:
        return (x.detach().sign() * end).to(torch.bfloat16).requires_grad_()

    student, teacher = mapped(outputs(rng), extreme), mapped(outputs(rng), extreme)
    value = LOSSES[name](student, teacher)
    assert value.isfinite()
    assert all(g.isfinite().all() for g in gradients(value, student))


@over_all_losses
def test_nan_is_not_hidden(rng, loss):
    student, teacher = outputs(rng), outputs(rng)
    with torch.no_grad():
        for leaf in leaves(student):
            leaf[1] = float('nan')
    assert loss(student, teacher).isnan()


@over_all_losses
def test_neither_waits_for_the_device_nor_loops_over_samples(rng, loss):
    counts = []
    for n in (5, 40):
        student, teacher = outputs(rng, n), outputs(rng, n)
        with Operations() as operations:
            loss(student, teacher).backward()
        counts.append(operations.count)
    assert counts[0] == counts[1] > 0


@over_all_losses
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_cuda_never_waits(rng, loss):
    student, teacher = (mapped(outputs(rng), lambda x: x.detach().cuda().requires_grad_()) for _ in range(2))
    expected = loss(*(mapped(of, lambda x: x.detach().cpu()) for of in (student, teacher)))
    loss(student, teacher).backward()  # the first call may wait, for libraries to load
    torch.cuda.set_sync_debug_mode('error')
    try:
        value = loss(student, teacher)
        value.backward()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    torch.testing.assert_close(value.cpu(), expected)


@pytest.mark.parametrize('name', LOSSES)
@pytest.mark.parametrize('cut', [lambda x: x[:, :-1], lambda x: x[:-1], lambda x: x[..., None], lambda x: x[:0]])
def test_wrong_shapes_raise_and_both_are_named(rng, name, cut):
    student, teacher = outputs(rng), outputs(rng)
    wrong = mapped(teacher, cut)
    what = 'stages' if name in MAP_LOSSES else 'embedding' if name.startswith(('nd', 'vkd')) else 'logits'
    pair = (student.stages[0], wrong.stages[0]) if what == 'stages' else (getattr(student, what), getattr(wrong, what))
    with pytest.raises(ValueError) as error:
        LOSSES[name](student, wrong)
    assert all(str(tuple(x.shape)) in str(error.value) for x in pair)


@pytest.mark.parametrize('loss', [
    kd_loss, dist_loss, lambda s, t, tau: cwd_loss(s[:, :, None, None], t[:, :, None, None], tau),
    lambda s, t, tau: dkd_loss(s, t, labels(6), tau, 1.0, 1.0)])
@pytest.mark.parametrize('tau', [0.0, -1.0, float('nan')])
def test_a_temperature_that_is_not_positive_is_refused(rng, loss, tau):
    with pytest.raises(ValueError, match='tau > 0'):
        loss(outputs(rng).logits, outputs(rng).logits, tau)


MODULES: dict[str, tuple[dict[str, Any], str]] = {
    'KDLoss': ({'tau': 4.0}, 'kd'),
    'DKDLoss': ({'tau': 4.0, 'alpha': 1.0, 'beta': 8.0}, 'dkd'),
    'DISTLoss': ({'tau': 4.0}, 'dist'),
    'HardKDLoss': ({}, 'decision'),
    'TTMLoss': ({'gamma': 0.25, 'weighted': True}, 'wttm'),
    'NDLoss': ({}, 'nd'),
}


@pytest.mark.parametrize('name', MODULES)
def test_module_is_its_function_times_a_weight(rng, name):
    config, function = MODULES[name]
    student, teacher = outputs(rng), outputs(rng)
    for weight in (0.0, 1.0, 2.5):
        module = MODELS.build({'type': f'mmkd_ext.{name}', 'loss_weight': weight, **config})
        if isinstance(module, NDLoss):
            module.set_class_means(means(student.embedding.device))
        value = module(student, teacher, labels(6))
        torch.testing.assert_close(value, weight * LOSSES[function](student, teacher))


@pytest.mark.parametrize('module', [KDLoss(), DKDLoss(), DISTLoss(), HardKDLoss(), NDLoss(), ReviewKDLoss(), TTMLoss()], ids=repr)
def test_module_without_adapters_has_nothing_to_train(module: nn.Module):
    assert not list(module.parameters()) and not module.state_dict()


def test_review_is_linear_in_its_weight(rng):
    torch.manual_seed(0)
    fusion = ReviewKDNeck((2, 3, WIDTH), (2, 3, WIDTH)).double()
    student, teacher = outputs(rng), outputs(rng)
    values = []
    for weight in (1.0, 2.5):
        loss = ReviewKDLoss(weight, student_channels=(2, 3, WIDTH), teacher_channels=(2, 3, WIDTH)).double()
        loss.fusion = fusion
        values.append(loss(student, teacher))
    torch.testing.assert_close(values[1], 2.5 * values[0])
