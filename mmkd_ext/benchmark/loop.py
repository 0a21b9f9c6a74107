"""Time of a run's iterations beside the bare training step: what data, hooks and logging add."""

import copy
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from torch import nn

from mmkd_ext.engine.memory_order import in_order, usual_order_for_mmcv
from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.running.launch import build_runner, mixed_precision_without_gpu

from .steps import Timing

LOOP, BARE, CHANNELS_LAST = 'loop', 'bare step', 'bare step, channels-last'


class BareStep:
    """Forward, backward and optimizer of a copy of a run's model, on one batch that lies ready.

    Args:
        runner: Of the run, whose optimizer wrapper (precision, clipping) it has.
        batch: As the data loader made it.
        channels_last: Whether the copy's convolutions and its images have that memory format.
    """

    def __init__(self, runner: Runner, batch: Any, channels_last: bool = False) -> None:
        self.model: Any = copy.deepcopy(unwrapped(runner.model)).train()
        self.optim_wrapper: Any = build_optim_wrapper(self.model, copy.deepcopy(runner.cfg.optim_wrapper))
        with torch.no_grad():
            self.data = self.model.data_preprocessor(batch, True)
        if channels_last:
            self.data['inputs'] = in_order(self.data['inputs'], channels_last)
            self.model.to(memory_format=torch.channels_last)
            usual_order_for_mmcv(self.model)

    def __call__(self) -> None:
        """One step."""
        with self.optim_wrapper.optim_context(self.model):
            losses = self.model(**self.data, mode='loss')
        self.optim_wrapper.update_params(self.model.parse_losses(losses)[0])


class _Interleaved(Hook):
    """After each block of a run's iterations the same number of bare steps, all timed."""

    priority = 'LOWEST'  # what other hooks do after an iteration is part of it

    def __init__(self, iterations: int, rounds: int, clock: Callable[[], float]) -> None:
        self.iterations, self.rounds, self.clock = iterations, rounds, clock
        self.timings = [Timing(name, 'as the run') for name in (LOOP, BARE, CHANNELS_LAST)]
        self.steps: list[BareStep] = []
        self._start: float | None = None

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if not self.steps:
            self.steps = [BareStep(runner, copy.deepcopy(data_batch), channels_last) for channels_last in (False, True)]

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        done = runner.iter + 1
        if done % self.iterations:
            return
        _synchronise(runner.model)
        if self._start is not None:  # the first block warms up
            self.timings[0].seconds.append((self.clock() - self._start) / self.iterations)
        for timing, step in zip(self.timings[1:], self.steps, strict=True):
            begin = self.clock()
            for _ in range(self.iterations):
                step()
            _synchronise(runner.model)
            if self._start is not None:
                timing.seconds.append((self.clock() - begin) / self.iterations)
        if len(self.timings[0].seconds) == self.rounds:
            raise _Measured
        self._start = self.clock()


class _Measured(Exception):
    """The run has shown what it costs."""


def _synchronise(model: nn.Module) -> None:
    if next(model.parameters()).is_cuda:
        torch.cuda.synchronize()


def compare_loop(cfg: Config, iterations: int, rounds: int, cpu_time: bool = True) -> list[Timing]:
    """Time the iterations of a config's run (data, step, hooks, log) and, in turn with them, its model's bare step.

    Args:
        cfg: Of the run, with a data set that is there; nothing is validated and no checkpoint is kept.
        iterations: Of a block.
        rounds: Counted blocks of each, after one that is not.
        cpu_time: Seconds of this process instead of those of the clock.

    Returns:
        Seconds per iteration of the loop, and those of the bare step with images as the run's and with channels-last ones.
    """
    cfg = copy.deepcopy(cfg)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator', 'test_dataloader', 'test_cfg', 'test_evaluator'):
        cfg[key] = None
    cfg.train_cfg = dict(by_epoch=True, max_epochs=10**6)
    cfg.param_scheduler = None
    mixed_precision_without_gpu(cfg)
    cfg.default_hooks = {**(cfg.get('default_hooks') or {}), 'checkpoint': None}
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = f'{folder}/run'
        runner = build_runner(cfg)
        hook = _Interleaved(iterations, rounds, time.process_time if cpu_time else time.perf_counter)
        runner.register_hook(hook)
        with suppress(_Measured):
            runner.train()
    return hook.timings
