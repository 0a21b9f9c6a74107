"""A teacher: from any spec, loaded wholly or refused, frozen, and seeing what it was trained on."""

import copy
import pickle
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain import get_model
from mmpretrain.registry import MODELS
from safetensors.torch import save_file

from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.cifar_zoo import cifar_zoo_classifier
from mmkd_ext.models.zoo.frozen_network import build_network
from mmkd_ext.models.zoo.network_weights import read_weights

SMALL = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
    neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=5, in_channels=32))


def build(cfg):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(cfg)


def preprocessor(**kwargs):
    return build(dict(type='ClsDataPreprocessor', **kwargs))


def saved(folder, network, name='teacher.pth', **layers):
    torch.save({'state_dict': network.state_dict(), **layers}, folder / name)
    return str(folder / name)


@pytest.fixture
def small(tmp_path):
    torch.manual_seed(0)
    network = build(SMALL).eval()
    return network, saved(tmp_path, network)


SPECS = {
    'mmpretrain::resnet/resnet18_8xb16_cifar10.py': lambda: get_model('resnet18_8xb16_cifar10'),
    'resnet18_8xb16_cifar10': lambda: get_model('resnet18_8xb16_cifar10'),
    'timm/test_resnet.r160_in1k': lambda: timm.create_model('test_resnet'),
    'torchvision/squeezenet1_0': lambda: torchvision.models.squeezenet1_0(),
    'torchvision/mnasnet0_5': lambda: torchvision.models.mnasnet0_5(),
}


@pytest.mark.parametrize('spec', SPECS)
def test_every_spec_gives_the_network_it_names_with_the_files_weights(tmp_path, rng, spec):
    torch.manual_seed(1)
    expected = SPECS[spec]().eval()
    built = build_network(dict(model=spec, checkpoint=saved(tmp_path, expected)))
    images = torch.randn(2, 3, 64, 64, generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(built.module.eval()(images), expected(images))


def test_a_local_config_is_a_spec_and_its_preprocessor_is_the_teachers(tmp_path, small, rng):
    network, checkpoint = small
    mean, std = [120.0, 110.0, 100.0], [60.0, 50.0, 40.0]
    Config(dict(model=SMALL, data_preprocessor=dict(mean=mean, std=std, to_rgb=True))).dump(tmp_path / 'teacher.py')
    teacher = FrozenTeacher(
        dict(model=str(tmp_path / 'teacher.py'), checkpoint=checkpoint), preprocessor(mean=[0] * 3, std=[255] * 3, to_rgb=True))
    images = 255 * torch.rand(2, 3, 16, 16, generator=rng)
    own = (images - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(teacher(images / 255).logits, network(own), rtol=1e-4, atol=1e-5)


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


@pytest.mark.parametrize(('s_rgb', 't_rgb'), [(True, True), (True, False), (False, False)])
def test_it_sees_what_its_own_preprocessor_would_have_made(small, rng, s_rgb, t_rgb):
    network, checkpoint = small
    own = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 40.0], to_rgb=t_rgb)
    students = preprocessor(mean=[10.0, 20.0, 30.0], std=[70.0, 80.0, 90.0], to_rgb=s_rgb)
    teacher = FrozenTeacher(dict(model=SMALL, checkpoint=checkpoint, data_preprocessor=own), students)
    loaded = torch.randint(256, (2, 3, 16, 16), generator=rng, dtype=torch.uint8)
    with torch.no_grad():
        expected = network(preprocessor(**own)(dict(inputs=loaded))['inputs'])
        got = teacher(students(dict(inputs=loaded))['inputs']).logits
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_an_unknowable_channel_order_is_asked_for(small, rng):
    network, checkpoint = small
    spec = dict(model=SMALL, checkpoint=checkpoint, data_preprocessor=dict(mean=[0] * 3, std=[1] * 3, to_rgb=True))
    students = preprocessor(mean=[0] * 3, std=[1] * 3, to_rgb=False)
    with pytest.raises(ValueError, match="channel_order='rgb'"):
        FrozenTeacher(spec, students)
    images = torch.randn(2, 3, 16, 16, generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(FrozenTeacher(spec, students, 'rgb')(images).logits, network(images))
        torch.testing.assert_close(FrozenTeacher(spec, students, 'bgr')(images).logits, network(images.flip(1)))
    with pytest.raises(ValueError, match="got 'gbr'"):
        FrozenTeacher(spec, students, 'gbr')


def test_its_own_input_size_is_applied(small, rng):
    _, checkpoint = small
    teacher = FrozenTeacher(dict(model=SMALL, checkpoint=checkpoint, input_size=24))
    seen = []
    teacher.network.register_forward_pre_hook(lambda _, args: seen.append(tuple(args[0].shape)))
    teacher(torch.randn(2, 3, 16, 16, generator=rng))
    assert seen == [(2, 3, 24, 24)]
    assert build_network(dict(model='timm/vit_tiny_patch16_224', checkpoint=None, allow_random=True)).input_size == 224


def test_it_is_frozen_and_shared_by_copies(small, rng):
    _, checkpoint = small
    teacher = FrozenTeacher(dict(model=SMALL, checkpoint=checkpoint))
    images = torch.randn(4, 3, 16, 16, generator=rng, requires_grad=True)
    before = teacher.network.state_dict()['backbone.bn1.running_mean'].clone()
    first = teacher(images)
    teacher.network.train()
    torch.testing.assert_close(teacher(images).logits, first.logits)
    torch.testing.assert_close(teacher.network.state_dict()['backbone.bn1.running_mean'], before)
    assert not first.logits.requires_grad and not first.embedding.requires_grad
    assert not any(parameter.requires_grad for parameter in teacher.network.parameters())
    assert copy.deepcopy({'teacher': teacher})['teacher'] is teacher


def test_the_fingerprint_tells_weights_apart(tmp_path, small):
    network, checkpoint = small
    spec = dict(model=SMALL, checkpoint=checkpoint)
    assert FrozenTeacher(spec).fingerprint() == FrozenTeacher(spec).fingerprint()
    with torch.no_grad():
        network.head.fc.bias[0] += 1e-3
    other = FrozenTeacher(dict(model=SMALL, checkpoint=saved(tmp_path, network, 'other.pth')))
    assert other.fingerprint() != FrozenTeacher(spec).fingerprint()


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


@pytest.mark.parametrize(('spec', 'words'), [
    ('resnet34_8xb32', 'resnet34_8xb32'),
    ('timm/resnet34x', 'timm/resnet34x'),
    ('torchvision/resnet34x', 'torchvision/resnet34x'),
    ('cifar/resnet57', 'Did you mean resnet5'),
    ('absent.py', 'absent.py'),
    (dict(model=SMALL), 'no zoo knows one'),
    (dict(model=SMALL, checkpoint=None), 'allow_random=True'),
    (dict(model=SMALL, chekpoint='x'), 'chekpoint'),
    (dict(checkpoint='x'), 'NoneType'),
])
def test_a_spec_that_names_nothing_is_refused_by_name(spec, words):
    with pytest.raises(ValueError) as caught:
        build_network(spec)
    assert words in str(caught.value)
