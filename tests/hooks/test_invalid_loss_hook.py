"""A loss that is no number ends training, and what was good before it stays."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.hooks import CheckpointHook
from support.fed import feed, one_of_two_ranks, runner_at
from support.runs import one_error, write_config
from support.two_ranks import start_two

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import train
from mmkd_ext.hooks import InvalidLossHook

NAN, INF = float('nan'), float('inf')


@pytest.mark.parametrize('bad', [NAN, INF, -INF])
def test_the_sentence_names_the_first_bad_term_and_its_place_and_not_the_sum(bad):
    steps = [dict(loss=3.0, loss_ce=1.0, loss_kd=2.0)] * 5
    steps += [dict(loss=bad, loss_ce=1.0, loss_kd=bad), dict(loss=bad, loss_ce=bad, loss_kd=bad)]
    with pytest.raises(FloatingPointError, match=r'NaN or Inf in loss_kd at epoch 2, iteration 6; no checkpoint'):
        feed(InvalidLossHook(interval=7), steps)


def test_a_single_loss_is_named_itself():
    with pytest.raises(FloatingPointError, match='NaN or Inf in loss at epoch 1, iteration 1;'):
        feed(InvalidLossHook(interval=1), [dict(loss=NAN)])


def test_a_diagnostic_may_be_infinite():
    feed(InvalidLossHook(interval=1), [dict(loss=1.0, grad_norm=INF)])


def test_nothing_is_read_between_the_intervals():
    hook = InvalidLossHook(interval=50)
    runner = feed(hook, [dict(loss=NAN)] * 3)
    for read in (hook.after_train_epoch, hook.before_val):
        with pytest.raises(FloatingPointError):
            read(runner)


@pytest.mark.parametrize('at', [2, 3])
def test_an_iteration_that_ends_in_a_checkpoint_is_read(at):
    checkpoint = CheckpointHook(interval=3, by_epoch=False)
    steps = [dict(loss=1.0)] * (at - 1) + [dict(loss=NAN)] * (4 - at)
    with pytest.raises(FloatingPointError, match=f'iteration {at};'):
        feed(InvalidLossHook(interval=50), steps, [checkpoint])


def test_weights_that_are_not_finite_are_not_written():
    hook = InvalidLossHook()
    good = dict(state_dict=dict(w=torch.ones(3), n=torch.tensor(1)))
    hook.before_save_checkpoint(runner_at(), good)
    bad = dict(state_dict=dict(w=torch.tensor([1.0, NAN])))
    with pytest.raises(FloatingPointError, match='finite weights, got NaN or Inf in w'):
        hook.before_save_checkpoint(runner_at(), bad)


def test_an_interval_below_one_is_refused():
    with pytest.raises(ValueError, match='interval >= 1'):
        InvalidLossHook(interval=0)


def test_all_ranks_stop_together_and_name_the_term_of_the_one_that_saw_it(tmp_path):
    workers, queue = start_two(one_of_two_ranks, (tmp_path / 'store',))
    while not workers.join():
        pass
    first, second = queue.get(), queue.get()
    assert first == second and 'Inf in loss_kd at epoch 1, iteration 3;' in first


def test_a_real_run_that_explodes_ends_in_one_sentence_and_keeps_the_checkpoint_before(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    schedule = 'param_scheduler = dict(_delete_=True, type="ConstantLR", factor=1e-37, end=2, by_epoch=True)\n'
    config = write_config(tmp_path, schedule + 'optim_wrapper = dict(optimizer=dict(lr=1e36))')
    assert train.main([str(config), '--work-dir', 'work']) == 2
    text = one_error(capsys.readouterr().err)
    assert re.search(
        r'NaN or Inf in loss at epoch 2, iteration \d+; the last good checkpoint is .*work/epoch_1.pth', text
    )
    assert sorted(path.name for path in Path('work').glob('epoch_*')) == ['epoch_1.pth']
    weights = read_checkpoint('work/epoch_1.pth')['state_dict']
    assert all(torch.isfinite(value).all() for value in weights.values())
