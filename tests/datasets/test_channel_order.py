"""Whatever order its loader and its preprocessor give the student, a teacher sees the one that it was trained on."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

from mmkd_ext.datasets.channel_order import converts, loaded_order
from mmkd_ext.models.config_from_data import tell_channel_order
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.cifar_zoo import cifar_zoo_classifier

FILES = dict(type='CustomDataset', data_root='png', pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')])
PICKLES = dict(type='CIFAR100', data_root='pickles', pipeline=[dict(type='PackInputs')])
IMAGENET = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
CIFAR = torch.tensor([129.3105, 124.1085, 112.4040]), torch.tensor([68.2125, 65.4075, 70.4055])
HALF = torch.tensor([127.5] * 3), torch.tensor([127.5] * 3)
OWN = torch.tensor([120.0, 110.0, 100.0]), torch.tensor([60.0, 50.0, 40.0])


def small_resnet(**preprocessor):
    return dict(
        type='ImageClassifier', data_preprocessor=preprocessor,
        backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
        neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=100, in_channels=32))


def teachers(folder):
    """Name -> spec, its numbers, and its order: of a name that brings it, and of configs whose data tell it."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        zoo, own = (MODELS.build(copy.deepcopy(x)) for x in (cifar_zoo_classifier('resnet8', 100), small_resnet()))
    torch.save({'state_dict': zoo.state_dict()}, folder / 'zoo.pth')
    torch.save({'state_dict': own.state_dict()}, folder / 'own.pth')
    found = {
        'cifar': (dict(model='cifar/resnet8', checkpoint=str(folder / 'zoo.pth')), CIFAR, 'rgb'),
        'timm': (dict(model='timm/test_resnet', checkpoint=None, allow_random=True), HALF, 'rgb'),
        'torchvision': (dict(model='torchvision/mnasnet0_5', checkpoint=None, allow_random=True), IMAGENET, 'rgb')}
    for data, loads in ((FILES, 'bgr'), (PICKLES, 'rgb')):
        for to_rgb in (False, True):
            order = {'rgb': 'bgr', 'bgr': 'rgb'}[loads] if to_rgb else loads
            file = folder / f'{loads}_{to_rgb}.py'
            numbers = dict(mean=OWN[0].tolist(), std=OWN[1].tolist(), to_rgb=to_rgb)
            Config(dict(model=small_resnet(**numbers), train_dataloader=dict(dataset=data))).dump(file)
            found[file.stem] = dict(model=str(file), checkpoint=str(folder / 'own.pth')), OWN, order
    return found


@pytest.mark.parametrize('to_rgb', [False, True])
@pytest.mark.parametrize(('data', 'loads'), [(FILES, 'bgr'), (PICKLES, 'rgb')])
def test_every_teacher_sees_its_own_order_of_every_students_images(tmp_path, rng, data, loads, to_rgb):
    cfg = Config(dict(
        model=dict(type='mmkd_ext.OfflineDistiller', student=small_resnet(mean=[10.0, 20.0, 30.0], std=[70.0, 80.0, 90.0], to_rgb=to_rgb)),
        train_dataloader=dict(dataset=dict(type='RepeatDataset', times=2, dataset=data))))
    tell_channel_order(cfg)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        student = MODELS.build(dict(type='ClsDataPreprocessor', **cfg.model.student.data_preprocessor))
    picture = torch.randint(256, (2, 3, 64, 64), generator=rng, dtype=torch.uint8)  # red first
    loaded = picture if loads == 'rgb' else picture.flip(1)
    for name, (spec, (mean, std), order) in teachers(tmp_path).items():
        teacher = FrozenTeacher(spec, student, cfg.model.channel_order)
        seen = []
        teacher.network.register_forward_pre_hook(lambda _, args, seen=seen: seen.append(args[0]))
        teacher(student(dict(inputs=loaded))['inputs'])
        own = picture.float() if order == 'rgb' else picture.float().flip(1)
        expected = (own - mean[:, None, None]) / std[:, None, None]
        torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-4, msg=lambda text, name=name: f'{name}: {text}')


def test_a_name_that_brings_its_numbers_brings_its_order_where_nobody_told_the_students(tmp_path):
    spec, _, _ = teachers(tmp_path)['cifar']
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        files = MODELS.build(dict(type='ClsDataPreprocessor', mean=[0.0] * 3, std=[1.0] * 3, to_rgb=True))
        either = MODELS.build(dict(type='ClsDataPreprocessor', mean=[0.0] * 3, std=[1.0] * 3))
    assert not FrozenTeacher(spec, files)._renormalise.flip
    assert not FrozenTeacher({**spec, 'data_preprocessor': dict(mean=[1.0] * 3, std=[2.0] * 3)}, files)._renormalise.flip
    assert FrozenTeacher({**spec, 'data_preprocessor': dict(to_rgb=False)}, files)._renormalise.flip
    assert not FrozenTeacher(spec, either)._renormalise.flip  # mmpretrain's own launcher: its CIFAR is RGB
    with pytest.raises(ValueError, match="takes rgb.*channel_order='rgb'"):
        FrozenTeacher(dict(model='timm/resnet10t', checkpoint=None, allow_random=True), either)


@pytest.mark.parametrize(('changes', 'order'), [
    (dict(), 'bgr'),
    (dict(imdecode_backend='pillow'), 'bgr'),
    (dict(color_type='unchanged', imdecode_backend='pillow'), 'rgb'),
    (dict(color_type='grayscale'), 'rgb'),
])
def test_files_are_read_in_the_order_that_the_transform_says(changes, order):
    assert loaded_order(dict(type='X', pipeline=[dict(type='mmdet.LoadImageFromFile', **changes)])) == order


def test_conversions_in_the_pipeline_count_and_unknown_data_tell_nothing():
    pipeline = [dict(type='LoadImageFromFile'), dict(type='NumpyToPIL', to_rgb=True), dict(type='PILToNumpy', to_bgr=False)]
    assert loaded_order(ConfigDict(type='ImageNet', pipeline=pipeline)) == 'rgb'
    assert loaded_order(dict(type='mmkd_ext.Digits', pipeline=[dict(type='PackInputs')])) == 'rgb'
    assert loaded_order(dict(type='ConcatDataset', datasets=[FILES, FILES])) == 'bgr'
    assert loaded_order(dict(type='Nobodys', pipeline=[dict(type='PackInputs')])) is None


@pytest.mark.parametrize('name', ['to_rgb', '_channel_conversion', 'channel_conversion'])
def test_a_preprocessor_that_turns_the_channels_round_is_known_by_the_word_of_its_package(name):
    assert converts(SimpleNamespace(**{name: True})) and not converts(SimpleNamespace(**{name: False}))
