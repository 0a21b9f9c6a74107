"""A misspelt key of --cfg-options is one warning with the key that was meant; new keys that something reads are none."""

import pytest
from mmengine.config import Config
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
