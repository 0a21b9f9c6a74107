"""Every config of configs/segmentation parses; the small ones build and ship the stock student, and those of Cityscapes are mmseg's."""

import copy

import pytest
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from support.runs import REPO
from support.unscoped import bare

from mmkd_ext.models import OfflineDistiller
from mmkd_ext.models.outputs.kinds.segmentor.kind import Segmentor
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.models.zoo.sources import source_of
from mmkd_ext.registry import MODELS

pytest.importorskip('mmseg', reason='of the extra seg')
FOLDER = REPO / 'configs/segmentation'
LOSSES = dict(kd={'kd'}, kdpp={'kd', 'nd'}, cwd={'cwd'})
PAIRS = ['pspnet', 'deeplabv3']
pytestmark = pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore``')  # of mmseg


@pytest.mark.parametrize('method', LOSSES)
def test_a_small_distiller_builds_and_ships_the_student_alone(method, monkeypatch):
    monkeypatch.chdir(REPO)
    cfg = Config.fromfile(FOLDER / f'{method}_pspnet_narrow_r18_r18_digit_masks.py')
    alone = Config.fromfile(FOLDER / 'pspnet_narrow_r18_digit_masks.py')
    teacher = cfg.model.teacher.model
    assert 'indices' not in Config.fromfile(teacher).train_dataloader.dataset and alone.train_dataloader.dataset.indices == 100
    cfg.model.teacher = dict(model=teacher, checkpoint=None, allow_random=True)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(copy.deepcopy(cfg.model))
        stock = MODELS.build(copy.deepcopy(alone.model))
    assert isinstance(model, OfflineDistiller) and model.kind is Segmentor and set(model.distill) == LOSSES[method]
    assert {k for k in model.state_dict() if not k.startswith('distill.')} == set(stock.state_dict())
    assert ('mmkd_ext.ClassMeansHook' in str(cfg.get('custom_hooks'))) == ('nd' in model.distill)
    assert plain_model(cfg.model) == alone.model and alone.model.decode_head.num_classes == model.num_classes == 11
    rest = [{k: v for k, v in x.to_dict().items() if k not in ('model', 'custom_hooks')} for x in (cfg, alone)]
    assert rest[0] == rest[1]
    assert model.teachers['teacher'].network.decode_head.channels == 2 * stock.decode_head.channels


@pytest.mark.parametrize('pair', PAIRS)
@pytest.mark.parametrize('method', ['kd', 'cwd'])
def test_a_cityscapes_config_is_mmseg_s_student_with_the_losses_and_our_hooks(method, pair):
    cfg, alone = (Config.fromfile(FOLDER / f'{name}.py') for name in (f'{method}_{pair}_r18_r101_cityscapes', f'{pair}_r18_cityscapes'))
    stock = get_config(f'mmseg::{pair}/{pair}_r18-d8_4xb2-80k_cityscapes-512x1024.py')
    steps = get_config(f'mmseg::{pair}/{pair}_r50-d8_4xb2-40k_cityscapes-512x1024.py')
    assert plain_model(cfg.model) == alone.model
    ours, theirs = bare(alone.model), bare(stock.model)
    assert ours['data_preprocessor'].pop('size') == [512, 512] and theirs['data_preprocessor'].pop('size') == [512, 1024]
    assert ours == theirs and set(cfg.model.losses) == LOSSES[method]
    runtime = Config.fromfile(REPO / 'configs/_base_/default_runtime_seg_by_iter.py')
    for each in (cfg, alone):
        for key in ('param_scheduler', 'optim_wrapper'):
            assert bare(each[key]) == bare(steps[key]), key
        assert each.train_cfg == steps.train_cfg and each.val_evaluator.iou_metrics == ['mIoU']
        crop = {**bare(steps.train_pipeline[3]), 'crop_size': [512, 512]}
        assert bare(each.train_dataloader.dataset.pipeline) == [*bare(steps.train_pipeline[:3]), crop, *bare(steps.train_pipeline[4:])]
        assert each.train_dataloader.batch_size == 4 and not each.train_dataloader.persistent_workers
        assert bare(each.custom_imports) == bare(runtime.custom_imports) and each.default_scope == 'mmseg'
    source = source_of(dict(model=cfg.model.teacher), 'teacher')
    assert source.scope == 'mmseg' and source.config.backbone.depth == 101 and source.address.startswith('https://')
    assert source.channel_order == 'rgb' and source.config.decode_head.num_classes == 19
    if method == 'cwd':
        assert cfg.model.losses.cwd == dict(type='mmkd_ext.CWDLoss', of='logits', tau=4.0, loss_weight=3.0)
