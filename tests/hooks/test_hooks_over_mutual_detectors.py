"""Every hook of mmengine and mmdet does to a detector that learns with a peer what it does to the detector alone, or is refused."""

import copy
import functools
import time

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import HOOKS, DefaultScope
from mmengine.runner import Runner
from support.detection import build, tiny
from support.runs import REPO

import mmkd_ext.datasets.digit_scenes  # noqa: F401  # registers
from mmkd_ext.preflight.hook_needs import missing_part
from mmkd_ext.registry import MODELS

from .test_hooks_in_runs import Listener, same
from .test_hooks_over_mutual_learning import begin_alike, mutual, of

pytestmark = [
    pytest.mark.filterwarnings('ignore:faster_coco_eval is not installed'),  # pycocotools is enough
    pytest.mark.filterwarnings('ignore:__array__ implementation'),  # of pycocotools
    pytest.mark.filterwarnings('ignore:__array_wrap__ must accept'),  # of mmdet's pictures
]

_CONFIG = """
_base_ = ['{repo}/configs/_base_/datasets/digit_scenes.py', '{repo}/configs/_base_/default_runtime_det.py']
scenes = dict(root='{folder}/scenes', scenes=12, metainfo=dict(classes=('0', '1', '2')))
loader = dict(batch_size=2, num_workers=0, persistent_workers=False)
train_dataloader = dict(**loader, dataset=dict(**scenes, indices=2))
val_dataloader = dict(**loader, dataset=dict(**scenes, indices=2))
val_evaluator = dict(ann_file='{folder}/scenes/test_12_seed0/annotations.json')
test_dataloader = test_evaluator = test_cfg = None
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
train_cfg, val_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1), dict()
default_hooks = dict(checkpoint=dict(save_best=None))
custom_hooks = []
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
randomness = dict(seed=3)
"""
FLIPPED = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True), dict(type='Resize', scale=(64, 64)),
    dict(type='RandomFlip', prob=1.0), dict(type='PackDetInputs')]
WARMED = dict(type='mmpretrain.WarmupParamHook', param_name='loss_weight', warmup_epochs=4)

# name -> hook, and whether it changes what is learned
HOOKED = {
    'EMA': (dict(type='EMAHook', momentum=0.5), True),
    'NumClassCheck': (dict(type='NumClassCheckHook'), False),
    'CheckInvalidLoss': (dict(type='CheckInvalidLossHook', interval=1), False),
    'SyncNorm': (dict(type='SyncNormHook'), False),
    'SyncBuffers': (dict(type='SyncBuffersHook'), False),
    'EmptyCache': (dict(type='EmptyCacheHook', after_iter=True), False),
    'Visualization': (dict(type='DetVisualizationHook', draw=True, interval=1), False),
    'PipelineSwitch': (dict(type='PipelineSwitchHook', switch_epoch=1, switch_pipeline=FLIPPED), True),
    'EarlyStopping': (dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP', rule='greater', min_delta=101, patience=0), True),
    'Warmup': (dict(WARMED, module_name='{}roi_head.bbox_head.loss_cls'), True),
}


def student():
    """Its assigners' regions are all taken, so that no random number is drawn, whose place in a row would be the peer's."""
    model = tiny()
    for stage in (model['train_cfg']['rpn'], model['train_cfg']['rcnn']):
        stage['sampler'].update(num=10**5, neg_pos_ub=-1, pos_fraction=0.5)
    return model


def run(folder, model, hook, start):
    cfg = Config.fromstring(_CONFIG.format(repo=REPO, folder=folder), '.py')
    cfg.model, cfg.work_dir, cfg.load_from = copy.deepcopy(model), str(folder / f'{time.monotonic_ns()}'), str(start)
    cfg.custom_hooks = [copy.deepcopy(hook)] if hook else []
    cfg.experiment_name = f'run_{time.monotonic_ns()}'
    runner, metrics = Runner.from_cfg(cfg), []
    runner.register_hook(Listener(metrics), priority='LOWEST')
    runner.train()
    saved = torch.load(f'{cfg.work_dir}/epoch_{runner.epoch}.pth', weights_only=False)
    return {key: saved[key] for key in ('state_dict', 'ema_state_dict') if key in saved}, runner.epoch, metrics


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('mutual_detectors')
    torch.save(dict(state_dict=build(student(), seed=1).state_dict()), folder / 'start.pth')
    return folder


@functools.cache
def plain(folder):
    return run(folder, student(), None, folder / 'start.pth')


@pytest.mark.parametrize('name', HOOKED)
def test_a_hook_does_to_each_detector_what_it_does_to_the_detector_alone(folder, name):
    hook, changes = HOOKED[name]
    own, one = ({key: x.format(which) if key == 'module_name' else x for key, x in hook.items()} for which in ('', 'networks.a.'))
    alone, epochs, metrics = run(folder, student(), own, folder / 'start.pth')
    both = mutual(student(), 'mmkd_ext.TwoStageMutualLearningDistiller', 64)
    together, taught_epochs, taught_metrics = run(folder, both, one, begin_alike(folder) / 'start.pth')
    assert together.keys() == alone.keys() and epochs == taught_epochs and len(metrics) == len(taught_metrics)
    for key, state in alone.items():
        of_a, of_b = (same(of(which, together[key]), state if which == 'a' or one == own else plain(folder)[0][key]) for which in 'ab')
        assert of_a and of_b, key
    untouched = same(plain(folder)[0]['state_dict'], alone['state_dict']) and plain(folder)[1] == epochs
    assert untouched != changes


@pytest.mark.parametrize(('hook', 'needed'), [
    (dict(type='MeanTeacherHook'), 'teacher'), (dict(type='SetEpochInfoHook'), 'set_epoch'),
    (dict(type='YOLOXModeSwitchHook'), 'detector.bbox_head or bbox_head'),
    (dict(WARMED, module_name='roi_head.bbox_head.loss_cls'), 'roi_head.bbox_head.loss_cls.loss_weight')])
def test_a_hook_of_the_one_head_is_refused_before_the_run(hook, needed):
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(mutual(student(), 'mmkd_ext.TwoStageMutualLearningDistiller', 64))
        said = missing_part(HOOKS.build(hook), model)
    assert f'needs a model with {needed}, got TwoStageMutualLearningDistiller, which is several networks. Leave it out' in said
