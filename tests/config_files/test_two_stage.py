"""Every config of configs/nd_loss_det parses and builds; the recipes are the paper's."""

from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from support.runs import REPO

from mmkd_ext.models import TwoStageDistiller
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS

CONFIGS = sorted(path for path in (REPO / 'configs/nd_loss_det').glob('*.py') if not path.stem.startswith('study_'))
WEIGHTS = {  # kd and nd of KD++ and of ReviewKD++
    'r18_r101': ((1.0, 1.5), (1.2, 1.5)), 'r50_r101': ((1.0, 1.0), (1.4, 1.0)), 'mobilenetv2_r50': ((1.0, 1.0), (2.2, 1.5))}


@cache
def load(path: Path) -> Config:
    cfg = Config.fromfile(path)
    for model in (cfg.model, cfg.model.get('student') or {}):
        if (model.get('backbone') or {}).get('pretrained'):
            model.backbone.pretrained = False  # from a file of weights, see test_polyps_192.py
    if 'teacher' in cfg.model:
        spec = cfg.model.teacher
        model = spec if isinstance(spec, str) else spec.model
        cfg.model.teacher = dict(model=model, checkpoint=None, allow_random=True)
        cfg.model.input_size = 64  # of the look that sizes the adapters
    return cfg


@pytest.fixture(scope='module')
def built():
    """What the tests compare of each different model; one model serves the configs of all schedules."""
    known: dict[str, dict] = {}

    def build(cfg: Config) -> dict:
        key = repr(cfg.model)
        if key not in known:
            known[key] = look(cfg)
        return known[key]

    return build


def look(cfg: Config) -> dict:
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        if cfg.model.type != 'mmkd_ext.TwoStageDistiller':
            with torch.device('meta'):  # without weights
                return dict(keys=set(MODELS.build(cfg.model).state_dict()))
        with pytest.MonkeyPatch.context() as patch:  # shapes are what is looked at: zeros instead of random numbers for every layer
            patch.setattr('torch.nn.init.kaiming_uniform_', lambda weight, **_: torch.nn.init.zeros_(weight))
            model = MODELS.build(cfg.model)
        assert isinstance(model, TwoStageDistiller)
        with torch.device('meta'):
            stock = MODELS.build(plain_model(cfg.model))
        shapes = {k: tuple(v.shape) for k, v in model.state_dict().items() if not k.startswith('distill.')}
        return dict(
            keys=shapes, stock={k: tuple(v.shape) for k, v in stock.state_dict().items()}, module=type(stock).__module__,
            losses=set(model.distill), levels=len(model.distill.kd.widths[0]) if hasattr(model.distill.kd, 'fusion') else None)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_a_config_builds_and_ships_the_stock_student(path, monkeypatch, built):
    monkeypatch.chdir(REPO)
    cfg = load(path)
    found = built(cfg)
    assert len(found['keys']) > 50
    if 'teacher' in cfg.model:
        assert found['keys'] == found['stock'] and found['module'].startswith('mmdet.')
        assert ('mmkd_ext.ClassMeansHook' in str(cfg.get('custom_hooks'))) == ('nd' in found['losses'])
        assert found['levels'] == (5 if 'review' in path.stem else None)
    classes = cfg.train_dataloader.dataset.get('metainfo', {}).get('classes')
    heads = plain_model(cfg.model).roi_head.bbox_head
    heads = heads if isinstance(heads, list) else [heads]
    assert {head.num_classes for head in heads} == {len(classes) if classes else 10 if 'digit' in path.stem else 80}


@pytest.mark.parametrize('pair', WEIGHTS)
@pytest.mark.parametrize('schedule', ['180k', '1x'])
def test_the_coco_recipes_are_the_paper_s(pair, schedule):
    for method, (kd, nd) in zip(('kdpp', 'reviewkdpp'), WEIGHTS[pair], strict=True):
        cfg = load(REPO / f'configs/nd_loss_det/{method}_{pair}_coco_{schedule}.py')
        losses = cfg.model.losses
        assert (losses.kd.loss_weight, losses.nd.loss_weight) == (kd, nd) and set(losses) == {'kd', 'nd'}
        assert losses.kd.type == ('mmkd_ext.KDLoss' if method == 'kdpp' else 'mmkd_ext.ReviewKDLoss')
        assert losses.kd.get('tau', 1.0) == 1.0
        if schedule == '180k':
            assert cfg.train_cfg.max_iters == 180_000 and cfg.param_scheduler[-1].milestones == [120_000, 160_000]
            assert (cfg.optim_wrapper.optimizer.lr, 8 * cfg.train_dataloader.batch_size) == (0.01, 8)
            sides = [scale[1] for t in cfg.train_dataloader.dataset.pipeline for scale in t.get('scales', [])]
            assert (min(sides), max(sides)) == (640, 800)
        else:
            assert cfg.train_cfg.max_epochs == 12 and cfg.param_scheduler[-1].milestones == [8, 11]
            assert (cfg.optim_wrapper.optimizer.lr, 8 * cfg.train_dataloader.batch_size) == (0.02, 16)


def test_plain_kd_and_the_student_alone_stand_beside_each_pair():
    for pair in WEIGHTS:
        for schedule in ('180k', '1x'):
            names = {f'kd_{pair}_coco_{schedule}', f'faster_rcnn_{pair.split("_")[0]}_coco_{schedule}'}
            assert names < {path.stem for path in CONFIGS}
