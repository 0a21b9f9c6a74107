"""Each detector, teacher or peer, is fed what its own `data_preprocessor` makes of the same files, whatever the student's is."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from support import dense, detection
from support.detection import raw, teacher_of

from mmkd_ext.registry import MODELS

pytestmark = pytest.mark.filterwarnings('ignore:torch.meshgrid')  # of mmdet's FCOS

# as mmdet's configs have them: caffe's BGR without a deviation, torchvision's RGB; and the third that files may have
CAFFE = dict(mean=[103.530, 116.280, 123.675], std=[1.0, 1.0, 1.0], bgr_to_rgb=False)
TORCH = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
OWN = dict(mean=[10.0, 20.0, 30.0], std=[3.0, 2.0, 1.0], bgr_to_rgb=True)
SIZES = ((70, 128), (128, 41))  # neither square nor equal: both are padded


def network(kind, preprocessor):
    model = detection.tiny() if kind == 'faster' else dense.tiny(kind)
    base = model['data_preprocessor']
    return dict(model, data_preprocessor={**base, **preprocessor, 'pad_size_divisor': 32})


def made(preprocessor, data):
    """Images as mmdet's own preprocessor makes them."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        built = MODELS.build(ConfigDict(type='DetDataPreprocessor', pad_size_divisor=32, **preprocessor))
    return built(copy.deepcopy(data), False)['inputs']


def fed(networks, model, data):
    """What reaches the backbones in a training step, by name."""
    seen = {}
    for name, each in networks.items():
        each.backbone.register_forward_pre_hook(lambda _, inputs, name=name: seen.setdefault(name, inputs[0].detach().float()))
    found = model.data_preprocessor(copy.deepcopy(data), True)
    model.train()(found['inputs'], found['data_samples'], mode='loss')
    return seen


def build(cfg):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(cfg)


PAIRS = [(CAFFE, TORCH), (TORCH, CAFFE), (OWN, CAFFE), (TORCH, OWN)]


@pytest.mark.parametrize('kind', ['faster', 'retinanet', 'fcos'])
@pytest.mark.parametrize(('student', 'teacher'), PAIRS)
def test_a_frozen_teacher(kind, student, teacher, rng):
    model = build(dict(
        type='mmkd_ext.TwoStageDistiller' if kind == 'faster' else 'mmkd_ext.OfflineDistiller', student=network(kind, student),
        teacher=teacher_of(network(kind, teacher)), losses=dict(kd=dict(type='mmkd_ext.KDLoss'))))
    data = raw(rng, sizes=SIZES)
    seen = fed(dict(student=model.student, teacher=model.teachers['teacher'].network), model, data)
    expected = dict(student=made(student, data), teacher=made(teacher, data))
    for name, images in expected.items():
        torch.testing.assert_close(seen[name], images, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(expected['student'], expected['teacher'], atol=0.1)


@pytest.mark.parametrize('frozen', [True, False], ids=['frozen', 'trains along'])
@pytest.mark.parametrize('kind', ['faster', 'retinanet'])
def test_peers_and_their_teacher(kind, frozen, rng):
    own = dict(a=TORCH, b=CAFFE, teacher=OWN)
    spec = network(kind, OWN)
    model = build(dict(
        type='mmkd_ext.TwoStageMutualLearningDistiller' if kind == 'faster' else 'mmkd_ext.MutualLearningDistiller',
        students={name: network(kind, own[name]) for name in 'ab'}, teacher=teacher_of(spec) if frozen else spec, freeze_teacher=frozen,
        losses=dict(kd=dict(type='mmkd_ext.KDLoss'), peers=dict(type='mmkd_ext.MutualLearningLoss'))))
    networks = dict(model.networks)
    if frozen:
        networks['teacher'] = model.teachers['teacher'].network
    data = raw(rng, sizes=SIZES)
    seen = fed(networks, model, data)
    for name, preprocessor in own.items():
        torch.testing.assert_close(seen[name], made(preprocessor, data), rtol=1e-5, atol=1e-5)
