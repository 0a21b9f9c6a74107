"""The students' operations without large maps: against autograd's own, and the neck with them against the neck without."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.models.necks import TESKDNeck, teskd_blocks, teskd_ops

SIZES = {
    'even': ((8, 8), (4, 4)),
    'odd': ((9, 7), (5, 4)),
    'one size': ((4, 4), (4, 4)),
    'below the kernel': ((3, 5), (2, 3)),
}


def normal(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=rng, dtype=dtype).requires_grad_()


def plain_fuse(above, above_affine, x, x_weight, x_affine, weights):
    above = (above * above_affine[0] + above_affine[1]).permute(0, 3, 1, 2)
    above = F.interpolate(above, size=x.shape[1:3], mode='bilinear', align_corners=True).permute(0, 2, 3, 1)
    lateral = (x @ x_weight.t() * x_affine[0] + x_affine[1]).relu()
    y = above.relu() @ weights[0].t() + lateral @ weights[1].t()
    return y, y.mean((0, 1, 2)), y.var((0, 1, 2), unbiased=False)


def fuse_inputs(rng, samples, small, large):
    vectors = [normal(rng, 3) for _ in range(4)]
    x, weights = normal(rng, samples, *large, 2), (normal(rng, 5, 3), normal(rng, 5, 3))
    return (
        normal(rng, samples, *small, 3),
        (vectors[0], vectors[1]),
        x,
        normal(rng, 3, 2),
        (vectors[2], vectors[3]),
        weights,
    )


@pytest.fixture(params=[1, 600, 1 << 20], ids='{}-byte blocks'.format)
def blocks(request, monkeypatch):
    monkeypatch.setattr(teskd_blocks, 'BLOCK_BYTES', request.param)
    monkeypatch.setattr(teskd_blocks, 'PRODUCT_ROWS', max(request.param // 100, 1))


@pytest.mark.parametrize('size', [(2, 3), (5, 7), (3, 4)], ids=str)
def test_resized_statistics_are_those_of_the_resized_map(rng, blocks, size):
    x = normal(rng, 5, 3, 4, 2)
    resized = F.interpolate(x.permute(0, 3, 1, 2), size=size, mode='bilinear', align_corners=True)
    expected = resized.mean((0, 2, 3)), resized.var((0, 2, 3), unbiased=False)
    torch.testing.assert_close(teskd_ops.resized_statistics(x, size), expected)
    torch.autograd.gradcheck(lambda x: teskd_ops.resized_statistics(x, size), x)


def test_product_statistics_are_those_of_the_product(rng, blocks):
    x, weight = normal(rng, 3, 2, 5, 4), normal(rng, 6, 4)
    product = x @ weight.t()
    expected = product.mean((0, 1, 2)), product.var((0, 1, 2), unbiased=False)
    torch.testing.assert_close(teskd_ops.product_statistics(x, weight), expected)
    torch.autograd.gradcheck(teskd_ops.product_statistics, (x, weight))


def test_product_statistics_survive_a_large_mean_in_float32(rng):
    x = normal(rng, 64, 4, 4, 8, dtype=torch.float32).detach() + 300
    weight = torch.randn(5, 8, generator=rng)
    mean, var = teskd_ops.product_statistics(x, weight)
    product = x.double() @ weight.double().t()
    torch.testing.assert_close(mean.double(), product.mean((0, 1, 2)), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(var.double(), product.var((0, 1, 2), unbiased=False), rtol=1e-5, atol=0)


@pytest.mark.parametrize('sizes', [((2, 3), (4, 5)), ((3, 2), (3, 2))], ids=str)
def test_fusion_and_its_gradients_match_autograd(rng, blocks, sizes):
    inputs = fuse_inputs(rng, 5, *sizes)
    leaves = [t for i in inputs for t in (i if isinstance(i, tuple) else (i,))]
    outputs = [f(*inputs) for f in (teskd_ops.fuse, plain_fuse)]
    torch.testing.assert_close(*outputs)
    grads = [torch.randn(t.shape, generator=rng, dtype=t.dtype) for t in outputs[0]]
    actual, expected = (torch.autograd.grad(o, leaves, grads) for o in outputs)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize('kernel', [(1, 1), (2, 3), (4, 2), (5, 7)], ids=str)
def test_rectified_convolution_and_its_gradients_match_autograd(rng, blocks, kernel):
    x, scale, shift, weight = normal(rng, 5, 5, 7, 3), normal(rng, 3), normal(rng, 3), normal(rng, 4, *kernel, 3)
    y = (x * scale + shift).relu().permute(0, 3, 1, 2)
    expected = F.conv2d(y, weight.permute(0, 3, 1, 2), stride=kernel).permute(0, 2, 3, 1)
    actual = teskd_ops.rectified_conv(x, scale, shift, weight)
    torch.testing.assert_close(actual, expected)
    grad = torch.randn(actual.shape, generator=rng, dtype=actual.dtype)
    results = [torch.autograd.grad(t, (x, scale, shift, weight), grad) for t in (actual, expected)]
    torch.testing.assert_close(*results)
    torch.autograd.gradcheck(teskd_ops.rectified_conv, (x, scale, shift, weight), fast_mode=True)


def norms_of(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]


@pytest.mark.parametrize(
    'options', [{}, {'momentum': None}, {'affine': False}, {'track_running_stats': False}], ids=str
)
def test_scale_and_shift_do_to_a_map_and_to_themselves_what_batchnorm_does(rng, options):
    norm, ours = nn.BatchNorm2d(3, **options), nn.BatchNorm2d(3, **options)
    for factor in (2, 5):
        x = factor * torch.randn(4, 3, 2, 2, generator=rng) + 1
        scale, shift = teskd_ops.scale_and_shift(ours, x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False), 16)
        torch.testing.assert_close(x * scale[:, None, None] + shift[:, None, None], norm(x))
        torch.testing.assert_close(ours.state_dict(), norm.state_dict())


def step(neck: TESKDNeck, stages: list[Tensor], lean: bool, amp: bool) -> dict[str, list[Tensor]]:
    """Features, gradients and statistics of a copy that takes one way or the other."""
    neck = copy.deepcopy(neck)
    assert neck._lean(stages)
    if not lean:
        neck._lean = lambda stages: False
    inputs = [stage.clone().requires_grad_() for stage in stages]
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        features = neck(inputs)
    weights = torch.Generator().manual_seed(1)
    sum((f.float() * torch.randn(f.shape, generator=weights)).sum() for f in features).backward()
    return {
        'features': [f.detach().float() for f in features],
        'gradients': [t.grad.float() for t in (*inputs, *neck.parameters())],
        'statistics': [b.float() for m in norms_of(neck) for b in m.buffers()],
    }


@pytest.mark.parametrize('sizes', SIZES.values(), ids=SIZES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64], ids=str)
def test_neck_gives_the_same_with_and_without_large_maps(rng, blocks, sizes, dtype):
    strides = (2, 1 if sizes[0] == sizes[1] else 2)
    neck = TESKDNeck((4, 6), channels=8, stage_strides=strides, branch_strides=(4,)).to(dtype)
    stages = [normal(rng, 5, c, *size, dtype=dtype).detach() for c, size in zip((4, 6), sizes, strict=True)]
    actual, expected = (step(neck, stages, lean, amp=False) for lean in (True, False))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_under_autocast_neck_is_as_near_to_float32_without_large_maps_as_with_them(rng):
    neck = TESKDNeck((8, 12, 16), channels=32)
    stages = [torch.randn(16, c, s, s, generator=rng) for c, s in ((8, 16), (12, 8), (16, 4))]
    exact = step(neck, stages, lean=False, amp=False)
    for kind in exact:
        lean, plain = (
            sum(
                (a - b).norm() / b.norm().clamp(min=1e-3)
                for a, b in zip(step(neck, stages, way, True)[kind], exact[kind], strict=True)
            )
            for way in (True, False)
        )
        assert lean < 2 * plain + 1e-3, kind


@pytest.mark.parametrize('norm_cfg', [{'type': 'GN', 'num_groups': 2}, {'type': 'SyncBN'}], ids=lambda c: c['type'])
def test_other_normalisations_take_the_plain_way(rng, norm_cfg):
    neck = TESKDNeck((4, 6), channels=8, norm_cfg=norm_cfg)
    assert not neck._lean([torch.randn(2, 4, 4, 4, generator=rng)])


def test_evaluated_or_frozen_students_take_the_plain_way(rng):
    neck = TESKDNeck((4, 6), channels=8, eval_students=True)
    stages = [torch.randn(2, 4, 4, 4, generator=rng), torch.randn(2, 6, 2, 2, generator=rng)]
    assert neck._lean(stages) and not neck.eval()._lean(stages)
    neck.train().fusions[0].norm.eval()
    assert not neck._lean(stages)


def test_without_gradients_the_features_are_the_same_and_keep_no_graph(rng):
    neck = TESKDNeck((4, 6), channels=8)
    stages = [torch.randn(2, 4, 4, 4, generator=rng), torch.randn(2, 6, 2, 2, generator=rng)]
    expected = neck(stages)
    with torch.no_grad():
        features = neck(stages)
    assert not any(f.requires_grad for f in features)
    torch.testing.assert_close(features, expected)


def test_a_second_derivative_is_refused_not_wrong(rng):
    x, scale, shift, weight = normal(rng, 2, 2, 2, 3), normal(rng, 3), normal(rng, 3), normal(rng, 4, 1, 1, 3)
    (grad,) = torch.autograd.grad(
        teskd_ops.rectified_conv(x, scale, shift, weight).square().sum(), x, create_graph=True
    )
    with pytest.raises(RuntimeError, match='once_differentiable'):
        grad.sum().backward()
