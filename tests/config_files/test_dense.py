"""Every config of configs/dense parses; the small ones build and ship the stock student, and the COCO ones are mmdet's recipe."""

import copy

import pytest
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from support.runs import REPO
from support.unscoped import bare

from mmkd_ext.models import OfflineDistiller
from mmkd_ext.models.outputs.kinds.dense.kind import Dense
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS

FOLDER = REPO / 'configs/dense'
LOSSES = dict(kd={'kd'}, kdpp={'kd', 'nd'}, pkd={'pkd'})
METHODS = pytest.mark.parametrize('method', LOSSES)


@METHODS
def test_a_small_distiller_builds_and_ships_the_student_alone(method, monkeypatch):
    monkeypatch.chdir(REPO)
    cfg = Config.fromfile(FOLDER / f'{method}_retinanet_narrow_r18_r18_digit_scenes.py')
    alone = Config.fromfile(FOLDER / 'retinanet_narrow_r18_digit_scenes.py')
    teacher = cfg.model.teacher.model
    assert Config.fromfile(teacher).train_dataloader.dataset.indices is None
    cfg.model.teacher = dict(model=teacher, checkpoint=None, allow_random=True)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(copy.deepcopy(cfg.model))
        stock = MODELS.build(copy.deepcopy(alone.model))
    assert isinstance(model, OfflineDistiller) and model.kind is Dense and set(model.distill) == LOSSES[method]
    assert {k for k in model.state_dict() if not k.startswith('distill.')} == set(stock.state_dict())
    assert ('mmkd_ext.ClassMeansHook' in str(cfg.get('custom_hooks'))) == ('nd' in model.distill)
    assert plain_model(cfg.model) == alone.model and alone.model.bbox_head.num_classes == 10
    rest = [{k: v for k, v in x.to_dict().items() if k not in ('model', 'custom_hooks')} for x in (cfg, alone)]
    assert rest[0] == rest[1]
    assert model.teachers['teacher'].network.bbox_head.retina_cls.in_channels == 2 * stock.bbox_head.retina_cls.in_channels


@METHODS
def test_a_coco_config_is_mmdet_s_recipe_with_the_losses_alone(method):
    cfg = Config.fromfile(FOLDER / f'{method}_retinanet_r50_r101_coco_1x.py')
    alone = Config.fromfile(FOLDER / 'retinanet_r50_coco_1x.py')
    stock = get_config('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py')
    assert plain_model(cfg.model) == alone.model and bare(alone.model) == bare(stock.model)
    for each in (cfg, alone):
        assert bare(each.optim_wrapper) == bare(stock.optim_wrapper) and bare(each.param_scheduler) == bare(stock.param_scheduler)
        assert each.train_dataloader.batch_size == stock.train_dataloader.batch_size == 2
    assert set(cfg.model.losses) == LOSSES[method]
    teacher = get_config(cfg.model.teacher).model
    assert teacher.type == 'RetinaNet' and teacher.backbone.depth == 101
    assert bare(teacher.bbox_head) == bare(stock.model.bbox_head)


def test_the_coco_config_of_ld_is_mmdet_s_recipe_of_gfl_with_resnet_18():
    cfg, alone = (Config.fromfile(FOLDER / f'{name}.py') for name in ('ld_gfl_r18_r101_coco_1x', 'gfl_r18_coco_1x'))
    stock, ld = get_config('mmdet::gfl/gfl_r50_fpn_1x_coco.py'), get_config('mmdet::ld/ld_r18-gflv1-r101_fpn_1x_coco.py')
    assert plain_model(cfg.model) == alone.model
    for key in ('data_preprocessor', 'bbox_head', 'train_cfg', 'test_cfg'):
        assert bare(alone.model[key]) == bare(stock.model[key]), key
    for key in ('backbone', 'neck'):
        assert bare(alone.model[key]) == bare(ld.model[key]), key
    for each in (cfg, alone):
        assert bare(each.optim_wrapper) == bare(ld.optim_wrapper) and bare(each.param_scheduler) == bare(ld.param_scheduler)
    assert cfg.model.losses.ld == dict(type='mmkd_ext.LDLoss', tau=ld.model.bbox_head.loss_ld['T'], loss_weight=0.25)
    teacher = get_config(cfg.model.teacher).model
    assert teacher.backbone.depth == 101 and bare(teacher.bbox_head) == bare(stock.model.bbox_head)
