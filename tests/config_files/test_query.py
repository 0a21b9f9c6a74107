"""Every config of configs/query parses; the small ones build and ship the stock student, and the COCO ones are mmdet's recipe."""

import copy

import pytest
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from support.runs import REPO
from support.unscoped import bare

from mmkd_ext.models import OfflineDistiller
from mmkd_ext.models.outputs.kinds.query.kind import Query
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.registry import MODELS

FOLDER = REPO / 'configs/query'
LOSSES = dict(kd={'kd'}, kdpp={'kd', 'nd'}, pkd={'pkd'})
COCO = dict(
    deformable_detr_r50_refine_twostage_r50_coco_50e=(
        'deformable_detr_r50_coco_50e', 'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py'),
    dino_r50_swin_l_coco_12e=('dino_r50_coco_12e', 'dino/dino-4scale_r50_8xb2-12e_coco.py'))
pytestmark = [  # of mmdet and mmcv
    pytest.mark.filterwarnings('ignore:torch.meshgrid'), pytest.mark.filterwarnings('ignore::DeprecationWarning')]


@pytest.mark.parametrize('method', LOSSES)
def test_a_small_distiller_builds_and_ships_the_student_alone(method, monkeypatch):
    monkeypatch.chdir(REPO)
    cfg = Config.fromfile(FOLDER / f'{method}_deformable_detr_narrow_r18_r18_digit_scenes.py')
    alone = Config.fromfile(FOLDER / 'deformable_detr_narrow_r18_digit_scenes.py')
    teacher = cfg.model.teacher.model
    assert Config.fromfile(teacher).train_dataloader.dataset.indices is None
    cfg.model.teacher = dict(model=teacher, checkpoint=None, allow_random=True)
    cfg.model.input_size = 128
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(copy.deepcopy(cfg.model))
        stock = MODELS.build(copy.deepcopy(alone.model))
    assert isinstance(model, OfflineDistiller) and model.kind is Query and set(model.distill) == LOSSES[method]
    assert {k for k in model.state_dict() if not k.startswith('distill.')} == set(stock.state_dict())
    assert ('mmkd_ext.ClassMeansHook' in str(cfg.get('custom_hooks'))) == ('nd' in model.distill)
    assert plain_model(cfg.model) == alone.model and alone.model.bbox_head.num_classes == 10
    rest = [{k: v for k, v in x.to_dict().items() if k not in ('model', 'custom_hooks')} for x in (cfg, alone)]
    assert rest[0] == rest[1] and cfg.optim_wrapper.optimizer == dict(type='AdamW', lr=5e-4, weight_decay=1e-4)
    assert model.teachers['teacher'].network.embed_dims == 2 * stock.embed_dims == 128


@pytest.mark.parametrize('pair', COCO)
@pytest.mark.parametrize('method', ['kd', 'kdpp'])
def test_a_coco_config_is_mmdet_s_recipe_with_the_losses_and_our_hooks(method, pair):
    name, zoo = COCO[pair]
    cfg, alone, stock = Config.fromfile(FOLDER / f'{method}_{pair}.py'), Config.fromfile(FOLDER / f'{name}.py'), get_config(f'mmdet::{zoo}')
    assert plain_model(cfg.model) == alone.model and bare(alone.model) == bare(stock.model)
    ours = Config.fromfile(REPO / 'configs/_base_/default_runtime_det.py')
    for each in (cfg, alone):
        for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'train_pipeline'):
            assert bare(each[key]) == bare(stock[key]), key
        assert {**bare(each.train_dataloader), 'persistent_workers': True} == bare(stock.train_dataloader)
        assert bare(each.custom_imports) == bare(ours.custom_imports)
        hooks = {key: value for key, value in bare(ours.default_hooks).items() if key != 'visualization'}
        assert {key: bare(each.default_hooks)[key] for key in hooks} == hooks
    assert set(cfg.model.losses) == LOSSES[method]
    teacher = get_config(cfg.model.teacher).model
    assert teacher.type == stock.model.type and teacher.bbox_head.loss_cls == stock.model.bbox_head.loss_cls
