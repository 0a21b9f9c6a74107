"""One language for networks: what a teacher is named by names a student and a peer too."""

import pytest
import torch
import torchvision
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import save_checkpoint
from mmengine.runner.checkpoint import _load_checkpoint_to_model, get_state_dict
from mmpretrain.structures import DataSample

from mmkd_ext.export.export_student import export_student
from mmkd_ext.models.build import build_model
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.models.zoo.frozen_network import build_network
from mmkd_ext.models.zoo.trained_network import build_trained, network_config
from mmkd_ext.registry import MODELS

PREPROCESSOR = dict(mean=[100.0] * 3, std=[50.0] * 3)
TEACHER = dict(model='cifar/resnet8', num_classes=5, checkpoint=None, allow_random=True)
FILE = """
data_preprocessor = dict(num_classes=5, mean=[7.0] * 3, std=[2.0] * 3, to_rgb=True)
model = dict(
    type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
    neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=5, in_channels=32))
"""
NAMES = {
    'torchvision': dict(model='torchvision/resnet18', num_classes=5),
    'timm': dict(model='timm/test_resnet', num_classes=5),
    'cifar': dict(model='cifar/resnet8', num_classes=5),
    'mmpretrain': dict(model='mmpretrain::resnet/resnet18_8xb16_cifar10.py', num_classes=5, options=dict(backbone=dict(base_channels=8))),
    'index': dict(model='resnet18_8xb16_cifar10', num_classes=5),
    'config': dict(model=dict(type='TimmClassifier', model_name='test_resnet'), num_classes=5),
}
NAMES['mmpretrain']['options']['backbone']['stem_channels'] = 8
NAMES['mmpretrain']['options']['head'] = dict(in_channels=64)


def distiller(student, **kwargs):
    cfg = dict(
        type='mmkd_ext.OfflineDistiller', student=student, teacher=TEACHER, losses=dict(kd=dict(type='mmkd_ext.KDLoss')), input_size=32,
        channel_order='rgb', **{'data_preprocessor': dict(PREPROCESSOR), **kwargs})
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return cfg, MODELS.build(cfg)


def batch(rng, n=4):
    return torch.randn(n, 3, 32, 32, generator=rng), [DataSample().set_gt_label(i % 5) for i in range(n)]


@pytest.mark.parametrize('name', NAMES)
def test_every_name_is_a_student_a_teacher_and_a_peer_of_the_same_weights(name, tmp_path, rng):
    spec = NAMES[name]
    student = build_trained(spec, dict(PREPROCESSOR), 'mmpretrain').eval()
    torch.save(student.state_dict(), tmp_path / 'a.pth')
    teacher = build_network(dict(spec, checkpoint=str(tmp_path / 'a.pth'))).module.eval()
    again = build_trained(dict(spec, checkpoint=str(tmp_path / 'a.pth')), None, 'mmpretrain').eval()
    images, _ = batch(rng)
    for other in (teacher, again):
        torch.testing.assert_close(other(images), student(images), rtol=0, atol=0)


@pytest.mark.parametrize('name', NAMES)
def test_every_name_trains_as_a_student_and_its_checkpoint_is_the_plain_networks(name, rng):
    cfg, model = distiller(NAMES[name])
    terms = model.train()(*batch(rng), mode='loss')
    total, _ = model.parse_losses(terms)
    total.backward()
    assert all(p.grad is not None for p in model.student.parameters()) and terms['loss_kd'] > 0
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        plain = MODELS.build(plain_model(cfg)).eval()
    _load_checkpoint_to_model(plain, dict(state_dict=get_state_dict(model)), strict=True)
    images, _ = batch(rng)
    torch.testing.assert_close(plain(images), model.eval()(images, mode='tensor'), rtol=0, atol=0)
    assert plain.data_preprocessor.mean.flatten().tolist() == model.data_preprocessor.mean.flatten().tolist()


def test_a_config_file_is_a_student_with_its_own_normalisation_and_a_bare_name_is_enough(tmp_path):
    (tmp_path / 'own.py').write_text(FILE)
    _, model = distiller(str(tmp_path / 'own.py'))
    assert model.data_preprocessor.mean.flatten().tolist() == [7.0] * 3 and model.num_classes == 5
    assert network_config('torchvision/resnet18') == dict(type='mmkd_ext.TorchvisionClassifier', model_name='resnet18')


def test_of_a_config_that_distils_a_student_is_the_deployed_network(tmp_path):
    distils = f"model = dict(type='mmkd_ext.OfflineDistiller', student=model, teacher={TEACHER!r}, losses={{}})\n"
    (tmp_path / 'own.py').write_text(FILE + distils)
    assert network_config(str(tmp_path / 'own.py')).type == 'ImageClassifier'


def test_a_torchvision_student_is_exported_with_torchvisions_own_keys(tmp_path, rng):
    cfg, model = distiller(NAMES['torchvision'])
    save_checkpoint(dict(state_dict=get_state_dict(model), meta={}), str(tmp_path / 'epoch_1.pth'))
    written = export_student(Config(dict(model=cfg, default_scope='mmpretrain')), tmp_path / 'epoch_1.pth', tmp_path / 'out.pth', size=32)
    assert {path.name for path in written} == {'out.pth', 'out.py'}
    state = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    theirs = torchvision.models.resnet18(num_classes=5).eval()
    theirs.load_state_dict(state)  # strictly
    images, _ = batch(rng)
    torch.testing.assert_close(theirs(images), model.eval()(images, mode='tensor'), rtol=0, atol=0)
    plain = Config.fromfile(tmp_path / 'out.py')
    assert 'mmkd_ext.models' in plain.custom_imports.imports and 'pretrained' not in plain.model
    network = build_model(plain)
    network.load_state_dict(state)
    torch.testing.assert_close(network(images), theirs(images), rtol=0, atol=0)


def test_weights_that_torchvision_knows_start_a_student_but_for_a_head_of_other_classes(tmp_path, monkeypatch):
    published = torchvision.models.resnet18()
    torch.save(published.state_dict(), tmp_path / 'published.pth')
    plain = network_config(dict(model='torchvision/resnet18', num_classes=5, pretrained=True), dict(num_classes=5, bgr_to_rgb=True))
    assert plain.init_cfg.checkpoint == torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url
    assert plain.data_preprocessor == dict(
        num_classes=5, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
    plain.init_cfg.checkpoint = str(tmp_path / 'published.pth')
    student = build_trained(plain, None, 'mmpretrain')
    head = student.model.fc.weight.clone()
    student.init_weights()
    assert torch.equal(student.model.conv1.weight, published.conv1.weight) and torch.equal(student.model.fc.weight, head)


def test_files_are_read_alike_prefixes_patterns_and_published_cifar_keys(tmp_path):
    weights = build_network(dict(TEACHER)).module.state_dict()
    part = {f'net.student.{key}': value for key, value in weights.items() if key != 'head.fc.bias'}
    torch.save(part, tmp_path / 'part.pth')
    spec = dict(model='cifar/resnet8', num_classes=5, checkpoint=str(tmp_path / 'part.pth'), prefix='net.student')
    for build in (lambda s: build_network(s).module, lambda s: build_trained(s, None, 'mmpretrain')):
        with pytest.raises(ValueError, match='needs to fit the (teacher|network) cifar/resnet8 wholly.*first missing: head.fc.bias'):
            build(spec)
        loaded = build(dict(spec, allow_missing='fc.bias')).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in weights.items() if key != 'head.fc.bias')


@pytest.mark.parametrize('name', ['timm/no_such', 'torchvision/no_such', 'cifar/no_such', 'mmpretrain::no/such.py', 'no_such'])
def test_a_name_that_nobody_knows_is_said_of_both_roles(name):
    for build in (network_config, build_network):
        with pytest.raises(ValueError, match='is needed, got'):
            build(name)
