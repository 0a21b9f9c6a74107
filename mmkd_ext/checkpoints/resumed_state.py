"""Checks before --resume: a checkpoint's progress, and its state of optimizer, schedulers and averaged weights, against the run's."""

import copy
import logging
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import EMAHook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import IterBasedTrainLoop, Runner

from mmkd_ext.explain.sentences import one_line

# What torch adds to the groups of one optimizer or another, by version and by option; Lamb and Adan add `step` when they step.
_FREE = {'foreach', 'maximize', 'capturable', 'differentiable', 'fused', 'decoupled_weight_decay', 'params', 'param_names', 'step'}
_HINT = 'Resume with the config that it was written with, or start from its weights alone by load_from without --resume.'


def check_resume(runner: Runner, checkpoint: Mapping[str, Any], path: str) -> None:
    """Compare what a checkpoint holds beside the weights with the run, whose loops have been built.

    Raises:
        ValueError: The checkpoint is of an epoch or iteration beyond the run's end, or its state is that of another optimizer,
            optimizer wrapper, scheduler or of a run with averaged weights.
    """
    _check_progress(runner, checkpoint['meta'], path)
    if 'ema_state_dict' in checkpoint and not any(isinstance(hook, EMAHook) for hook in runner.hooks):
        raise ValueError(
            f'An EMAHook is needed to resume {path}, whose state_dict holds averaged weights, got none in custom_hooks. {_HINT}'
        )
    if 'optimizer' not in checkpoint:
        print_log(
            f"{path} holds no optimizer's state: the optimizer starts anew, and losses differ from those of a run that went on.",
            'current',
            logging.WARNING,
        )
        return
    mine = _wrappers(_built(runner))
    saved = _states(checkpoint['optimizer'])
    if list(mine) != list(saved):
        raise ValueError(
            f'A checkpoint of {_few(mine)} is needed to resume, got {path} with {_few(saved)}: look at optim_wrapper. {_HINT}'
        )
    _check_schedulers(_built_schedulers(runner, mine), checkpoint, path)  # some of which add to the optimizers' groups
    for name, wrapper in mine.items():
        _check_optimizer(wrapper, saved[name], path)


def _check_progress(runner: Runner, meta: Mapping[str, Any], path: str) -> None:
    by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
    what, key, end = ('iteration', 'max_iters', runner.max_iters) if by_iter else ('epoch', 'max_epochs', runner.max_epochs)
    done = meta.get('iter' if by_iter else 'epoch')
    if not isinstance(done, int) or not isinstance(meta.get('iter'), int) or not isinstance(meta.get('epoch'), int):
        raise ValueError(f'A checkpoint that tells its epoch and iteration is needed to resume, got {path}, which does not. {_HINT}')
    if done > end:
        raise ValueError(
            f'A checkpoint of {what} {end} at most is needed to resume, since {key} is {end}, got {path} of {what} {done}. '
            f'Look at train_cfg.{key}, or name an earlier checkpoint.'
        )
    if done == end:
        print_log(
            f'{path} is of {what} {done}, and {key} is {end}: nothing is left to train. To train on, raise train_cfg.{key}.',
            'current',
            logging.WARNING,
        )


def _built(runner: Runner) -> OptimWrapper:
    """The run's optimizer wrapper, as the runner will build it later on."""
    return runner.build_optim_wrapper(copy.copy(runner.optim_wrapper))


def _wrappers(wrapper: OptimWrapper) -> dict[str, OptimWrapper]:
    return dict(wrapper.items()) if isinstance(wrapper, OptimWrapperDict) else {'one optimizer': wrapper}


def _states(state: Mapping[str, Any]) -> dict[str, Any]:
    return {'one optimizer': state} if 'param_groups' in state else dict(state)


def _few(names: Mapping[str, Any]) -> str:
    return ', '.join(map(str, list(names)[:5])) or 'nothing'


def _check_optimizer(wrapper: OptimWrapper, saved: Any, path: str) -> None:
    kind = type(wrapper.optimizer).__name__
    groups = saved.get('param_groups') if isinstance(saved, Mapping) else None
    if not isinstance(groups, list) or not all(isinstance(group, Mapping) for group in groups):
        raise ValueError(f"A checkpoint with an optimizer's param_groups is needed to resume, got {path} without. {_HINT}")
    mine = wrapper.optimizer.param_groups
    sizes = [[len(group['params']) for group in each] for each in (mine, groups)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f'A checkpoint of {kind} with {len(sizes[0])} groups of {sum(sizes[0])} parameters is needed to resume, got {path} with '
            f'{len(sizes[1])} groups of {sum(sizes[1])}: look at optim_wrapper (paramwise_cfg, constructor). {_HINT}'
        )
    wanted, got = (set().union(*(_settings(group) for group in each)) for each in (mine, groups))
    if wanted != got:
        raise ValueError(
            f'A checkpoint of {kind} (which has {", ".join(sorted(wanted))}) is needed to resume, got {path} of an optimizer with '
            f'{", ".join(sorted(got))}: look at optim_wrapper.optimizer. {_HINT}'
        )
    try:
        copy.copy(wrapper).load_state_dict(copy.deepcopy(dict(saved)))
    except Exception as error:  # whatever a wrapper makes of a state that is not its own
        raise ValueError(
            f'A checkpoint of {type(wrapper).__name__} is needed to resume, got {path}, whose state it cannot take '
            f'({one_line(error)}): look at optim_wrapper. {_HINT}'
        ) from error


def _settings(group: Mapping[str, Any]) -> set[str]:
    # Schedulers and constructors leave the numbers that they started from.
    return {key for key in group if key not in _FREE and not key.startswith('initial_') and key not in ('lr_scale', 'param_name')}


def _built_schedulers(runner: Runner, mine: Mapping[str, OptimWrapper]) -> Any:
    """The run's schedulers, as the runner will build them later on."""
    kept = runner.optim_wrapper
    try:
        wrappers = list(mine.values())
        runner.optim_wrapper = OptimWrapperDict(**mine) if len(wrappers) > 1 or 'one optimizer' not in mine else wrappers[0]
        return [] if runner.param_schedulers is None else runner.build_param_scheduler(copy.deepcopy(runner.param_schedulers))
    finally:
        runner.optim_wrapper = kept


def _check_schedulers(schedulers: Any, checkpoint: Mapping[str, Any], path: str) -> None:
    if 'param_schedulers' not in checkpoint:
        return
    saved = checkpoint['param_schedulers']
    pairs = dict(saved) if isinstance(saved, Mapping) else {'': saved}
    ours = schedulers if isinstance(schedulers, dict) else {'': schedulers}
    if list(ours) != list(pairs):
        raise ValueError(f'A checkpoint with schedulers of {_few(ours)} is needed to resume, got {path} with {_few(pairs)}. {_HINT}')
    for name in ours:
        wanted, got = [_kind(each.state_dict()) for each in ours[name]], [_kind(each) for each in pairs[name]]
        if wanted != got:
            kinds = ', '.join(type(each).__name__ for each in ours[name]) or 'none'
            raise ValueError(
                f'A checkpoint of the schedulers {kinds} is needed to resume, got {path} with {len(got)} of which not all are such: '
                f'look at param_scheduler. {_HINT}'
            )


def _kind(state: Mapping[str, Any]) -> tuple[Any, ...]:
    """The keys of a scheduler's state, which tell its class; functions in it are left out of a checkpoint."""
    return (state.get('param_name'), *sorted(key for key, value in state.items() if not callable(value)))
