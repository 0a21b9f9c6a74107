"""The plain config of a training config: no helpers, no weights to fetch, no training."""

import pytest
from mmengine.config import Config

import mmkd_ext.models  # noqa: F401  # registers
from mmkd_ext.models.plain_config import distils, plain_config, plain_model, registered, without_weights

HEAD = dict(type='LinearClsHead', num_classes=5, in_channels=64)
STUDENT = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8, out_indices=(1, 2, 4)),
    neck=dict(type='GlobalAveragePooling'), head=HEAD)
DISTILLER = dict(type='mmkd_ext.OfflineDistiller', student=STUDENT, teacher='cifar/resnet20', losses=dict(kd=dict(type='mmkd_ext.KDLoss')))
TESKD = dict(
    STUDENT, neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(16, 32, 64)), head=dict(HEAD, type='mmkd_ext.TESKDHead', num_students=2))
LOADER = dict(batch_size=2, dataset=dict(type='CIFAR100', data_root='x', pipeline=[dict(type='PackInputs')]))


def test_a_distiller_s_is_its_student_without_the_stages_that_losses_read():
    plain = plain_model(DISTILLER)
    assert plain == dict(STUDENT, backbone=dict(STUDENT['backbone'], out_indices=(4,)))
    assert DISTILLER['student']['backbone']['out_indices'] == (1, 2, 4)


def test_parts_of_ours_become_those_whose_place_they_take():
    plain = plain_model(TESKD)
    assert plain.neck == dict(type='GlobalAveragePooling') and plain.head == dict(HEAD, init_cfg=None)
    assert plain.backbone.out_indices == (4,)


@pytest.mark.parametrize('model', [
    STUDENT, dict(STUDENT, neck=[dict(type='HRFuseScales', in_channels=(1, 2)), dict(type='GlobalAveragePooling')]),
    dict(type='TimmClassifier', model_name='test_resnet')], ids=['stages', 'several necks', 'timm'])
def test_a_model_without_helpers_comes_back_as_it_is(model):
    assert plain_model(model) == model and plain_model(model) is not model


def test_whether_a_model_distils_a_student_that_predicts_alone():
    assert distils(DISTILLER) and not distils(STUDENT) and not distils({})
    assert registered('mmkd_ext.CIFARResNet') is registered(registered('mmkd_ext.CIFARResNet')) and registered(None) is None


@pytest.mark.parametrize(('model', 'plain'), [
    (dict(type='TimmClassifier', pretrained=True, checkpoint_path='a.pth'), dict(type='TimmClassifier', pretrained=False)),
    (dict(backbone=dict(type='TIMMBackbone', pretrained=True)), dict(backbone=dict(type='TIMMBackbone', pretrained=False))),
    (dict(init_cfg=dict(type='Pretrained', checkpoint='a.pth'), backbone=dict(init_cfg=dict(type='Pretrained'))), dict(backbone={})),
    (dict(init_cfg=[dict(type='Kaiming')], backbone=None), dict(init_cfg=[dict(type='Kaiming')], backbone=None)),
    (dict(init_cfg=dict(type='Normal')), dict(init_cfg=dict(type='Normal'))),
    (dict(students=dict(a=dict(model='x', pretrained=True), b='y'), teacher=dict(model='z', pretrained=True)),
     dict(students=dict(a=dict(model='x'), b='y'), teacher=dict(model='z'))),
    (dict(networks=dict(a=dict(model='x', pretrained=True))), dict(networks=dict(a=dict(model='x')))),
    (dict(student=dict(model='x', pretrained=True)), dict(student=dict(model='x'))),
])  # fmt: skip
def test_what_fetches_weights_is_left_out_and_what_sets_numbers_stays(model, plain):
    assert without_weights(model) == plain


def config(**more):
    test = dict(test_dataloader=LOADER, test_evaluator=dict(type='Accuracy'), test_cfg={})
    train = dict(train_dataloader=LOADER, optim_wrapper={}, custom_hooks=[])
    return Config(dict(default_scope='mmpretrain', model=DISTILLER, data_preprocessor=dict(mean=[0.0]), **train, **test) | more)


def test_a_plain_config_tests_and_does_not_train():
    plain = plain_config(config())
    assert set(plain) == {
        'default_scope', 'data_preprocessor', 'test_dataloader', 'test_evaluator', 'test_cfg', 'model', 'custom_imports'}
    assert plain.model.type == 'ImageClassifier' and plain.test_dataloader == LOADER
    assert plain.custom_imports == dict(imports=['mmkd_ext.models', 'mmkd_ext.datasets'], allow_failed_imports=False)


def test_types_of_ours_are_imported_only_where_there_are_any_and_scenes_where_they_are():
    timm = dict(type='TimmClassifier', model_name='test_resnet')
    assert 'custom_imports' not in plain_config(config(model=timm))
    scenes = dict(batch_size=2, dataset=dict(type='mmkd_ext.DigitScenes'))
    assert plain_config(config(test_dataloader=scenes)).custom_imports.imports[-1] == 'mmkd_ext.datasets.digit_scenes'
