"""ResNeXt behind the CIFAR stem: one block by hand; with SE-ResNet sizes by arithmetic, first weights, dropped paths."""

import pytest
import torch
import torch.nn.functional as F
from support.residual_blocks import fill, norm, shortcut
from support.unfilled import unfilled
from witnesses.parameter_counts import BLOCKS, expected_parameters

from mmkd_ext.models.backbones import ResNeXt_CIFAR, SEResNet_CIFAR


@pytest.mark.parametrize('depth', [18, 34, 50])
@pytest.mark.parametrize(('kind', 'cls'), [('SE-ResNet', SEResNet_CIFAR), ('ResNeXt', ResNeXt_CIFAR)])
def test_parameters_are_what_arithmetic_gives(kind, cls, depth):
    with unfilled():
        assert sum(p.numel() for p in cls(depth=depth).parameters()) == expected_parameters(kind, depth)


def test_the_arithmetic_knows_the_plain_network():
    from mmpretrain.models.backbones import ResNet_CIFAR

    for depth in BLOCKS:
        with unfilled():
            plain = sum(p.numel() for p in ResNet_CIFAR(depth=depth).parameters())
        assert expected_parameters('plain', depth) == plain
    assert expected_parameters('plain', 18) + 100 * 513 == 11_220_132  # as published, with the classifier


@pytest.mark.parametrize('depth', [18, 34, 50])
@pytest.mark.parametrize('cls', [SEResNet_CIFAR, ResNeXt_CIFAR])
def test_stages_have_the_shapes_of_the_plain_network(rng, cls, depth):
    model = cls(depth=depth, base_channels=32, stem_channels=32, out_indices=(0, 1, 2, 3))
    model.eval()
    with torch.no_grad():
        stages = model(torch.randn(2, 3, 32, 32, generator=rng))
    grown = 4 if depth == 50 else 1
    shapes = [(2, 32 * grown * 2**i, 32 // 2**i, 32 // 2**i) for i in range(4)]
    assert [tuple(stage.shape) for stage in stages] == shapes
    assert all(stage.min() >= 0 for stage in stages)  # after the last ReLU


@pytest.mark.parametrize(('index', 'stride'), [(0, 2), (1, 1)], ids=['projection', 'identity'])
@pytest.mark.parametrize('depth', [18, 50])
def test_a_resnext_block_is_wide_inside_and_grouped_from_depth_50(rng, depth, index, stride):
    with unfilled():
        network = ResNeXt_CIFAR(depth=depth)
    block = fill(network.layer2[index], rng)
    x = torch.randn(2, block.in_channels, 6, 6, generator=rng, dtype=torch.float64).relu()
    if depth == 18:
        assert block.conv1.weight.shape[0] == 2 * 128
        out = norm(F.conv2d(x, block.conv1.weight, stride=stride, padding=1), block.norm1).relu()
        out = norm(F.conv2d(out, block.conv2.weight, padding=1), block.norm2)
    else:
        out = norm(F.conv2d(x, block.conv1.weight), block.norm1).relu()
        weight = block.conv2.weight
        assert weight.shape == (256, 8, 3, 3)
        parts = zip(out.chunk(32, dim=1), weight.chunk(32), strict=True)
        out = torch.cat([F.conv2d(part, w, stride=stride, padding=1) for part, w in parts], dim=1)
        out = norm(F.conv2d(norm(out, block.norm2).relu(), block.conv3.weight), block.norm3)
    torch.testing.assert_close(block(x), (out + shortcut(block, x, stride)).relu())


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize(('kind', 'cls'), [('SE-ResNet', SEResNet_CIFAR), ('ResNeXt', ResNeXt_CIFAR)])
def test_narrower_networks_scale_in_every_layer_but_the_groups(kind, cls, depth):
    with unfilled():
        model = cls(depth=depth, base_channels=32, stem_channels=32)
    assert sum(p.numel() for p in model.parameters()) == expected_parameters(kind, depth, 32)


@pytest.mark.parametrize('cls', [SEResNet_CIFAR, ResNeXt_CIFAR])
def test_residual_branches_start_at_zero_where_the_host_s_do(rng, cls):
    model = cls(depth=18, base_channels=16, stem_channels=16)
    model.init_weights()
    assert all(block.norm2.weight.abs().max() == 0 for layer in (model.layer1, model.layer4) for block in layer)


@pytest.mark.parametrize('cls', [SEResNet_CIFAR, ResNeXt_CIFAR])
def test_a_dropped_path_leaves_the_shortcut_alone(rng, cls):
    model = cls(depth=18, base_channels=16, stem_channels=16, drop_path_rate=1.0)
    block = model.layer4[1].train()  # the last of a linear rise to 1
    block.drop_path.drop_prob = 1 - 1e-9
    x = torch.randn(2, 128, 4, 4, generator=rng).relu()
    torch.testing.assert_close(block(x), x)


@pytest.mark.parametrize('cls', [SEResNet_CIFAR, ResNeXt_CIFAR])
def test_every_parameter_is_trained(rng, cls):
    model = cls(depth=18, base_channels=16, stem_channels=16)
    model(torch.randn(4, 3, 16, 16, generator=rng))[-1].square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().max() == 0] == []
