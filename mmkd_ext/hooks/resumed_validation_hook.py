"""ValidationRecordHook and ResumedValidationHook: EarlyStoppingHook and ReduceOnPlateau schedulers resume exactly."""

import logging
from typing import Any

from mmengine.hooks import EarlyStoppingHook, Hook
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop, Runner

from mmkd_ext.registry import HOOKS

VALIDATIONS = 'mmkd_validations'  # in the message hub: the epoch or iteration of the last one, and what EarlyStoppingHooks watch


@HOOKS.register_module()
class ValidationRecordHook(Hook):
    """Note in every checkpoint which validations it has seen; `ResumedValidationHook` reads it.

    Example:
        In a config, with `ResumedValidationHook`:

        >>> default_hooks = dict(validation_record=dict(type='mmkd_ext.ValidationRecordHook'))
        >>> HOOKS.build(default_hooks['validation_record']).priority
        'BELOW_NORMAL'
    """

    priority = 'BELOW_NORMAL'  # before the schedulers, and before the CheckpointHook, which may write a second time after a validation

    def before_train(self, runner: Runner) -> None:
        """A run that is not resumed has seen none."""
        if runner.val_loop is None and (_stoppers(runner) or _following(runner)):
            print_log(
                'A ReduceOnPlateau scheduler or an EarlyStoppingHook follows the numbers of a validation, and there is none: neither will '
                'ever act. Look at val_cfg, val_dataloader and val_evaluator, or at --no-validate.',
                'current',
                logging.WARNING,
            )
        if _progress(runner) == 0:
            runner.message_hub.update_info(VALIDATIONS, dict(last=0, scores={}))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Keep the watched numbers, and when they were.

        Raises:
            ValueError: A scheduler follows a number that is not among them.
        """
        asked = {each.monitor for each in _following(runner) if each.begin <= each._global_step < each.end}
        missing = asked - set(metrics or ())
        if missing and metrics is not None:
            raise ValueError(
                f"A number that the validation gives is needed as a scheduler's monitor, got {min(missing)!r}; it gives "
                f'{", ".join(metrics) or "none"}. Look at monitor in param_scheduler.'
            )
        record = runner.message_hub.runtime_info.get(VALIDATIONS)
        if record is None:
            return
        scores = {name: list(each) for name, each in record['scores'].items()}
        for name in {hook.monitor for hook in _stoppers(runner)} & set(metrics or ()):
            scores.setdefault(name, []).append(float((metrics or {})[name]))
        runner.message_hub.update_info(VALIDATIONS, dict(last=_progress(runner), scores=scores))


@HOOKS.register_module()
class ResumedValidationHook(Hook):
    """Bring `EarlyStoppingHook` and `ReduceOnPlateau` schedulers of a resumed run to where they were.

    mmengine writes an epoch's checkpoint before it validates the epoch, and a resumed run begins with the next one: the scheduler would
    miss a number. And it writes nothing about an `EarlyStoppingHook`, which would begin to count anew. Here the hook is told the numbers of
    the past, and an epoch (or iteration) whose validation the checkpoint has not seen is validated first. Other runs stay as they are.

    It needs `ValidationRecordHook` in the run that wrote the checkpoint; tools/train.py adds both to every run.

    Example:
        In a config, with `ValidationRecordHook`:

        >>> default_hooks = dict(resumed_validation=dict(type='mmkd_ext.ResumedValidationHook'))
        >>> HOOKS.build(default_hooks['resumed_validation']).priority
        'LOWEST'
    """

    priority = 'LOWEST'  # when every other hook is ready to validate

    def before_train(self, runner: Runner) -> None:
        """The checkpoint that is resumed has been loaded by now."""
        record = runner.message_hub.runtime_info.get(VALIDATIONS)
        done = _progress(runner)
        if not done or record is None:
            return
        for hook in _stoppers(runner):
            for score in record['scores'].get(hook.monitor, ()):
                if hook._check_stop_condition(score)[0]:
                    runner.train_loop.stop_training = True
        if (_stoppers(runner) or _following(runner)) and record['last'] < done and _due(runner, done):
            runner.val_loop.run()
        if runner.train_loop.stop_training:
            print_log(
                'The run that is resumed was stopped by its EarlyStoppingHook: nothing is left to train. To train on, raise its patience.',
                'current',
                logging.WARNING,
            )


def _progress(runner: Runner) -> int:
    return runner.iter if isinstance(runner.train_loop, IterBasedTrainLoop) else runner.epoch


def _stoppers(runner: Runner) -> list[EarlyStoppingHook]:
    return [hook for hook in runner.hooks if isinstance(hook, EarlyStoppingHook)]


def _following(runner: Runner) -> list[Any]:
    """The schedulers that step by the validation's numbers, once they are built."""
    found = runner.param_schedulers or []
    lists = found.values() if isinstance(found, dict) else [found]
    return [each for schedulers in lists for each in schedulers if getattr(each, 'need_val_args', False)]


def _due(runner: Runner, done: int) -> bool:
    """Whether the training loop would have validated here; at its end, nothing follows."""
    loop: Any = runner.train_loop
    loop._decide_current_val_interval()
    end = loop.max_iters if isinstance(loop, IterBasedTrainLoop) else loop.max_epochs
    return runner.val_loop is not None and loop.val_begin <= done < end and done % loop.val_interval == 0
