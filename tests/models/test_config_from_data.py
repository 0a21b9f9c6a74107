"""What a model's config is told by the data of the same config: the order of channels, the size of images, names of classes."""

import copy

import pytest
from mmengine.config import Config

import mmkd_ext.models  # noqa: F401  # registers
from mmkd_ext.models.config_from_data import tell_channel_order, tell_class_names, tell_image_size

BACKBONE = dict(type='ResNet_CIFAR', depth=18)
STUDENT = dict(type='ImageClassifier', backbone=BACKBONE, head=dict(type='LinearClsHead', num_classes=2, in_channels=512))
OFFLINE = dict(type='mmkd_ext.OfflineDistiller', student=STUDENT, teacher='cifar/resnet8', losses={})
MUTUAL = dict(type='mmkd_ext.MutualLearningDistiller', students=dict(a=STUDENT, b=STUDENT), teacher=None, losses={})
ENSEMBLE = dict(type='mmkd_ext.Ensemble', networks=dict(a=STUDENT))
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(48, 24)), dict(type='PackInputs')]  # width first
NAMES = dict(classes=('cat', 'dog'))


def config(model, preprocessor=None, pipeline=PIPELINE, **more):
    dataset = dict(type='CustomDataset', data_root='x', pipeline=pipeline, metainfo=NAMES)
    more = more if preprocessor is None else dict(more, data_preprocessor=preprocessor)
    return Config(dict(default_scope='mmpretrain', model=copy.deepcopy(model), train_dataloader=dict(dataset=dataset), **more))


def told(tell, cfg):
    before = copy.deepcopy(dict(cfg.get('model') or {}))
    tell(cfg)
    after = dict(cfg.get('model') or {})
    return {key: value for key, value in after.items() if before.get(key) != value}


@pytest.mark.parametrize(('cfg', 'order'), [
    (config(OFFLINE), 'bgr'),
    (config(OFFLINE, dict(to_rgb=True)), 'rgb'),
    (config(dict(OFFLINE, student=dict(STUDENT, data_preprocessor=dict(to_rgb=False))), dict(to_rgb=True)), 'bgr'),
    (config(MUTUAL, dict(to_rgb=True)), 'rgb'),
    (config(dict(MUTUAL, students=dict(a=dict(STUDENT, data_preprocessor=dict(to_rgb=True)), b=STUDENT))), 'rgb'),
    (config(ENSEMBLE, dict(to_rgb=True)), 'rgb'),
    (config(dict(OFFLINE, data_preprocessor=dict(to_rgb=True))), 'rgb'),
])  # fmt: skip
def test_the_order_is_that_of_the_files_as_the_preprocessor_leaves_it(cfg, order):
    assert told(tell_channel_order, cfg) == dict(channel_order=order)


@pytest.mark.parametrize('cfg', [
    config(dict(OFFLINE, channel_order='rgb')), config(STUDENT), Config({}), Config(dict(model=OFFLINE)),
    config(OFFLINE, pipeline=[dict(type='PackInputs')])], ids=['told', 'no distiller', 'no model', 'no data', 'data that do not tell'])
def test_an_order_that_is_told_or_that_nobody_knows_or_needs_stays_as_it_is(cfg):
    assert told(tell_channel_order, cfg) == {}


@pytest.mark.parametrize(('model', 'size'), [
    (OFFLINE, (24, 48)), (MUTUAL, (24, 48)), (dict(OFFLINE, student='mmpretrain::resnet/resnet18_8xb16_cifar10.py'), (24, 48)),
    (dict(OFFLINE, input_size=64), None), (dict(OFFLINE, student=dict(STUDENT, backbone=dict(BACKBONE, img_size=64))), None),
    (dict(OFFLINE, student='timm/test_resnet'), None), (STUDENT, None), (dict(MUTUAL, students={}), None)],
    ids=['offline', 'mutual', 'by name', 'told', 'of the student', 'of timm', 'no distiller', 'no student'])
def test_the_size_is_told_where_neither_distiller_nor_student_names_one(model, size):
    assert told(tell_image_size, config(model)) == ({} if size is None else dict(input_size=size))


def test_a_square_is_one_number_and_a_size_that_the_data_leave_open_is_not_told():
    square = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=48), dict(type='PackInputs')]
    assert told(tell_image_size, config(OFFLINE, pipeline=square)) == dict(input_size=48)
    assert told(tell_image_size, config(OFFLINE, pipeline=[PIPELINE[0], PIPELINE[2]])) == {}


@pytest.mark.parametrize(('model', 'names'), [
    (OFFLINE, True), (dict(MUTUAL, teacher='cifar/resnet8', freeze_teacher=True), True),
    (dict(MUTUAL, teacher='cifar/resnet8', freeze_teacher=False), False), (MUTUAL, False), (ENSEMBLE, False),
    (dict(OFFLINE, class_names=['x', 'y']), False)], ids=['offline', 'frozen', 'trains', 'none', 'ensemble', 'told'])
def test_names_of_classes_are_told_where_a_teacher_is_frozen(model, names):
    assert told(tell_class_names, config(model)) == (dict(class_names=('cat', 'dog')) if names else {})


def test_inside_of_test_time_augmentation_the_model_is_told():
    cfg = config(dict(type='AverageClsScoreTTA', module=OFFLINE))
    tell_channel_order(cfg)
    assert cfg.model.module.channel_order == 'bgr' and 'channel_order' not in cfg.model
