"""Every config of mutual learning parses, builds, trains a step and says what is deployed."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from support.detection import raw
from support.runs import REPO

from mmkd_ext.models.build import build_model
from mmkd_ext.models.plain_config import plain_config
from mmkd_ext.models.zoo.trained_network import network_config
from mmkd_ext.registry import MODELS

CONFIGS = {path.stem: path for path in sorted((REPO / 'configs/mutual').glob('*.py')) if not path.stem.startswith('study_')}
DETECTORS = [name for name in CONFIGS if name.endswith(('_polyps', '_digit_scenes'))]
CLASSIFIERS = [name for name in CONFIGS if name not in DETECTORS and not name.endswith('_polyps_192')]  # see test_polyps_192.py


def without_downloads(model):
    """Networks that start from random numbers."""
    model = copy.deepcopy(model)
    for spec in (*model.students.values(), model.teacher):
        if isinstance(spec, dict):
            spec.pop('pretrained', None)
    return model


def test_the_pairs_of_the_issue_are_here():
    assert sum(name.endswith('_msi_mss') for name in CONFIGS) == sum(name.endswith('_polyps') for name in CONFIGS) == 3
    assert {'kdml_three_resnet20_resnet56_cifar100', 'kdml_two_narrow_r18_resnet8_digits'} < set(CONFIGS)
    assert {'exchange_two_resnet20_resnet56_cifar100', 'kdml_two_narrow_r18_r18_digit_scenes'} < set(CONFIGS)


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_a_step_trains_every_parameter_and_the_ensemble_is_plain(name, rng):
    cfg = Config.fromfile(CONFIGS[name])
    cfg.model = without_downloads(cfg.model)
    torch.manual_seed(0)
    model = build_model(cfg).train()
    side = {'digits': 16, 'cifar100': 32}.get(name.rpartition('_')[2], 224 if 'deit' in name else 64)
    samples = [DataSample().set_gt_label(label) for label in (0, model.num_classes - 1)]
    terms = model(torch.randn(2, 3, side, side, generator=rng), samples, mode='loss')
    total, _ = model.parse_losses(terms)
    total.backward()
    assert [key for key, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    assert torch.isfinite(total)
    students = list(cfg.model.students)
    assert {f'loss_ml_{k}' for k in students} <= set(terms) and len(set(map(id, model.networks.values()))) == len(students) + 1
    plain = build_model(plain_config(cfg))
    mine = {key: x.shape for key, x in model.state_dict().items() if key.split('.')[1] in students and key.startswith('networks.')}
    assert mine == {key: x.shape for key, x in plain.state_dict().items()}


@pytest.mark.parametrize('name', DETECTORS)
def test_detectors_build_and_the_small_ones_train_a_step(name, rng):
    cfg = Config.fromfile(CONFIGS[name])
    if 'digit_scenes' not in name:  # too large to run here: their keys on the meta device
        specs = {**cfg.model.students, 'teacher': cfg.model.teacher}
        for each in specs.values():
            model = network_config(each)
            assert model.roi_head.bbox_head.num_classes == 1 and model.backbone.init_cfg.type == 'Pretrained'
            with torch.device('meta'), DefaultScope.overwrite_default_scope('mmdet'):
                assert MODELS.build(model).with_neck
        return
    model = build_model(cfg).train()
    data = model.data_preprocessor(raw(rng), True)
    total, _ = model.parse_losses(model(**data, mode='loss'))
    total.backward()
    assert [key for key, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


@pytest.mark.parametrize('name', [name for name in CONFIGS if name.endswith('_msi_mss')])
def test_histology_starts_from_the_zoo_s_weights_and_has_two_classes(name):
    cfg = Config.fromfile(CONFIGS[name])
    for spec in (*cfg.model.students.values(), cfg.model.teacher):
        model = network_config(spec)
        assert model.head.num_classes == 2
        assert model.backbone.init_cfg.prefix == 'backbone' and model.backbone.init_cfg.checkpoint.endswith('.pth')
    assert 'Pretrained' not in str(plain_config(cfg).model)
