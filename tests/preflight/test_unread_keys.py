"""A key that looks like one that mmengine reads is refused with the right one; others are told by a warning; what is read passes."""

import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmkd_ext.preflight import unread_keys
from mmkd_ext.preflight.unread_keys import check_unread_keys


@pytest.fixture
def model():
    return nn.ModuleDict(dict(backbone=nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)), fc=nn.Linear(2, 2)))


@pytest.fixture
def warned(monkeypatch):
    said = []
    monkeypatch.setattr(unread_keys, 'print_log', lambda text, *_: said.append(text))
    return said


def paramwise(**settings):
    return dict(optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, weight_decay=0.01), paramwise_cfg=settings))


REFUSED = {
    'env': (dict(env_cfg=dict(cudnn_benchmrak=True)), "in env_cfg, got 'cudnn_benchmrak'. Did you mean cudnn_benchmark?"),
    'dist': (dict(env_cfg=dict(dist_cfg=dict(backnd='gloo'))), 'Did you mean backend? Look at env_cfg.dist_cfg'),
    'hooks': (dict(default_hooks=dict(chekpoint=dict(type='CheckpointHook'))), 'Did you mean checkpoint? Look at default_hooks'),
    'hooks, none': (dict(default_hooks=dict(loger=None)), 'Did you mean logger?'),
    'by parameter': (paramwise(norm_deca_mult=0.0), "got 'norm_deca_mult'. Did you mean norm_decay_mult?"),
    'multiplier': (paramwise(custom_keys={'fc': dict(lr_mul=0.1)}), "got 'lr_mul'. Did you mean lr_mult?"),
    'custom key': (paramwise(custom_keys={'bakbone': dict(lr_mult=0.1)}), "got 'bakbone'. Did you mean backbone?"),
    'pattern': (paramwise(custom_keys={'backbone.*ght': {}}), "such as 'backbone.0', .* got 'backbone..ght': they are no patterns"),
}


@pytest.mark.parametrize(('cfg', 'said'), REFUSED.values(), ids=REFUSED)
def test_a_misspelt_key_is_refused(model, cfg, said):
    with pytest.raises(ValueError, match=said.replace('?', r'\?')):
        check_unread_keys(cfg, model, [])


@pytest.mark.parametrize(('keys', 'said'), [
    (['state_dic', 'meta'], 'Did you mean state_dict'), (['meta'], r"need weights, .* got \['meta'\]"), ([], 'need weights')])
def test_published_checkpoints_hold_weights(model, keys, said):
    with pytest.raises(ValueError, match=said):
        check_unread_keys({}, model, [CheckpointHook(published_keys=keys)])


def test_what_is_read_passes_without_a_word(model, warned):
    keys = {'.weight': dict(lr_mult=0.1, momentum=0.5), 'fc': dict(decay_mult=0)}
    cfg = dict(
        env_cfg=dict(cudnn_benchmark=False, mp_cfg=dict(opencv_num_threads=0), dist_cfg=dict(backend='nccl', timeout=9), resource_limit=9),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook'), logger=None, distillation_report=dict(type='x')),
        **paramwise(bias_lr_mult=2.0, bypass_duplicate=True, custom_keys=keys))
    check_unread_keys(cfg, model, [CheckpointHook(published_keys='state_dict'), CheckpointHook()])
    assert warned == []


def test_what_nothing_reads_is_a_warning_unless_somebody_else_may_read_it(model, warned):
    cfg = dict(env_cfg=dict(foo=1), **paramwise(num_layers=3, custom_keys={'.cls_token': dict(decay_mult=0.0), 'backbone2': {}}))
    check_unread_keys(cfg, model, [])
    expected = 'env_cfg.foo is read', 'paramwise_cfg.num_layers is read', "no parameter has '.cls_token'", "no parameter has 'backbone2'"
    assert len(warned) == 4 and all(said in text for said, text in zip(expected, warned, strict=True))
    warned.clear()
    cfg = dict(dist_cfg=dict(of_a_launcher=1), default_hooks=dict(my_own={}), optim_wrapper=dict(
        constructor='LearningRateDecayOptimWrapperConstructor', paramwise_cfg=dict(num_layers=3, decay_rat=0.5)))
    check_unread_keys(cfg, model, [])
    assert warned == []


def test_mmengine_finds_custom_keys_where_the_check_does(model):
    for key, found in (('.fc', 0), ('fc', 2), ('backbone.1', 2), ('0.weight', 1), ('ackbon', 4)):
        cfg = paramwise(custom_keys={key: dict(lr_mult=0.5)})
        groups = build_optim_wrapper(model, dict(cfg['optim_wrapper'], type='OptimWrapper')).optimizer.param_groups
        assert sum(group['lr'] == 0.05 for group in groups) == found
        names = [name for name, _ in model.named_parameters()]
        assert sum(key in name for name in names) == found and len(names) == 6 and torch.is_tensor(model.fc.bias)
