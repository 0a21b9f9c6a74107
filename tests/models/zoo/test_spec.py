"""The spec of a network: its keys by role, its name for messages, and a config with its classes and options."""

import pytest
from mmengine.config import ConfigDict

from mmkd_ext.models.zoo.spec import adapted, name_of, read_spec
from mmkd_ext.models.zoo.trained_network import network_config

LINEAR = dict(type='LinearClsHead', num_classes=10, in_channels=64, topk=(1, 5))
MODEL = dict(
    type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18), head=LINEAR, data_preprocessor=dict(num_classes=10))


@pytest.mark.parametrize('spec', ['timm/resnet18', dict(type='TimmClassifier', model_name='resnet18'), dict(type=dict)])
def test_a_name_or_a_config_alone_is_the_model(spec):
    assert read_spec(spec) == read_spec(spec, 'teacher') == {'model': spec}


def test_words_beside_the_model_are_kept_in_a_copy():
    spec = dict(model='cifar/resnet8', num_classes=5, options=dict(backbone=dict(out_indices=(1, 2))))
    words = read_spec(spec)
    words['num_classes'] = 7
    assert spec['num_classes'] == 5 and words == dict(spec, num_classes=7)


def test_the_same_spec_is_not_changed_by_reading():
    spec = dict(model=dict(type='TimmClassifier', model_name='test_resnet'), num_classes=5)
    network_config(spec)
    assert spec == dict(model=dict(type='TimmClassifier', model_name='test_resnet'), num_classes=5)


@pytest.mark.parametrize(('key', 'value'), [
    ('input_size', 32), ('channel_order', 'rgb'), ('allow_random', True), ('precision', 'bf16'), ('compile', True),
    ('classes', {}), ('allow_unmapped', True)])  # fmt: skip
def test_keys_of_a_frozen_teacher_are_told_apart_from_unknown_ones(key, value):
    spec = dict(model='timm/test_resnet', **{key: value})
    assert read_spec(spec, 'teacher')[key] == value
    with pytest.raises(ValueError, match=f'^{key} is for a frozen teacher, got it for timm/test_resnet: '):
        read_spec(spec)


@pytest.mark.parametrize(('spec', 'words'), [
    (dict(model='timm/x', chekpoint='a.pth'), 'got model, chekpoint with a model of type str'), (3, 'got 3 with'), (None, 'got None with'),
    (dict(model=3), 'a model of type int'), (['timm/x'], r"got \['timm/x'\] with"), ({}, r'got \{\} with a model of type NoneType')])
@pytest.mark.parametrize('role', ['teacher', 'network'])
def test_what_is_no_spec_is_refused_with_the_keys_that_there_are(spec, words, role):
    with pytest.raises(ValueError, match=f'A {role} needs a name, a model config, or a dict with model and any of .*{words}'):
        read_spec(spec, role)


@pytest.mark.parametrize('classes', ['ten', 0, -3, 2.5, True, [4]])
def test_a_number_of_classes_that_is_none_is_refused(classes):
    with pytest.raises(ValueError, match='The teacher cifar/x needs num_classes to be a whole number >= 1'):
        read_spec(dict(model='cifar/x', num_classes=classes), 'teacher')
    if classes != 0:  # which leaves the head of a network of timm out
        with pytest.raises(ValueError, match='The teacher timm/x needs num_classes to be a whole number >= 0'):
            read_spec(dict(model='timm/x', num_classes=classes), 'teacher')


def test_an_ensemble_of_teachers_is_no_network():
    with pytest.raises(ValueError, match='A TeacherEnsemble is a frozen teacher of OfflineDistiller, .* as a network'):
        read_spec(dict(type='mmkd_ext.TeacherEnsemble', teachers={}))


@pytest.mark.parametrize(('model', 'name'), [
    ('timm/resnet18', 'timm/resnet18'), (dict(type='mmpretrain.ImageClassifier'), 'ImageClassifier'), (None, 'None')])
def test_a_model_is_called_by_its_name_or_type(model, name):
    assert name_of(model) == name


def test_classes_reach_everything_that_counts_them_and_options_are_merged():
    plain = adapted(MODEL, dict(num_classes=3, options=dict(backbone=dict(out_indices=(1, 3)), head=dict(cal_acc=True))))
    assert plain.head == dict(LINEAR, num_classes=3, topk=(1,), cal_acc=True) and plain.data_preprocessor.num_classes == 3
    assert plain.backbone == dict(type='ResNet_CIFAR', depth=18, out_indices=(1, 3))
    assert isinstance(plain, ConfigDict) and MODEL['head']['num_classes'] == 10


def test_without_words_a_config_is_its_own_copy():
    plain = adapted(MODEL, {})
    plain.head.in_channels = 1
    assert MODEL['head']['in_channels'] == 64


def test_a_model_without_a_place_for_classes_is_told_where_to_set_them():
    with pytest.raises(ValueError, match='num_classes=3 needs a model with a head that has it, got Own: set it in options'):
        adapted(dict(type='Own'), dict(num_classes=3))


@pytest.mark.parametrize(('key', 'value', 'words'), [
    ('options', 3, 'a dict'), ('options', 'depth=3', 'a dict'), ('data_preprocessor', [1.0], 'a dict'),
    ('checkpoint', 3, 'a file or an address'),
    ('checkpoint', ['a.pth'], 'a file'), ('pretrained', 'a.pth', 'True or False'), ('prefix', 3, 'the beginning of keys'),
    ('allow_missing', ['fc'], 'a pattern of keys'), ('allow_unexpected', True, 'a pattern'), ('allow_missing', 'fc(', 'a pattern of keys'),
    ('allow_unexpected', '*', 'a pattern of keys')])
@pytest.mark.parametrize('role', ['teacher', 'network'])
def test_a_value_of_another_type_is_refused_with_its_key(key, value, words, role):
    with pytest.raises(ValueError, match=f'The {role} timm/x needs {key} to be {words}') as error:
        read_spec(dict(model='timm/x', **{key: value}), role)
    assert repr(value) in str(error.value)
