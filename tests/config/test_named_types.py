"""Classes, prefixed names and dotted paths are the types that they name, from the config to the exported file."""

from pathlib import Path

import mmpretrain
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import PretrainedInit
from mmengine.optim import AmpOptimWrapper
from mmpretrain.models import GlobalAveragePooling, ImageClassifier, LeNet5
from support.runs import one_error
from torch import nn

import mmkd_ext.models  # noqa: F401  # registers
from mmkd_ext.commands.export_student import main
from mmkd_ext.commands.train import make_config, parse_args
from mmkd_ext.config.load_config import load_config
from mmkd_ext.config.named_types import name_of, named, type_name
from mmkd_ext.export.export_student import export_student
from mmkd_ext.models.build import build_model
from mmkd_ext.models.distillers import OfflineDistiller
from mmkd_ext.models.plain_config import plain_config, plain_model, without_weights
from mmkd_ext.models.zoo.frozen_network import build_network
from mmkd_ext.models.zoo.trained_network import network_config

# The same network three times: by classes, by names with their scopes, by names.
CLASSES = """
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmpretrain.datasets import PackInputs, ResizeEdge
from mmpretrain.evaluation import Accuracy
from mmpretrain.models import CrossEntropyLoss, GlobalAveragePooling, ImageClassifier, LinearClsHead, ResNet_CIFAR
from mmengine.dataset import DefaultSampler
from torch import nn
from torch.optim import SGD
from mmkd_ext.datasets import Digits
from mmkd_ext.losses import KDLoss
from mmkd_ext.models.distillers import OfflineDistiller
student = dict(
    type=ImageClassifier,
    backbone=dict(
        type=ResNet_CIFAR, depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type=nn.BatchNorm2d)),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=32, loss=dict(type=CrossEntropyLoss)))
model = dict(
    type=OfflineDistiller, student=student,
    teacher=dict(model='cifar/resnet8', num_classes=10, checkpoint=None, allow_random=True), losses=dict(kd=dict(type=KDLoss)))
data_preprocessor = dict(mean=[0.0] * 3, std=[1.0] * 3)
train_dataloader = dict(
    batch_size=8, dataset=dict(type=Digits, size=8, split='train', pipeline=[dict(type=PackInputs)]),
    sampler=dict(type=DefaultSampler, shuffle=True))
test_dataloader = dict(
    batch_size=8, dataset=dict(type=Digits, size=8, split='test', pipeline=[dict(type=PackInputs)]),
    sampler=dict(type=DefaultSampler, shuffle=False))
test_evaluator = dict(type=Accuracy)
test_cfg = dict()
train_cfg = dict(by_epoch=True, max_epochs=1)
optim_wrapper = dict(type=AmpOptimWrapper, optimizer=dict(type=SGD, lr=0.1))
"""


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / 'by_classes.py'
    path.write_text(CLASSES)
    return path


@pytest.fixture
def checkpoint(config) -> Path:
    cfg = load_config(str(config))
    torch.manual_seed(0)
    torch.save(dict(state_dict=build_model(cfg).state_dict(), meta={}), config.with_name('epoch_1.pth'))
    return config.with_name('epoch_1.pth')


def test_a_config_of_classes_is_exported_as_one_of_names_that_mmpretrain_reads(config, checkpoint, rng):
    assert main([str(config), str(checkpoint), str(config.with_name('student.pth'))]) == 0
    text = config.with_name('student.py').read_text()
    assert '<class' not in text and 'import ' not in text
    plain = Config.fromfile(config.with_name('student.py'))
    assert plain.model.type == 'ImageClassifier' and plain.model.neck.type == 'GlobalAveragePooling'
    assert plain.model.backbone.out_indices == (3,)  # the other stages are the losses'
    assert plain.test_dataloader.dataset.type == 'mmkd_ext.Digits'
    loaded = mmpretrain.get_model(str(config.with_name('student.py')), pretrained=str(config.with_name('student.pth')))
    trained = build_model(load_config(str(config)))
    trained.load_state_dict(torch.load(checkpoint, weights_only=False)['state_dict'])
    images = torch.randn(2, 3, 8, 8, generator=rng)
    with torch.no_grad():
        torch.testing.assert_close(loaded(images), trained(images), rtol=0, atol=1e-6)


def test_export_student_takes_a_config_of_classes_from_python_too(config, checkpoint, tmp_path):
    export_student(Config.fromfile(config), checkpoint, tmp_path / 'a.pth')
    assert Config.fromfile(tmp_path / 'a.py').model.backbone.type == 'ResNet_CIFAR'


@pytest.mark.parametrize(
    'kind', ['AmpOptimWrapper', 'mmengine.AmpOptimWrapper', 'mmengine.optim.AmpOptimWrapper', 'class'])
def test_amp_on_a_cpu_is_replaced_however_its_type_is_given(config, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    config.write_text(CLASSES if kind == 'class' else CLASSES.replace('type=AmpOptimWrapper', f'type={kind!r}'))
    cfg = make_config(parse_args([str(config), '--work-dir', str(tmp_path)]))
    assert cfg.optim_wrapper.type == 'mmkd_ext.CPUAmpOptimWrapper'


@pytest.mark.parametrize('pool', [
    GlobalAveragePooling, 'GlobalAveragePooling', 'mmpretrain.GlobalAveragePooling', 'mmpretrain.models.GlobalAveragePooling'])
def test_stages_that_only_losses_read_are_left_out_however_the_neck_is_given(pool):
    student = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18, out_indices=(0, 1, 2, 3)), neck=dict(type=pool))
    for kind in (OfflineDistiller, 'mmkd_ext.OfflineDistiller'):
        assert plain_model(dict(type=kind, student=student)).backbone.out_indices == (3,)


def test_a_name_is_the_shortest_that_every_scope_finds():
    assert name_of(nn.BatchNorm2d) == 'BN' and name_of(AmpOptimWrapper) == 'AmpOptimWrapper'
    assert name_of(LeNet5) == 'mmpretrain.LeNet5' and name_of(LeNet5, 'mmpretrain') == 'LeNet5'
    assert name_of('mmpretrain.models.LeNet5', 'mmpretrain') == 'LeNet5'
    assert name_of(Path) == 'pathlib.Path'  # of no registry: where mmengine imports it from
    assert name_of('X') == 'X' and name_of('a.b.c') == 'a.b.c' and name_of(None) is None
    function = lambda x: x  # noqa: E731
    assert name_of(function) is function
    assert type_name(PretrainedInit) == type_name('mmengine.Pretrained') == type_name('Pretrained') == 'Pretrained'


@pytest.mark.parametrize('kind', [PretrainedInit, 'mmengine.Pretrained', 'Pretrained'])
def test_weights_that_are_to_be_fetched_are_left_out_however_their_type_is_given(kind):
    assert 'init_cfg' not in without_weights(dict(backbone=dict(init_cfg=dict(type=kind, checkpoint='x.pth')))).backbone


def test_only_types_become_names_and_lists_and_tuples_stay_what_they_are():
    cfg = named(Config(dict(model=dict(type=LeNet5, layers=[dict(type=nn.ReLU)], pair=(dict(type=nn.ReLU), 2), act=nn.GELU))))
    assert cfg.model == dict(type='LeNet5', layers=[dict(type='ReLU')], pair=(dict(type='ReLU'), 2), act=nn.GELU)
    assert cfg.default_scope == 'mmpretrain'


@pytest.mark.parametrize('value', [nn.GELU, lambda x: x, torch.float16, torch.zeros(2), object()])
def test_what_no_file_can_say_is_refused_with_its_place(config, checkpoint, value):
    cfg = Config.fromfile(config)
    cfg.model.student.backbone.odd = [1, value]
    with pytest.raises(ValueError, match=r'as model\.backbone\.odd\[1\]\. .*by a name'):
        export_student(cfg, checkpoint, config.with_name('student.pth'))
    assert not list(config.parent.glob('student.*'))


def test_a_student_of_a_user_s_module_keeps_its_import(tmp_path, monkeypatch, capsys):
    (tmp_path / 'my_networks.py').write_text(
        'from mmpretrain.registry import MODELS\nfrom mmpretrain.models import LeNet5\n\n'
        "@MODELS.register_module(force=True)\nclass MyNet(LeNet5):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    model = dict(type='ImageClassifier', backbone=dict(type='MyNet', num_classes=10), head=dict(type='ClsHead'))
    cfg = Config(dict(model=model, custom_imports=dict(imports=['my_networks', 'mmkd_ext.hooks'], allow_failed_imports=False)))
    import my_networks

    assert plain_config(cfg).custom_imports.imports == ['my_networks']
    cfg.model.backbone.type = my_networks.MyNet
    assert plain_config(cfg).model.backbone.type == 'my_networks.MyNet'
    assert capsys.readouterr().err == ''


def test_a_class_that_cannot_be_named_is_one_sentence_of_the_command(config, checkpoint, capsys):
    config.write_text(CLASSES.replace('stem_channels=4', 'stem_channels=4, odd=SGD'))
    assert main([str(config), str(checkpoint), str(config.with_name('student.pth'))]) == 2
    assert 'as model.backbone.odd' in one_error(capsys.readouterr().err)


def test_a_config_file_of_classes_is_a_teacher_and_a_network(tmp_path):
    alone = CLASSES.replace('model = dict(\n    type=OfflineDistiller', 'model = student\nunused = dict(\n    y=1')
    (tmp_path / 'plain_by_classes.py').write_text(alone)
    teacher = build_network(dict(model=str(tmp_path / 'plain_by_classes.py'), checkpoint=None, allow_random=True))
    assert type(teacher.module.backbone).__name__ == 'ResNet_CIFAR'
    assert network_config(str(tmp_path / 'plain_by_classes.py')).backbone.type == 'ResNet_CIFAR'


@pytest.mark.parametrize('kind', [ImageClassifier, 'ImageClassifier', 'mmpretrain.ImageClassifier'])
def test_a_teacher_s_config_of_classes_is_asked_for_its_checkpoint(kind):
    teacher = dict(type=kind, backbone=dict(type=LeNet5, num_classes=10), head=dict(type='ClsHead'))
    with pytest.raises(ValueError, match='ImageClassifier needs a checkpoint'):
        OfflineDistiller(dict(teacher, data_preprocessor={}), teacher, {})


def test_an_existing_config_stays_as_it_is():
    cfg = ConfigDict(type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=None)
    assert plain_model(cfg) == cfg
