"""Options of the wrong type or out of range: one sentence at construction, whatever module of ours they are of."""

import inspect
import sys
from functools import cache

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.trained_network import network_config
from mmkd_ext.registry import DATASETS, HOOKS, METRICS, MODELS

NO_NUMBER = ['hot', None, True, -1, float('nan'), float('inf'), [1.0]]
NO_WHOLE = ['ten', 0, -3, 2.5, True, [4]]
NO_WHOLES = [4, '12', [1, 'a'], [2, 1.5], [True, 2]]
NUMBERS = {
    'KDLoss': ['tau', 'loss_weight'], 'DKDLoss': ['tau', 'alpha', 'beta', 'loss_weight'], 'HardKDLoss': ['loss_weight'],
    'DISTLoss': ['tau', 'beta', 'gamma', 'loss_weight'], 'TTMLoss': ['gamma', 'loss_weight'],
    'MutualLearningLoss': ['tau', 'loss_weight'],
    'LDLoss': ['tau', 'loss_weight'], 'CrossKDLoss': ['beta', 'loss_weight'],
    'PKDLoss': ['loss_weight'], 'CWDLoss': ['tau', 'loss_weight'], 'MGDLoss': ['mask_ratio', 'loss_weight'],
    'EmbeddingLoss': ['beta', 'loss_weight'], 'MapLoss': ['beta', 'loss_weight'],
    'VkDLoss': ['loss_weight'], 'NDLoss': ['loss_weight', 'dropout'], 'ReviewKDLoss': ['loss_weight'],
    'DSKDHead': ['tau', 'alpha', 'beta', 'ce_weight', 'loss_weight'],
    'TESKDHead': ['tau', 'ce_weight', 'kl_weight', 'feature_weight'], 'TESKDStackedHead': ['tau', 'kl_weight'],
    'CIFARMobileNetV2': ['width']}
WHOLE = {
    'NDLoss': ['student_channels', 'teacher_channels'], 'TESKDHead': ['num_classes', 'in_channels', 'num_students'],
    'TESKDStackedHead': ['num_classes', 'in_channels', 'num_students'], 'TESKDNeck': ['channels'], 'ReviewKDNeck': ['mid_channels'],
    'CIFARResNet': ['depth', 'width'], 'CIFARWideResNet': ['depth', 'width'], 'CIFARVGG': ['depth'], 'CIFARMobileNetV2': ['expansion'],
    'CIFARShuffleNetV1': ['groups']}
WHOLES = {
    **{name: ['student_stages', 'teacher_stages'] for name in ('PKDLoss', 'CWDLoss', 'MGDLoss', 'MapLoss')},
    'ReviewKDLoss': ['student_stages', 'teacher_stages', 'student_channels'], 'DSKDHead': ['student_stages', 'teacher_stages'],
    'TESKDNeck': ['in_channels', 'stage_strides', 'branch_strides'], 'ReviewKDNeck': ['in_channels', 'out_channels'],
    'TESKDStackedHead': ['mid_channels'], 'CIFARResNet': ['out_indices'], 'CIFARShuffleNetV1': ['widths', 'blocks'],
    'CIFARShuffleNetV2': ['widths', 'blocks']}
FITTING = {
    'TESKDHead': dict(num_classes=5, in_channels=8), 'TESKDStackedHead': dict(num_classes=5, in_channels=8, mid_channels=[4]),
    'TESKDNeck': dict(in_channels=[4, 8]), 'ReviewKDNeck': dict(in_channels=[4], out_channels=[8]),
    'CIFARResNet': dict(depth=8), 'CIFARWideResNet': dict(depth=10), 'CIFARVGG': dict(depth=8),
    'NDLoss': dict(student_channels=3, teacher_channels=4), 'ReviewKDLoss': dict(student_channels=[3], teacher_channels=[4])}


def build(kind, registry=MODELS, **options):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return registry.build(dict(FITTING.get(kind, {}), type=f'mmkd_ext.{kind}') | options)


@cache
def fits(kind):
    """Whether it is built by the fitting options."""
    return build(kind) is not None


def cases(options, values):
    return [(kind, name, value) for kind, names in options.items() for name in names for value in values]


NEEDED = {
    'TESKDHead': ['num_classes', 'in_channels', 'num_students'], 'TESKDNeck': ['in_channels'], 'CIFARVGG': ['depth'],
    'TESKDStackedHead': ['num_classes', 'in_channels', 'num_students', 'mid_channels'], 'ReviewKDNeck': ['in_channels', 'out_channels'],
    'CIFARResNet': ['depth', 'width'], 'CIFARWideResNet': ['depth', 'width'], 'CIFARMobileNetV2': ['expansion'],
    'CIFARShuffleNetV1': ['groups', 'widths', 'blocks'], 'CIFARShuffleNetV2': ['widths', 'blocks']}
ALL = [*cases(NEEDED, [None]), *cases(NUMBERS, NO_NUMBER), *cases(WHOLE, NO_WHOLE), *cases(WHOLES, NO_WHOLES),
       ('KDLoss', 'tau', 0), ('NDLoss', 'dropout', 1),
       ('TTMLoss', 'gamma', 0), ('EmbeddingLoss', 'beta', 0), ('MapLoss', 'beta', 0), ('MGDLoss', 'mask_ratio', 1)]


@pytest.mark.parametrize(('kind', 'name', 'value'), ALL, ids=str)
def test_a_value_that_is_none_is_named(kind, name, value):
    fits(kind)
    with pytest.raises(ValueError, match=name) as error:
        build(kind, **{name: value})
    assert repr(value) in str(error.value) and kind in str(error.value) and str(error.value).count('. ') <= 1


def test_every_option_that_is_a_number_is_in_the_lists():
    """A new loss or head without a row fails."""
    listed = {(kind, name) for options in (NUMBERS, WHOLE, WHOLES) for kind, names in options.items() for name in names}
    listed |= {('TESKDStackedHead', name) for name in NUMBERS['TESKDHead']} | {('ReviewKDLoss', 'teacher_channels')}
    for kind, module in MODELS.module_dict.items():
        ours = module.__module__.startswith(('mmkd_ext.losses', 'mmkd_ext.models.heads', 'mmkd_ext.models.necks'))
        if not ours or getattr(sys.modules[module.__module__], kind, None) is not module:  # a test's or an example's own class
            continue
        if not module.__init__.__module__.startswith('mmkd_ext.'):  # inherited from mmpretrain
            continue
        for name, parameter in inspect.signature(module.__init__).parameters.items():
            if any(word in str(parameter.annotation) for word in ('float', 'int')):
                assert (kind, name) in listed, f'{kind}.{name}'


@pytest.mark.parametrize('value', [0, 0.5, np.float32(2), 1e30])
def test_numbers_of_every_kind_are_taken(value):
    assert build('DKDLoss', alpha=value, loss_weight=value).alpha == value


@pytest.mark.parametrize(
    ('registry', 'kind', 'options', 'said'),
    [
        (HOOKS, 'LossWarmupHook', dict(loss='kd', epochs='two'), "epochs to be a whole number, got 'two'"),
        (HOOKS, 'LossWarmupHook', dict(loss='kd', iters=2.5), 'iters to be a whole number, got 2.5'),
        (HOOKS, 'LossWarmupHook', dict(loss='kd', epochs=0), 'either epochs or iters, >= 1, got epochs=0'),
        (HOOKS, 'InvalidLossHook', dict(interval='often'), "interval >= 1 iterations, got 'often'"),
        (HOOKS, 'ClassMeansHook', dict(max_images='all'), "max_images to be a whole number >= 1, got 'all'"),
        (HOOKS, 'ClassMeansHook', dict(file=3), 'file to be a path, got 3'),
        (HOOKS, 'ExportStudentHook', dict(out=5), 'an out that ends in .pth, got 5'),
        (METRICS, 'StudentAccuracy', dict(topk=(0,)), r'topk to be a list of whole numbers >= 1, got \(0,\)'),
        (METRICS, 'StudentAccuracy', dict(topk='5'), "topk to be a list of whole numbers >= 1, got '5'"),
        (DATASETS, 'Digits', dict(size='big'), "size to be a whole number, got 'big'"),
        (DATASETS, 'Digits', dict(size=None), 'needs size, got None'),
        (DATASETS, 'Digits', dict(samples_per_class=1.5), 'samples_per_class to be a whole number, got 1.5'),
        (MODELS, 'OfflineDistiller', dict(student={}, teacher='cifar/resnet8', losses={}, input_size=0), 'one number or .height, width.'),
        (MODELS, 'MutualLearningDistiller', dict(students={}, input_size='32'), "one number .*got '32'"),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_hooks_metrics_data_and_distillers_too(registry, kind, options, said):
    with pytest.raises(ValueError, match=said) as error:
        build(kind, registry, **options)
    assert kind in str(error.value)


@pytest.mark.parametrize('classes', NO_WHOLE)
@pytest.mark.parametrize('model', ['cifar/resnet8', 'timm/test_resnet'])
def test_a_number_of_classes_that_is_none_is_no_default(model, classes):
    spec = dict(model=model, num_classes=classes)
    with pytest.raises(ValueError, match=f'The network {model} needs num_classes to be a whole number >= 1'):
        network_config(spec)
    with pytest.raises(ValueError, match=f'The teacher {model} needs num_classes to be a whole number >= [01], got'):
        FrozenTeacher(dict(spec, checkpoint=None, allow_random=True))
