"""The CIFAR zoo against the golden numbers, its published keys, and what every backbone of it keeps."""

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import mmpretrain.models  # noqa: F401  (registers mmpretrain's classifier)
import pytest
import torch
from mmpretrain.models.backbones import ShuffleNetV2
from mmpretrain.registry import MODELS
from support import golden
from torch import nn

from mmkd_ext.models.backbones.cifar_backbone import CIFARBackbone
from mmkd_ext.models.backbones.cifar_resnet import CIFARResNet
from mmkd_ext.models.backbones.cifar_shufflenet_v2 import CIFARShuffleNetV2
from mmkd_ext.models.backbones.cifar_vgg import CIFARVGG
from mmkd_ext.models.backbones.cifar_wide_resnet import CIFARWideResNet
from mmkd_ext.models.zoo.cifar_zoo import CIFAR_ZOO, cifar_zoo_classifier, convert_cifar_zoo, read_cifar_zoo

GOLDEN = golden.load('cifar_zoo')
SMALL = ('resnet8', 'wrn_16_1', 'vgg8', 'MobileNetV2', 'ShuffleV1', 'ShuffleV2')


def build(arch: str, **backbone: Any) -> nn.Module:
    config = cifar_zoo_classifier(arch)
    config['backbone'].update(backbone)
    return MODELS.build(config)


def published(arch: str) -> dict[str, torch.Tensor]:
    """A checkpoint with the published keys and shapes, without memory."""
    return {key: torch.empty(shape, device='meta') for key, shape in GOLDEN['keys'][arch].items()}


def test_has_every_architecture_whose_keys_were_published():
    assert set(CIFAR_ZOO) == set(GOLDEN['keys']) and len(CIFAR_ZOO) == 22


@pytest.mark.parametrize('arch', GOLDEN['keys'])
def test_published_keys_map_one_to_one_and_keep_their_weights(arch):
    weights = published(arch)
    converted = convert_cifar_zoo(weights, arch)
    with torch.device('meta'):
        plain = build(arch).state_dict()
    assert {k: v.shape for k, v in converted.items()} == {k: v.shape for k, v in plain.items()}
    assert {id(v) for v in converted.values()} == {id(v) for v in weights.values()}
    assert len(converted) == len(weights)


@pytest.mark.parametrize('arch', GOLDEN['models'])
def test_equals_the_golden_numbers(arch):
    expected = GOLDEN['models'][arch]
    stages = len(expected['stage_shapes'])
    net = golden.fill_by_shape(build(arch, out_indices=range(stages + 1))).double().eval()
    with torch.no_grad():
        maps = net.backbone(golden.uniform((2, 3, 32, 32), 7))
        embedding = net.head.pre_logits(net.neck(maps))
        logits = net.head(net.neck(maps))
    assert sum(p.numel() for p in net.parameters()) == expected['params']
    assert [list(m.shape) for m in maps[:-1]] == expected['stage_shapes']
    assert tuple(m.shape[1] for m in maps) == net.backbone.out_channels
    assert embedding.shape == (2, expected['embedding_dim'])
    assert embedding.norm().item() == pytest.approx(expected['embedding_norm'], rel=1e-9)
    assert logits.norm().item() == pytest.approx(expected['logits_norm'], rel=1e-9)
    first = torch.tensor(expected['logits_first8'], dtype=torch.float64)
    torch.testing.assert_close(logits[:, :8], first, rtol=1e-9, atol=1e-12)


def test_shufflenet_v2_equals_the_host_s_beyond_the_stem(rng):
    """No golden numbers exist for it; mmpretrain's has the same units behind a stem for larger images."""
    ours = golden.fill_by_shape(CIFARShuffleNetV2(out_indices=range(5))).double().eval()
    stock = golden.fill_by_shape(ShuffleNetV2(widen_factor=1.0)).double()
    stock.eval()  # it does not return itself
    with torch.no_grad():
        stem, *expected = ours(torch.randn(2, 3, 32, 32, generator=rng, dtype=torch.float64))
        x = stem
        for layer, ours_now in zip(stock.layers, expected, strict=True):
            x = layer(x)
            torch.testing.assert_close(ours_now, x)


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


def test_the_shared_normalisation_of_a_wide_resnet_runs_once(rng):
    net = CIFARWideResNet(10, out_indices=range(5)).train()
    net(torch.randn(2, 3, 32, 32, generator=rng))
    counts = {int(v) for k, v in net.state_dict().items() if k.endswith('num_batches_tracked')}
    assert counts == {1}


@pytest.mark.parametrize('indices', [(), (2, 1), (1, 1), (-1,), (5,)])
def test_outputs_that_are_not_there_are_refused(indices):
    with pytest.raises(ValueError, match=r'CIFARResNet needs ascending out_indices among 0\.\.3 .* and 4'):
        CIFARResNet(8, out_indices=indices)


def test_stages_without_relu_are_not_left_to_the_classifier():
    with pytest.raises(ValueError, match=r'needs the final map, 4, .* got \[1, 2, 3\]'):
        CIFARResNet(8, out_indices=(1, 2, 3), pre_activation=True)


@pytest.mark.parametrize(
    ('network', 'arguments', 'message'),
    [
        (CIFARResNet, {'depth': 18}, r'6n \+ 2 .* got 18'),
        (CIFARResNet, {'depth': 20, 'width': 0}, 'got 20 and 0'),
        (CIFARWideResNet, {'depth': 20}, r'6n \+ 4 .* got 20'),
        (CIFARVGG, {'depth': 12}, '8, 11, 13, 16, 19, got 12'),
    ])
def test_depths_that_do_not_exist_are_refused(network: type[CIFARBackbone], arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        network(**arguments)


def test_vgg_pools_once_more_at_64_pixels():
    net = CIFARVGG(8, out_indices=range(6)).eval()
    sizes = {size: [m.shape[-1] for m in net(torch.zeros(1, 3, size, size))] for size in (32, 64)}
    assert sizes == {32: [32, 16, 8, 4, 4, 4], 64: [64, 32, 16, 8, 4, 4]}


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


def test_a_checkpoint_from_data_parallel_is_unwrapped():
    weights = published('resnet8')
    wrapped = {f'module.{key}': value for key, value in weights.items()}
    assert convert_cifar_zoo(wrapped, 'resnet8').keys() == convert_cifar_zoo(weights, 'resnet8').keys()


def test_keys_that_do_not_fit_are_named():
    weights = published('resnet8')
    weights['layer1.0.extra'] = weights.pop('layer2.0.conv1.weight')
    weights['linear.weight'] = weights['fc.weight']
    weights['bn1.bias'] = torch.zeros(7)
    with pytest.raises(ValueError) as error:
        convert_cifar_zoo(weights, 'resnet8')
    message = str(error.value)
    assert '1 missing (backbone.layer2.0.conv1.weight)' in message
    assert '2 unexpected (layer1.0.extra, linear.weight)' in message
    assert '1 of another shape (bn1.bias (7,) for (16,))' in message


def test_another_architecture_is_refused_and_a_misspelt_one_corrected():
    with pytest.raises(ValueError, match=r'resnet20 needs 128 keys, got 56: 72 missing \(.*, \.\.\.\)'):
        convert_cifar_zoo(published('resnet8'), 'resnet20')
    with pytest.raises(ValueError, match=r"got 'wrn40_2'\. Did you mean wrn_40_2\?"):
        cifar_zoo_classifier('wrn40_2')


def test_what_is_no_tensor_is_refused():
    with pytest.raises(ValueError, match='tensors only, got something else at fc.weight'):
        convert_cifar_zoo({**published('resnet8'), 'fc.weight': [1.0]}, 'resnet8')


@pytest.fixture
def tool() -> ModuleType:
    path = Path(__file__).parents[3] / 'tools/model_converters/cifar_zoo.py'
    spec = importlib.util.spec_from_file_location('cifar_zoo_tool', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def real_weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    state = build('resnet8').state_dict()
    return {key.removeprefix('backbone.').removeprefix('head.'): value for key, value in state.items()}


def test_tool_writes_what_the_plain_classifier_loads(tmp_path, tool, capsys):
    weights = real_weights()
    options = argparse.Namespace(lr=0.05)  # RepDistiller saves its options along
    torch.save({'opt': options, 'model': weights, 'best_acc': 72.3}, tmp_path / 'published.pth')
    tool.main([str(tmp_path / 'published.pth'), 'resnet8', str(tmp_path / 'deep/converted.pth')])
    assert 'all 56 keys of resnet8 mapped' in capsys.readouterr().out
    net = build('resnet8')
    net.load_state_dict(torch.load(tmp_path / 'deep/converted.pth', weights_only=True)['state_dict'])
    torch.testing.assert_close(net.head.fc.weight.data, weights['fc.weight'])
    torch.testing.assert_close(net.backbone.conv1.weight.data, weights['conv1.weight'])


class Payload:
    """A pickle that runs code when it is read."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path('payload-ran'),)


def test_a_file_that_would_run_code_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({'model': real_weights(), 'opt': Payload()}, 'foreign.pth')
    with pytest.raises(ValueError, match='foreign.pth'):
        read_cifar_zoo('foreign.pth')
    assert not Path('payload-ran').exists()


@pytest.mark.parametrize('content', [{'state_dict': {}}, {'model': 3}, None])
def test_tool_ends_with_a_sentence_and_leaves_the_target_alone(tmp_path, tool, content):
    source, target = tmp_path / 'source.pth', tmp_path / 'target.pth'
    target.write_bytes(b'precious')
    if content is not None:
        torch.save(content, source)
    with pytest.raises(SystemExit, match='was not converted.*needed'):
        tool.main([str(source), 'resnet8', str(target)])
    assert target.read_bytes() == b'precious' and {p.name for p in tmp_path.iterdir()} <= {'source.pth', 'target.pth'}
