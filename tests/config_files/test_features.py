"""The pages of configs/features build, and what one writes the next reads."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from support.runs import REPO

from mmkd_ext.config.load_config import load_config
from mmkd_ext.models.config_from_data import tell_channel_order, tell_image_size
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS

FOLDER = REPO / 'configs/features'
PAIRS = {  # page of the features -> page that starts from them
    'features_resnet8_vit_digits': 'finetune_resnet8_digits',
    'features_resnet20_resnet56_cifar100': 'finetune_resnet20_tenth_cifar100'}


def built(stem, **teacher):
    cfg = load_config(str(FOLDER / f'{stem}.py'))
    tell_channel_order(cfg)
    tell_image_size(cfg)
    cfg.model.teacher.update(checkpoint=None, allow_random=True, **teacher)
    cfg.model.data_preprocessor = cfg.data_preprocessor
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(cfg.model), cfg


@pytest.mark.parametrize(('stem', 'side', 'teacher', 'size'), [
    ('features_resnet8_vit_digits', 16, {}, 16),
    ('features_resnet20_resnet56_cifar100', 32, {}, None),
    ('features_resnet18_dinov2_small_imagenet', 64, dict(input_size=56), 56),
])
def test_a_page_of_features_builds_and_takes_a_step_without_labels(rng, stem, side, teacher, size):
    model, cfg = built(stem, **teacher)
    assert model.teachers['teacher'].input_size == size and cfg.model.channel_order == 'rgb'
    terms = model(torch.randn(2, 3, side, side, generator=rng), [DataSample(), DataSample()], mode='loss')
    losses = [value for key, value in terms.items() if 'loss' in key]
    assert len(losses) == 2 and all(value.isfinite() for value in losses)
    assert [metric.type for metric in cfg.val_evaluator] == ['mmkd_ext.KNNAccuracy', 'mmkd_ext.ProbeAccuracy']


@pytest.mark.parametrize('depth', [18, 50])
def test_the_pages_of_dinov2_differ_in_the_student_alone(depth):
    cfg, other = (Config.fromfile(FOLDER / f'features_resnet{each}_dinov2_small_imagenet.py').to_dict() for each in (depth, 18))
    assert cfg['model'].pop('student') == dict(type='mmpretrain.ResNet', depth=depth)
    other['model'].pop('student')
    assert cfg == other and cfg['model']['teacher']['input_size'] == 224


@pytest.mark.parametrize('stem', PAIRS)
def test_a_fine_tuned_page_starts_from_the_backbone_of_the_features(stem):
    plain = plain_model(load_config(str(FOLDER / f'{stem}.py')).model)
    tuned = load_config(str(FOLDER / f'{PAIRS[stem]}.py'))
    start = tuned.model.backbone.pop('init_cfg')
    epochs = Config.fromfile(FOLDER / f'{stem}.py').train_cfg.max_epochs
    assert (start.checkpoint, start.prefix) == (f'work_dirs/{stem}/epoch_{epochs}.pth', 'backbone.')
    assert tuned.model.backbone == plain.backbone


def test_both_sides_of_the_study_differ_in_the_start_alone():
    tuned, scratch = (Config.fromfile(FOLDER / f'{stem}.py').to_dict() for stem in (
        'finetune_resnet20_tenth_cifar100', 'resnet20_tenth_cifar100'))
    tuned['model']['backbone'].pop('init_cfg')
    assert tuned == scratch
    study = Config.fromfile(FOLDER / 'study_cifar100_features.py').study
    assert study.variants['from scratch'].options == study.variants['from features'].options
    assert len(study.seeds) == 3 and study.variants['from features'].before.teacher in study.teachers
