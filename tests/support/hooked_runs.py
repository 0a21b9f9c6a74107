"""Runs of a hook over a small student, alone and in a distiller: hooks by what they need, the run, and what is compared."""

import ast
import copy
import functools
import tempfile
import time
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpretrain.registry import MODELS

import mmkd_ext.checkpoints.mmengine_loaders
import mmkd_ext.datasets
import mmkd_ext.hooks
import mmkd_ext.models  # noqa: F401  # registers
from mmkd_ext.config.formatted_once import formatted_once

STUDENT = dict(
    type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
    neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=10, in_channels=32))
ARCFACE = dict(STUDENT, head=dict(type='ArcFaceClsHead', num_classes=10, in_channels=32))
MIXED = dict(
    STUDENT, head=dict(STUDENT['head'], loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, num_classes=10)),
    data_preprocessor=dict(type='ClsDataPreprocessor', mean=[100.0] * 3, std=[50.0] * 3, num_classes=10, to_onehot=True))
TIMM = dict(type='TimmClassifier', model_name='test_resnet', num_classes=10, loss=dict(type='CrossEntropyLoss'))
TEACHER = dict(model='cifar/resnet8', checkpoint=None, allow_random=True, num_classes=10, channel_order='rgb')
KD = dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=0.0)
SMOOTH = dict(type='LabelSmoothLoss', label_smooth_val=0.5, num_classes=10)
FLIPPED = [dict(type='RandomFlip', prob=1.0, direction='vertical'), dict(type='PackInputs')]

# name -> hook, student; those that change what is learned, and those that only look
CHANGE = {
    'EMA': (dict(type='mmengine.EMAHook', momentum=0.5), STUDENT),
    'EMA of mmpretrain': (dict(type='mmpretrain.EMAHook', momentum=0.5, evaluate_on_origin=True), STUDENT),
    'PreciseBN': (dict(type='PreciseBNHook', num_samples=40, priority='ABOVE_NORMAL'), STUDENT),
    'SwitchRecipe loss': (dict(type='SwitchRecipeHook', schedule=[dict(action_epoch=2, loss=SMOOTH)]), STUDENT),
    'SwitchRecipe loss of timm': (dict(type='SwitchRecipeHook', schedule=[dict(action_epoch=2, loss=SMOOTH)]), TIMM),
    'SwitchRecipe mixup': (
        dict(type='SwitchRecipeHook', schedule=[dict(action_epoch=2, batch_augments=dict(augments=dict(type='Mixup', alpha=0.8)))]), MIXED),
    'SwitchRecipe pipeline': (dict(type='SwitchRecipeHook', schedule=[dict(action_epoch=2, train_pipeline=FLIPPED)]), STUDENT),
    'SetAdaptiveMargins': (dict(type='SetAdaptiveMarginsHook', margin_min=0.1, margin_max=0.9), ARCFACE),
    'WarmupParam': (dict(type='WarmupParamHook', param_name='loss_weight', module_name='head.loss_module', warmup_epochs=2), STUDENT),
    'WarmupParam of timm': (dict(type='WarmupParamHook', param_name='momentum', module_name='model.bn1', warmup_epochs=2), TIMM),
    'PipelineSwitch': (
        dict(type='mmdet.PipelineSwitchHook', switch_epoch=1, switch_pipeline=[{**x, 'type': f'mmpretrain.{x["type"]}'} for x in FLIPPED]),
        STUDENT),
    'EarlyStopping': (dict(type='EarlyStoppingHook', monitor='accuracy/top1', rule='greater', min_delta=101, patience=1), STUDENT),
}
LOOK = {
    'ClassNumCheck': (dict(type='ClassNumCheckHook'), STUDENT),
    'NumClassCheck': (dict(type='mmdet.NumClassCheckHook'), STUDENT),
    'CheckInvalidLoss': (dict(type='mmdet.CheckInvalidLossHook', interval=1), STUDENT),
    'EmptyCache': (dict(type='EmptyCacheHook', after_iter=True), STUDENT),
    'SyncBuffers': (dict(type='SyncBuffersHook'), STUDENT),
    'SyncNorm': (dict(type='mmdet.SyncNormHook'), STUDENT),
    'Visualization': (dict(type='VisualizationHook', enable=True, interval=1), STUDENT),
    'Profiler': (dict(type='ProfilerHook', by_epoch=False, profile_times=2, on_trace_ready=dict(type='log_trace')), STUDENT),
}


def run(model, hook, folder):
    """Weights after three epochs of two iterations, their averages, the epochs that were trained, and the validation's numbers."""
    loader = dict(num_workers=0, collate_fn=dict(type='default_collate'), persistent_workers=False)
    data = dict(type='mmkd_ext.Digits', size=16)
    cfg = Config(dict(
        model=model, work_dir=str(folder), default_scope='mmpretrain', randomness=dict(seed=3),
        data_preprocessor=dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=10),
        train_dataloader=dict(loader, batch_size=20, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(
            data, split='train', indices=40,  # not equally many of each class
            pipeline=[dict(type='RandomCrop', crop_size=16, padding=2), dict(type='PackInputs')])),
        val_dataloader=dict(loader, batch_size=20, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(
            data, split='test', indices=40, pipeline=[dict(type='PackInputs')])),
        val_evaluator=dict(type='Accuracy', topk=(1,)), val_cfg=dict(),
        train_cfg=dict(by_epoch=True, max_epochs=3, val_interval=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)), custom_hooks=[copy.deepcopy(hook)] if hook else [],
        load_from=str(folder.parent / 'start.pth'), default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        visualizer=dict(type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')]),
        experiment_name=f'{folder.name}_{time.monotonic_ns()}'))
    runner = Runner.from_cfg(formatted_once(cfg))
    metrics = []
    runner.register_hook(Listener(metrics), priority='LOWEST')
    runner.train()
    saved = torch.load(folder / f'epoch_{runner.epoch}.pth', weights_only=False)
    numbers = {key: saved[key] for key in ('state_dict', 'ema_state_dict') if key in saved}
    return numbers, runner.epoch, metrics


class Listener(Hook):
    """Of the validation's numbers; the random numbers of both runs begin alike, whatever was built before."""

    def __init__(self, metrics):
        self.metrics = metrics

    def before_train(self, runner):
        torch.manual_seed(5)

    def after_val_epoch(self, runner, metrics=None):
        self.metrics.append(dict(metrics))


@functools.cache
def start(student):
    """A folder with the weights with which runs of a student start."""
    folder = Path(tempfile.mkdtemp())
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        network = MODELS.build(copy.deepcopy(ast.literal_eval(student)))
    network.init_weights()
    torch.save(dict(state_dict=network.state_dict()), folder / 'start.pth')
    return folder


@functools.cache
def without(student):
    return run(copy.deepcopy(ast.literal_eval(student)), None, start(student) / 'without')


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
