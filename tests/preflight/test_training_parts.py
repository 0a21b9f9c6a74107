"""Lengths, schedules and losses that mmengine would take, and fail on or never use, are refused before a run."""

from types import SimpleNamespace

import pytest
from mmengine.hooks import Hook
from mmengine.runner import LogProcessor
from torch import nn

from mmkd_ext.losses import KDLoss
from mmkd_ext.preflight.training_parts import check_intervals, check_length, check_losses, check_optimizer


class ForeignHook(Hook):
    """Of another package; it may set class means."""


@pytest.mark.parametrize('key', ['max_epochs', 'val_interval'])
def test_and_steps_of_whole_numbers(key):
    check_length(SimpleNamespace(max_epochs=1, val_interval=float('inf')))  # never
    with pytest.raises(ValueError, match=f'{key} to be a whole number, got 1.5'):
        check_length(SimpleNamespace(**{'max_epochs': 1, 'val_interval': 1, key: 1.5}))


@pytest.mark.parametrize('wrong', [0, 2.5, float('nan'), True])
def test_an_optimizer_steps_after_a_whole_number_of_batches(wrong):
    check_optimizer(dict(optim_wrapper=dict(accumulative_counts=2)))
    with pytest.raises(ValueError, match=f'accumulative_counts={wrong}. Look at optim_wrapper'):
        check_optimizer(dict(optim_wrapper=dict(accumulative_counts=wrong)))


@pytest.mark.parametrize('wrong', [0, -1, 'a', float('nan')])
@pytest.mark.parametrize('key', ['max_epochs', 'val_interval'])
def test_a_training_has_a_length(key, wrong):
    check_length(SimpleNamespace(max_epochs=1, val_interval=1))
    check_length(SimpleNamespace())
    with pytest.raises(ValueError, match=f'{key} of 1 or more'):
        check_length(SimpleNamespace(**{'max_epochs': 1, 'val_interval': 1, key: wrong}))


@pytest.mark.parametrize(
    'wrong', [dict(method_name='avg'), dict(window_size=5), dict(method_name='mean', window_size='all'),
              dict(method_name='max', size=3)])  # fmt: skip
def test_numbers_of_the_log_can_be_computed(wrong):
    good = [dict(method_name=name, window_size=size) for name in ('mean', 'max', 'min') for size in (3, 'epoch', 'global')]
    named = [dict(each, data_src='loss', log_name=str(i)) for i, each in enumerate([*good, dict(method_name='current')])]
    check_intervals([], LogProcessor(custom_cfg=named))
    with pytest.raises(ValueError, match='one of .*mean.*, got .*Look at log_processor.custom_cfg'):
        check_intervals([], LogProcessor(by_epoch=True, custom_cfg=[dict(wrong, data_src='loss')]))


@pytest.mark.parametrize(
    'scheduler', [dict(milestones=['a']), dict(milestones=[1, None]), dict(gamma='x'), dict(gamma=True), dict(T_max='10'),
                  dict(eta_min=float('inf')), dict(begin=-1), dict(begin='x')])  # fmt: skip
def test_schedulers_take_numbers(scheduler):
    check_optimizer(dict(param_scheduler=[dict(type='MultiStepLR', milestones=[1, 2], gamma=0.1, end=None, by_epoch=True)]))
    with pytest.raises(ValueError, match=f'numbers( of 0 or more)? as {next(iter(scheduler))}.*CosineAnnealingLR.*param_scheduler'):
        check_optimizer(dict(param_scheduler=[dict(type='ConstantLR', factor=1), dict(type='CosineAnnealingLR', **scheduler)]))


def test_weights_of_losses_are_finite_numbers():
    model = nn.Module()
    model.distill = nn.ModuleDict(dict(kd=KDLoss(tau=1.0)))
    check_losses(model)
    check_losses(nn.Linear(1, 1))
    for wrong in ('heavy', float('nan'), float('inf')):
        model.distill['kd'].loss_weight = wrong
        with pytest.raises(ValueError, match='finite number.*loss_weight of kd'):
            check_losses(model)
