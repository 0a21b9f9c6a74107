"""What every backbone of the CIFAR zoo keeps: stages before and after their ReLU, outputs that are there, the first weights."""


import pytest
import torch
from support import golden
from support.cifar_zoo import SMALL, build
from torch import nn

from mmkd_ext.models.backbones.cifar_resnet import CIFARResNet


@pytest.mark.parametrize('arch', SMALL)
def test_stages_before_the_relu_are_those_after_it_without_it(rng, arch):
    after = golden.fill_by_shape(build(arch)).eval()
    stages = after.backbone.num_stages
    before = build(arch, out_indices=range(stages + 1), pre_activation=True).eval()
    before.load_state_dict(after.state_dict())
    images = torch.randn(2, 3, 32, 32, generator=rng)
    with torch.no_grad():
        logits = after(images)
        after.backbone.out_indices = tuple(range(stages + 1))
        pairs = list(zip(before.backbone(images), after.backbone(images), strict=True))
        torch.testing.assert_close(before(images), logits)
    for index, (pre, post) in enumerate(pairs[:-1]):
        linear = arch == 'MobileNetV2' and index > 0  # its stages end without a ReLU
        assert bool((pre < 0).any())
        torch.testing.assert_close(pre if linear else pre.relu(), post)
    torch.testing.assert_close(*pairs[-1])


@pytest.mark.parametrize('arch', SMALL)
def test_reading_all_stages_changes_neither_the_statistics_nor_the_gradients(rng, arch):
    images = torch.randn(4, 3, 16, 16, generator=rng)
    states = []
    for everything in (False, True):
        net = golden.fill_by_shape(build(arch)).train()
        if everything:
            net.backbone.out_indices = tuple(range(net.backbone.num_stages + 1))
        net(images).square().mean().backward()
        gradients = {f'grad.{name}': p.grad for name, p in net.named_parameters()}
        assert all(g is not None for g in gradients.values())
        states.append({**net.state_dict(), **gradients})
    torch.testing.assert_close(states[0], states[1])


@pytest.mark.parametrize('indices', [(), (2, 1), (1, 1), (-1,), (5,)])
def test_outputs_that_are_not_there_are_refused(indices):
    with pytest.raises(ValueError, match=r'CIFARResNet needs ascending out_indices among 0\.\.3 .* and 4'):
        CIFARResNet(8, out_indices=indices)


def test_stages_without_relu_are_not_left_to_the_classifier():
    with pytest.raises(ValueError, match=r'needs the final map, 4, .* got \[1, 2, 3\]'):
        CIFARResNet(8, out_indices=(1, 2, 3), pre_activation=True)


@pytest.mark.parametrize('arch', ['resnet8', 'wrn_16_1', 'vgg8', 'MobileNetV2'])
def test_starts_with_a_spread_by_fan_out_as_the_field_s_do(arch):
    torch.manual_seed(0)
    net = build(arch)
    net.init_weights()
    convs = [m for m in net.backbone.modules() if isinstance(m, nn.Conv2d) and m.weight.numel() > 10_000]
    for conv in convs:
        fan_out = conv.out_channels * conv.kernel_size[0] ** 2
        assert conv.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
    assert convs
