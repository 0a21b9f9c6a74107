"""A misspelt key of --cfg-options is one warning with the key that was meant; new keys that something reads are none."""

import inspect

import pytest
import torch
from mmengine import runner
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from support.runs import write_config

from mmkd_ext.config import new_keys
from mmkd_ext.config.cfg_options import merge_options


@pytest.fixture
def warned(monkeypatch, tmp_path):
    """The warnings of options on a config for digits."""
    def ask(**options):
        said = []
        monkeypatch.setattr(new_keys, 'print_log', lambda text, logger, level: said.append(text))
        merge_options(Config.fromfile(write_config(tmp_path)), {key.replace('__', '.'): value for key, value in options.items()}, 'c.py')
        return said

    return ask


@pytest.mark.parametrize(('key', 'meant'), [
    ('optim_wraper.type', 'optim_wrapper'), ('randomnes.seed', 'randomness'), ('model.backbon.type', 'model.backbone'),
    ('custom_hook', 'custom_hooks'),
    ('train_dataloader.batchsize', 'train_dataloader.batch_size'), ('train_cfg.max_epoch', 'train_cfg.max_epochs'),
    ('model.backbone.dept', 'model.backbone.depth'), ('default_hooks.checkpont.interval', 'default_hooks.checkpoint'),
    ('train_dataloader.dataset.pipeline.0.crop_sizes', 'train_dataloader.dataset.pipeline.0.crop_size'),
    ('optim_wrapper.optimizer.wieght_decay', 'optim_wrapper.optimizer.weight_decay')])
def test_a_misspelt_key_is_one_warning(warned, key, meant):
    path = next(each for each in ('.'.join(key.split('.')[:n]) for n in range(1, 9)) if each.count('.') == meant.count('.'))
    assert warned(**{key: 4}) == [f'--cfg-options: {path} is a new key, which nothing may read. Did you mean {meant}?']


@pytest.mark.parametrize('options', [
    dict(train_cfg__max_epochs=2), dict(optim_wrapper__clip_grad__max_norm=1.0), dict(optim_wrapper__accumulative_counts=2),
    dict(optim_wrapper__type='AmpOptimWrapper', optim_wrapper__loss_scale='dynamic'), dict(optim_wrapper__optimizer__nesterov=True),
    dict(model__backbone__frozen_stages=1), dict(model__backbone__norm_eval=False), dict(model__init_cfg=None), dict(compile=True),
    dict(train_dataloader__dataset__seed=1), dict(val_dataloader__drop_last=True), dict(default_hooks__checkpoint__save_last=False),
    dict(model__losses__kd2=dict(type='x')), dict(my_note=1), dict(load_from='a.pth'), dict(resume=False),
    dict(find_unused_parameters=True),
    dict(default_hooks__checkpoint2__type='CheckpointHook'), dict(train_dataloader__dataset__pipeline__0__pad_if_needed=True),
    dict(auto_scale_lr__base_batch_size=32), dict(model__head__loss__label_smooth_val=0.1, model__head__loss__type='LabelSmoothLoss'),
    dict(cudnn_benchmark=False), dict(test_pipeline=[]), dict(model__head__topk=(1, ))])
def test_a_new_key_that_is_read_is_none(warned, options):
    assert warned(**options) == []


# what a part of a config is called with, without the objects that mmengine passes itself
CALLED = {
    '': runner.Runner.__init__, 'train_cfg': runner.EpochBasedTrainLoop.__init__, 'val_cfg': runner.ValLoop.__init__,
    'test_cfg': runner.TestLoop.__init__,
    'optim_wrapper': OptimWrapper.__init__, 'train_dataloader': torch.utils.data.DataLoader.__init__,
    'val_dataloader': torch.utils.data.DataLoader.__init__, 'randomness': runner.Runner.set_randomness}
READ = [
    *(f'{path}.{key}'.lstrip('.') for path, call in CALLED.items() for key in inspect.signature(call).parameters if key != 'self'),
    'train_cfg.by_epoch', 'optim_wrapper.constructor', 'optim_wrapper.paramwise_cfg', 'env_cfg.dist_cfg', 'env_cfg.mp_cfg',
    'env_cfg.resource_limit', 'model_wrapper_cfg', 'sync_bn', 'compile', 'tta_model', 'tta_pipeline', 'test_pipeline', 'train_pipeline',
    'activation_checkpointing', 'efficient_conv_bn_eval', 'find_unused_parameters', 'default_hooks.timer', 'default_hooks.sampler_seed']
SMALL = dict(  # with a name beside each that is like one of those
    default_scope='mmpretrain', model=dict(type='ImageClassifier', dtype='a'), train_cfg=dict(max_epochs=1, dtype='a', by_epochs=True),
    val_cfg=dict(fp166=1), test_cfg=dict(dtype='a'), optim_wrapper=dict(optimizer=dict(lr=0.1), dtype='a', constructors='a'),
    train_dataloader=dict(batch_size=2, num_worker=1, sampler=dict(shuffles=True)), env_cfg=dict(dist_cfgs=1), default_hooks=dict(timers=1),
    randomness=dict(seeds=1), test_pipelines=[], compiled=False, log_processor=dict(dtype=1), visualizer=dict(dtype=1))


@pytest.mark.parametrize('key', READ)
def test_what_mmengine_reads_is_never_a_misspelt_key(monkeypatch, key):
    said = []
    monkeypatch.setattr(new_keys, 'print_log', lambda text, logger, level: said.append(text))
    cfg = Config({**SMALL})
    new = new_keys.new_keys(cfg, {key: 1})
    cfg.merge_from_dict({key: 1})
    new_keys.warn_of_misspelt(cfg, new, 'x')
    assert said == []


@pytest.mark.parametrize('kind', ['AmpOptimWrapper', 'OptimWrapper', 'mmkd_ext.CPUAmpOptimWrapper'])
def test_the_type_of_a_part_that_mmengine_gives_one_is_read(monkeypatch, kind):
    said = []
    monkeypatch.setattr(new_keys, 'print_log', lambda text, logger, level: said.append(text))
    assert 'dtype' in inspect.signature(AmpOptimWrapper.__init__).parameters  # which `type` is like
    for key, value in {
        'optim_wrapper.type': kind, 'train_cfg.type': 'EpochBasedTrainLoop', 'val_cfg.type': 'ValLoop', 'test_cfg.type': 'TestLoop',
        'train_dataloader.sampler.type': 'DefaultSampler', 'train_dataloader.batch_sampler.type': 'BatchSampler',
        'train_dataloader.collate_fn.type': 'default_collate', 'log_processor.type': 'LogProcessor',
        'visualizer.type': 'Visualizer'}.items():
        merge_options(Config({**SMALL}), {key: value}, 'c.py')
    assert said == []


def test_a_word_like_those_that_are_read_is_still_a_warning(monkeypatch):
    said = []
    monkeypatch.setattr(new_keys, 'print_log', lambda text, logger, level: said.append(text))
    wrong = ['tta_pipelin', 'optim_wrapper.constructr', 'env_cfg.dist_cfgg', 'default_hooks.timeer', 'train_dataloader.persistent_worker']
    for key in wrong:
        merge_options(Config({**SMALL}), {key: 1}, 'c.py')
    assert [each.partition(' is a new key')[0].rpartition(' ')[2] for each in said] == wrong
