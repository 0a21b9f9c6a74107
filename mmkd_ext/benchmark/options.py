"""What each option that makes a step faster brings: the bare step of a config with it and without."""

import copy
import time
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmkd_ext.config.named_types import type_name
from mmkd_ext.engine.memory_order import in_order, usual_order_for_mmcv
from mmkd_ext.engine.progress import as_at_the_start
from mmkd_ext.models.build import build_model
from mmkd_ext.running.launch import mixed_precision_without_gpu

from .loop import BareStep
from .steps import Timing
from .sum_of_parts import build_with_random_teachers

PLAIN = 'no option'
_WARM_UP = 4  # steps: a distiller shows its teacher the first 256 images once more
# How each is asked for in a config -> what it changes in a step.
OPTIONS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    'channels-last images (`ChannelsLastHook`, or `channels_last=True` of data in memory)': dict(images=True),
    'channels-last images and weights': dict(images=True, weights=True),
    '`optim_wrapper.optimizer.fused=True`': dict(fused=True),
    "`model.teacher.precision='bf16'`": dict(teacher=dict(precision='bf16')),
    'channels-last images, fused optimizer and bf16 teacher': dict(images=True, fused=True, teacher=dict(precision='bf16')),
}
COMPILED = {
    '`model.teacher.compile=True`': dict(teacher=dict(compile=True)),
    '`compile=True`': dict(compiled=True),
    'channels-last images and `compile=True`': dict(images=True, compiled=True),
}


class _Step(BareStep):
    """A config's bare step with options.

    Args:
        cfg: With the optimizer wrapper of one precision.
        batch: As the data loader made it.
        images: Channels-last.
        weights: Likewise.
        fused: The optimizer's option.
        compiled: Whether torch compiles forward pass and losses.
        teacher: Further keys of the teachers' specs.
    """

    def __init__(
        self, cfg: Config, batch: Any, images: bool = False, weights: bool = False, fused: bool = False, compiled: bool = False,
        teacher: Mapping[str, Any] | None = None,
    ) -> None:
        torch.manual_seed(0)  # the same weights for all
        how = teacher or {}
        model: Any = build_with_random_teachers(cfg, **how) if 'teacher' in cfg.model else build_model(cfg)
        self.model: Any = model.train()
        wrapper = copy.deepcopy(cfg.optim_wrapper)
        if fused:
            wrapper.optimizer.fused = True
        self.optim_wrapper: Any = build_optim_wrapper(self.model, wrapper)
        with torch.no_grad():
            self.data = model.data_preprocessor(copy.deepcopy(batch), True)
        self.data['inputs'] = in_order(self.data['inputs'], images)
        if images:
            usual_order_for_mmcv(self.model)
        if weights:
            self.model.to(memory_format=torch.channels_last)
        if compiled:
            self.model.forward = torch.compile(self.model.forward)


def compare_options(cfg: Config, iterations: int, rounds: int, precisions: list[str], compiled: bool = False) -> list[Timing]:
    """CPU seconds of a config's bare step with each option, in turns, after a first block of each that does not count.

    Args:
        cfg: With training data that are there, and a model whose teachers, if any, are frozen; all weights are random.
        iterations: Of a block.
        rounds: Counted blocks of each.
        precisions: 'float32', 'bfloat16'.
        compiled: Whether to try `torch.compile` too, which takes minutes.
    """
    options: dict[str, Any] = {**OPTIONS, **(COMPILED if compiled else {})}
    if 'teacher' not in cfg.model:
        options = {name: option for name, option in options.items() if 'teacher' not in option}
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')), as_at_the_start():
        loader = copy.deepcopy(cfg.train_dataloader)
        loader.setdefault('collate_fn', dict(type='default_collate'))
        batch = next(iter(Runner.build_dataloader(loader)))
        timings: list[Timing] = []
        for precision in precisions:
            steps = {name: _Step(_in_precision(cfg, precision), batch, **option) for name, option in options.items()}
            timings += _in_turns(steps, precision, iterations, rounds)
    return timings


def _in_turns(steps: Mapping[str, Any], precision: str, iterations: int, rounds: int) -> list[Timing]:
    timings = [Timing(name, precision) for name in steps]
    for i in range(rounds + 1):
        for timing in timings:
            begin = time.process_time()
            for _ in range(iterations if i else max(iterations, _WARM_UP)):
                steps[timing.name]()
            if i:
                timing.seconds.append((time.process_time() - begin) / iterations)
    return timings


def _in_precision(cfg: Config, precision: str) -> Config:
    cfg = copy.deepcopy(cfg)
    wrapper = type_name(cfg.optim_wrapper.get('type', 'OptimWrapper'))
    if precision == 'bfloat16':
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.dtype = 'bfloat16'
    elif wrapper in ('AmpOptimWrapper', 'CPUAmpOptimWrapper'):
        cfg.optim_wrapper.type = 'OptimWrapper'
        for key in ('dtype', 'loss_scale'):
            cfg.optim_wrapper.pop(key, None)
    mixed_precision_without_gpu(cfg)
    return cfg
