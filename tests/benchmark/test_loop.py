"""A run's iterations beside its bare step: the same step, and what the loop adds is seen."""

import time

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from support.runs import one_thread, write_config

from mmkd_ext.benchmark.loop import BARE, CHANNELS_LAST, LOOP, BareStep, compare_loop
from mmkd_ext.commands import benchmark
from mmkd_ext.registry import HOOKS
from mmkd_ext.running.launch import build_runner


@HOOKS.register_module(force=True)
class Sleeps(Hook):
    """A loop that costs 30 ms an iteration more than its step."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        time.sleep(0.03)


def test_what_hooks_cost_is_the_loop_s_and_not_the_step_s(tmp_path):
    with one_thread():
        cfg = Config.fromfile(write_config(tmp_path, "custom_hooks = [dict(type='mmkd_ext.Sleeps')]"))
        timings = {each.name: each for each in compare_loop(cfg, iterations=2, rounds=2, cpu_time=False)}
    assert list(timings) == [LOOP, BARE, CHANNELS_LAST] and all(len(each.seconds) == 2 for each in timings.values())
    assert min(timings[LOOP].seconds) > 0.03
    assert timings[LOOP].median - timings[BARE].median > 0.02


def test_the_bare_step_is_the_run_s_own(tmp_path):
    cfg = Config.fromfile(write_config(tmp_path, "train_dataloader = dict(sampler=dict(shuffle=False))"))
    cfg.work_dir = str(tmp_path / 'work')
    runner = build_runner(cfg)
    loader = runner.build_dataloader(cfg.train_dataloader)
    runner.optim_wrapper = runner.build_optim_wrapper(cfg.optim_wrapper)
    batch = next(iter(loader))
    step = BareStep(runner, batch)
    runner.model.train()
    for _ in range(2):
        step()
        runner.model.train_step(batch, runner.optim_wrapper)
    for mine, theirs in zip(step.model.state_dict().values(), runner.model.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize('clock', [[], ['--cpu-time']], ids=['wall', 'cpu'])
def test_the_table_compares_with_the_faster_step(tmp_path, capsys, clock):
    config = write_config(tmp_path)
    assert benchmark.main([str(config), '--loop', '--iterations', '2', '--rounds', '2', '--threads', '1', *clock]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith('| ')]
    assert [line.split('|')[1].strip() for line in lines[1:]] == [LOOP, BARE, CHANNELS_LAST]
    ratios = [float(line.split('|')[4]) for line in lines[1:]]
    assert min(ratios[1:]) == 1.0
