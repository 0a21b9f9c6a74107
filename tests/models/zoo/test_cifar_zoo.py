"""The CIFAR zoo: its published keys, its checkpoints, and the tool that converts them."""

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from support.cifar_zoo import GOLDEN, build

from mmkd_ext.models.zoo.cifar_zoo import CIFAR_ZOO, cifar_zoo_classifier, convert_cifar_zoo, read_cifar_zoo


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
