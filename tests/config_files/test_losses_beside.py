"""Losses of other papers beside KD on CIFAR-100: each page has KD's data, networks and schedule, and its own loss and weights."""

from pathlib import Path

import pytest
from mmengine.config import Config
from support.losses_beside import BESIDE
from support.runs import REPO


@pytest.mark.parametrize('stem', BESIDE)
def test_a_page_differs_from_kd_in_its_losses_and_the_stages_that_they_read(stem):
    (path,) = (REPO / 'configs').glob(f'*/{stem}.py')
    cfg, kd = Config.fromfile(path), Config.fromfile(REPO / 'configs/kd/kd_resnet20_resnet56_cifar100.py')
    rest = [{k: v for k, v in each.to_dict().items() if k not in ('model', 'custom_hooks')} for each in (cfg, kd)]
    assert rest[0] == rest[1]
    cfg.model.student.backbone.pop('out_indices', None)
    cfg.model.teacher.get('options', {}).get('backbone', {}).pop('out_indices', None)
    assert cfg.model.student.backbone == kd.model.student.backbone
    assert cfg.model.teacher.model == kd.model.teacher.model and cfg.model.teacher.checkpoint == kd.model.teacher.checkpoint
    labels, ramp, loss = BESIDE[stem]
    found = cfg.model.losses.to_dict()
    assert list(found.values()) == [dict(loss, type=f'mmkd_ext.{loss["type"]}')]
    assert cfg.model.student.get('head', {}).get('loss', {}).get('loss_weight', 1.0) == labels
    hooks = [(h.type, h.loss, h.epochs) for h in cfg.get('custom_hooks', [])]
    assert hooks == ([('mmkd_ext.LossWarmupHook', *found, 20)] if ramp else [])


def test_the_study_has_a_row_for_every_page_and_its_networks_are_small():
    study = Config.fromfile(REPO / 'configs/kd/study_cifar100.py').study
    pages = {Path(variant.config).stem for name, variant in study.variants.items() if name not in ('alone', 'KD', 'KD, weight 16')}
    assert study.variants['KD, weight 16'].config == study.variants.KD.config
    assert pages == set(BESIDE) and set(study.differences) == set(study.variants) - {'alone'}
    for name, variant in study.variants.items():
        assert name in ('alone', 'KD') or variant.options['model.student.backbone.depth'] == 8
        assert name == 'alone' or (variant.teacher, variant.options['model.teacher.model']) == ('resnet20', 'cifar/resnet20')
