"""The network of a config, and the shape of the images that it takes."""

import pytest
import torch
from mmengine.config import Config

import mmkd_ext.models  # noqa: F401  # registers
from mmkd_ext.models.build import build_model, deployed, input_shape, input_size
from mmkd_ext.models.outputs.kinds.classifier import Classifier

HEAD = dict(type='LinearClsHead', num_classes=5, in_channels=64)
NETWORK = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'), head=HEAD)
TEACHER = dict(model=NETWORK, checkpoint=None, allow_random=True)
DISTILLER = dict(type='mmkd_ext.OfflineDistiller', student=NETWORK, teacher=TEACHER, losses=dict(kd=dict(type='mmkd_ext.KDLoss')))
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(48, 24)), dict(type='PackInputs')]  # width first


def config(model=NETWORK, data=False, **more):
    loader = dict(batch_size=2, dataset=dict(type='CustomDataset', data_root='x', pipeline=PIPELINE))
    return Config(dict(dict(model=model), **(dict(test_dataloader=loader) if data else {}), **more))


def test_a_model_is_built_in_eval_mode_with_the_preprocessor_of_the_config_unless_it_has_its_own():
    cfg = config(data_preprocessor=dict(mean=[7.0] * 3, std=[2.0] * 3))
    model = build_model(cfg)
    assert not model.training and model.data_preprocessor.mean.flatten().tolist() == [7.0] * 3
    own = dict(NETWORK, data_preprocessor=dict(mean=[1.0] * 3, std=[2.0] * 3))
    cfg.model = own
    assert build_model(cfg).data_preprocessor.mean.flatten().tolist() == [1.0] * 3


def test_nothing_is_fetched_and_the_config_stays():
    model = dict(type='TimmClassifier', model_name='test_resnet.r160_in1k', pretrained=True, num_classes=5)
    cfg = config(model)
    assert build_model(cfg).model.num_classes == 5
    assert cfg.model.pretrained is True and 'data_preprocessor' not in cfg.model


def test_a_distiller_is_told_what_the_data_tell():
    model = build_model(config(DISTILLER, data=True, data_preprocessor=dict(mean=[0.0] * 3, std=[1.0] * 3)))
    assert model.input_shape == (3, 24, 48)


@pytest.mark.parametrize(('cfg', 'size'), [
    (config(data=True), (24, 48)), (config(), 32), (config(DISTILLER), 32), (config(dict(type='ImageClassifier', backbone=dict(
        type='ResNet', depth=18))), 224)], ids=['data', 'model', 'student', 'neither'])  # fmt: skip
def test_the_size_is_the_data_s_else_the_network_s(cfg, size):
    assert input_size(cfg) == size


def test_what_is_deployed_of_a_config_is_its_student_with_the_shape_of_its_images():
    found = deployed(config(DISTILLER, data=True))
    assert found.config.model.type == 'ImageClassifier' and found.kind is Classifier and found.input_shape == (3, 24, 48)
    with torch.no_grad():
        assert found.network(torch.zeros(1, *found.input_shape)).shape == (1, 5)
    assert input_shape(config(DISTILLER, data=True), 40) == (3, 40, 40) and input_shape(config(), (8, 9)) == (3, 8, 9)


def test_a_plain_config_that_was_made_already_is_used():
    plain = config(dict(NETWORK, head=dict(HEAD, num_classes=7)))
    found = deployed(config(), plain=plain)
    assert found.config is plain and found.network.head.fc.out_features == 7
