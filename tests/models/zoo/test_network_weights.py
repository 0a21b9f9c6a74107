"""Weights from files as others write them: what frameworks put around them is taken off, and they fit wholly or are refused."""

import pickle
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from support.small_teacher import RANDOM, SMALL, build, saved
from torchvision.models import densenet121

from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.cifar_zoo import cifar_zoo_classifier
from mmkd_ext.models.zoo.frozen_network import build_network
from mmkd_ext.models.zoo.network_weights import read_weights

NAME = 'test_resnet.r160_in1k'


@pytest.fixture
def small(tmp_path):
    torch.manual_seed(0)
    network = build(SMALL).eval()
    return network, saved(tmp_path, network)


@pytest.mark.parametrize('write', [
    lambda w: {'net': w, 'acc': 91.2, 'epoch': 3},
    lambda w: {'net': {f'module.{k}': v for k, v in w.items()}},
    lambda w: {'state_dict': {f'model.{k}': v for k, v in w.items()}, 'pytorch-lightning_version': '2.4', 'hyper_parameters': {'lr': 0.1}},
    lambda w: {'state_dict': {f'model._orig_mod.{k}': v for k, v in w.items()}},
    lambda w: {f'_orig_mod.module.{k}': v for k, v in w.items()},
    lambda w: {k.replace('conv1', 'conv1._orig_mod'): v for k, v in w.items()},
])  # fmt: skip
def test_what_a_framework_put_around_the_weights_is_taken_off(tmp_path, write):
    torch.manual_seed(1)
    weights = timm.create_model(NAME).state_dict()
    torch.save(write(weights), tmp_path / 'a.pth')
    found = build_network(dict(model=f'timm/{NAME}', checkpoint=str(tmp_path / 'a.pth'))).module.state_dict()
    assert all(torch.equal(found[key], value) for key, value in weights.items())


def test_a_prefix_of_the_config_is_taken_off_and_other_keys_are_left_out(tmp_path):
    torch.manual_seed(1)
    weights = timm.create_model(NAME).state_dict()
    nested = {f'student.encoder.{k}': v for k, v in weights.items()}
    torch.save({'state_dict': {**nested, 'criterion.w': torch.ones(1)}}, tmp_path / 'a.pth')
    spec = dict(model=f'timm/{NAME}', checkpoint=str(tmp_path / 'a.pth'))
    found = build_network(dict(spec, prefix='student.encoder')).module.state_dict()
    assert all(torch.equal(found[key], value) for key, value in weights.items())
    with pytest.raises(ValueError, match=r'begin with encoder\. are needed, got .*a\.pth, whose first key is student'):
        build_network(dict(spec, prefix='encoder'))


def test_a_folder_as_a_teachers_checkpoint_is_said(tmp_path):
    with pytest.raises(ValueError, match='which is a folder'):
        build_network(dict(model=f'timm/{NAME}', checkpoint=str(tmp_path)))


def test_torchvisions_densenets_are_published_under_old_names(tmp_path):
    network = densenet121(num_classes=5)
    old = {}
    for key, value in network.state_dict().items():
        head, layer, rest = key.partition('denselayer')
        for name in ('norm1', 'norm2', 'conv1', 'conv2') if layer else ():
            rest = rest.replace(f'.{name}.', f'.{name[:4]}.{name[4:]}.')
        old[head + layer + rest] = value
    assert 'features.denseblock1.denselayer1.norm.1.weight' in old
    torch.save(old, tmp_path / 'dense.pth')
    found = build_network(dict(model='torchvision/densenet121', num_classes=5, checkpoint=tmp_path / 'dense.pth'))
    for key, value in network.state_dict().items():
        torch.testing.assert_close(found.module.state_dict()[key], value, rtol=0, atol=0)


def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path):
    state = build_network(dict(model='cifar/resnet8', **RANDOM)).module.state_dict()
    state['head.fc.bias'][3] = float('nan')
    torch.save(state, tmp_path / 'diverged.pth')
    with pytest.raises(ValueError, match=r'diverged.pth needs to hold finite weights .* infinity in head.fc.bias'):
        build_network(dict(model='cifar/resnet8', checkpoint=str(tmp_path / 'diverged.pth')))


def test_safetensors_and_the_field_s_layout_are_read(tmp_path, small, rng):
    network, _ = small
    save_file(network.state_dict(), tmp_path / 'teacher.safetensors')
    images = torch.randn(2, 3, 16, 16, generator=rng)
    teacher = FrozenTeacher(dict(model=SMALL, checkpoint=str(tmp_path / 'teacher.safetensors')))
    with torch.no_grad():
        torch.testing.assert_close(teacher(images).logits, network(images))

    zoo = build(cifar_zoo_classifier('resnet8', 100)).eval()
    published = {key.removeprefix('backbone.').replace('head.fc', 'fc'): v for key, v in zoo.state_dict().items()}
    torch.save({'model': {f'module.{key}': value for key, value in published.items()}}, tmp_path / 'resnet8.pth')
    teacher = FrozenTeacher(dict(model='cifar/resnet8', checkpoint=str(tmp_path / 'resnet8.pth')))
    with torch.no_grad():
        torch.testing.assert_close(teacher(images).logits, zoo(images))


def test_weights_that_fit_in_part_are_refused_unless_allowed(tmp_path, small):
    network, _ = small
    state = network.state_dict()
    del state['backbone.bn1.weight']
    state['head.extra'] = torch.zeros(3)
    torch.save(state, tmp_path / 'part.pth')
    spec = dict(model=SMALL, checkpoint=str(tmp_path / 'part.pth'))
    with pytest.raises(ValueError, match=r'part\.pth .*ImageClassifier wholly, but \d+ of \d+ entries match \(99\.\d %\); '
                                         r'first missing: backbone\.bn1\.weight; first unexpected: head\.extra'):
        build_network(spec)
    build_network(dict(spec, allow_missing=r'^backbone\.bn1', allow_unexpected=r'\.extra$'))
    with pytest.raises(ValueError, match='first missing: none; first unexpected: head.extra'):
        build_network(dict(spec, allow_missing=r'^backbone\.bn1'))
    with pytest.raises(ValueError, match=r'first of another shape: head\.fc\.weight \(5, 32\) for \(7, 32\)'):
        build_network(dict(spec, num_classes=7, allow_missing='bn1', allow_unexpected='extra'))


def test_the_share_of_matched_keys_is_said(small, monkeypatch):
    _, checkpoint = small
    said = []
    monkeypatch.setattr('mmkd_ext.models.zoo.network_weights.print_log', lambda text, *_: said.append(text))
    build_network(dict(model=SMALL, checkpoint=checkpoint))
    assert said == [f'Teacher ImageClassifier: 122 of 122 entries match (100.0 %) in {checkpoint}.']


class Intruder:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_file_that_would_run_code_or_is_damaged_is_refused(tmp_path, small):
    _, checkpoint = small
    with open(tmp_path / 'evil.pth', 'wb') as file:
        pickle.dump({'state_dict': Intruder(tmp_path / 'touched')}, file)
    torch.save({'state_dict': Intruder(tmp_path / 'touched')}, tmp_path / 'evil2.pth')
    whole = Path(checkpoint).read_bytes()
    (tmp_path / 'cut.pth').write_bytes(whole[: len(whole) // 2])
    (tmp_path / 'cut.safetensors').write_bytes(b'\x10\x00\x00\x00\x00\x00\x00\x00{"a"')
    for name in ('evil.pth', 'evil2.pth', 'cut.pth', 'cut.safetensors', 'absent.pth'):
        with pytest.raises(ValueError, match=name):
            read_weights(tmp_path / name)
    assert not (tmp_path / 'touched').exists()
    torch.save({'epoch': torch.tensor(3), 'name': 'x'}, tmp_path / 'none.pth')
    with pytest.raises(ValueError, match='holds: epoch, name'):
        read_weights(tmp_path / 'none.pth')
    torch.save({3: torch.zeros(1)}, tmp_path / 'numbered.pth')
    with pytest.raises(ValueError, match='A file of weights is needed, got .*numbered.pth, which holds: 3'):
        read_weights(tmp_path / 'numbered.pth')


@pytest.mark.parametrize(('spec', 'words'), [
    ('torchvision/resnet34', 'resnet34-b627a593.pth'),
    ('resnet34_8xb32_in1k', 'resnet34_8xb32_in1k_20210831-f257d4e6.pth'),
    ('timm/test_resnet.r160_in1k', 'timm/test_resnet.r160_in1k/resolve/main/model.safetensors'),
])
def test_without_a_network_the_file_is_named(monkeypatch, tmp_path, spec, words):
    def refuse(*_, **__):
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', refuse)
    monkeypatch.setattr('huggingface_hub.hf_hub_download', refuse)
    with pytest.raises(ValueError, match=r'cannot be fetched \(OSError\)\. Fetch .* checkpoint=FILE') as caught:
        build_network(spec)
    assert words in str(caught.value)
