"""InvalidLossHook: a stop at the first loss that is NaN or infinite, before another checkpoint is written."""

import torch
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner
from torch import Tensor

from mmkd_ext.checkpoints.checkpoint_files import newest_readable_checkpoint
from mmkd_ext.checkpoints.run_folder import runs_of
from mmkd_ext.hooks.run_folder_hook import RunFolderHook
from mmkd_ext.registry import HOOKS

_NEVER = torch.iinfo(torch.int64).max


@HOOKS.register_module()
class InvalidLossHook(Hook):
    """Stop at a loss term that is NaN or infinite, naming the term, its iteration and the last good checkpoint.

    The terms are watched on the device, so an iteration waits for nothing; every `interval` iterations, and before each
    validation and checkpoint, the result is read. All processes of a distributed run stop together.

    Args:
        interval: Iterations between two readings, >= 1.

    Raises:
        FloatingPointError: A term was not finite, or a checkpoint would hold weights that are not.
        ValueError: interval < 1.

    Example:
        In a config:

        >>> default_hooks = dict(invalid_loss=dict(type='mmkd_ext.InvalidLossHook', interval=10))
        >>> HOOKS.build(default_hooks['invalid_loss']).interval
        10
    """

    priority = 'HIGH'  # before the checkpoint hook

    def __init__(self, interval: int = 50) -> None:
        if isinstance(interval, bool) or not isinstance(interval, int) or interval < 1:
            raise ValueError(f'InvalidLossHook needs interval >= 1 iterations, got {interval!r}.')
        self.interval = interval
        self._first_bad: dict[tuple[str, ...], Tensor] = {}  # names of terms -> the first bad iteration of each

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: dict | None = None
    ) -> None:
        """Note on the device which terms are not finite; read it when it is time."""
        losses = {
            name: value for name, value in (outputs or {}).items() if 'loss' in name and isinstance(value, Tensor)
        }
        if losses:
            names = tuple(losses)
            values = torch.stack([value.detach().float().mean() for value in losses.values()])
            first = self._first_bad.get(names)
            if first is None:
                first = torch.full((len(names),), _NEVER, device=values.device)
            self._first_bad[names] = torch.where(torch.isfinite(values), first, first.clamp(max=runner.iter))
        if self.every_n_train_iters(runner, self.interval) or self._checkpoint_follows(runner):
            self._check(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Read before the checkpoint hook writes."""
        self._check(runner)

    def before_val(self, runner: Runner) -> None:
        """Read before a model is judged that cannot be."""
        self._check(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse weights that are not finite, whatever the losses were: the last gradient may have been the bad one."""
        for name, value in checkpoint['state_dict'].items():
            if isinstance(value, Tensor) and value.is_floating_point() and not torch.isfinite(value).all():
                raise FloatingPointError(
                    f'A checkpoint needs finite weights, got NaN or Inf in {name} at epoch {runner.epoch + 1}, '
                    f'iteration {runner.iter}, so none was written; {self._last_good(runner)}'
                )

    def _check(self, runner: Runner) -> None:
        bad = [first.min() for first in self._first_bad.values()]
        if not bad:
            return
        earliest = torch.stack(bad).min()
        all_reduce(earliest, 'min')  # every process learns of it, so that none waits for one that stopped
        iteration = int(earliest)
        if iteration == _NEVER:
            return
        here = [
            name
            for names, first in self._first_bad.items()
            for name, at in zip(names, first.tolist(), strict=True)
            if at == iteration
        ]
        terms = sorted({name for names in all_gather_object(here) for name in names})
        # 'loss' is the sum of the others: it says nothing when one of them is named.
        named = [name for name in terms if name != 'loss'] or terms
        epoch = iteration // len(runner.train_dataloader) + 1
        raise FloatingPointError(
            f'Training needs finite losses, got NaN or Inf in {", ".join(named)} at epoch {epoch}, '
            f'iteration {iteration + 1}; {self._last_good(runner)}'
        )

    def _checkpoint_follows(self, runner: Runner) -> bool:
        """Whether mmengine writes a checkpoint at the end of this very iteration."""
        return any(
            hook.every_n_train_iters(runner, hook.interval, hook.save_begin) or self.is_last_train_iter(runner)
            for hook in runner.hooks
            if isinstance(hook, CheckpointHook) and not hook.by_epoch
        )

    @staticmethod
    def _last_good(runner: Runner) -> str:
        """The checkpoint to resume from, for the error."""
        folders = [hook.out_dir for hook in runner.hooks if isinstance(hook, CheckpointHook) and hook.out_dir]
        runs = next((hook.runs for hook in runner.hooks if isinstance(hook, RunFolderHook)), None)
        found = newest_readable_checkpoint(
            folders[0] if folders else runner.work_dir, lambda checkpoint: not runs or runs_of(checkpoint)[-1] in runs
        )
        hint = 'try a lower learning rate, gradient clipping or no --amp.'
        if found is None:
            return f'no checkpoint had been written yet: {hint}'
        return f'the last good checkpoint is {found}: {hint}'
