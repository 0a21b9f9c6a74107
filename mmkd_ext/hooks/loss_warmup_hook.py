"""LossWarmupHook: a loss whose weight grows linearly from zero."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, IterBasedTrainLoop, Runner

from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.errors import check_whole
from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class LossWarmupHook(Hook):
    """Multiply one loss of a distiller by min(1, epoch / epochs), epochs counted from 0, or the same in iterations.

    As in KD++, the loss is zero in the first epoch. The factor follows from the counter alone, so a resumed run has it
    exactly.

    Args:
        loss: Name in the distiller's `losses`.
        epochs: Epochs until the loss has its full weight; either this or `iters`.
        iters: Iterations until then.

    Raises:
        ValueError: Not exactly one of the two, or one below 1; epochs in an iteration loop; a loss that is not there.

    Example:
        In a config; in epoch 5 of 20 the loss named `nd` has a quarter of its weight:

        >>> custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='nd', epochs=20)]
        >>> HOOKS.build(custom_hooks[0]).epochs
        20
    """

    priority = 'HIGHEST'  # what is wrong with it is said before ClassMeansHook's pass over the data

    def __init__(self, loss: str, epochs: int | None = None, iters: int | None = None) -> None:
        check_whole(f'LossWarmupHook of {loss!r}', None, epochs=epochs, iters=iters)
        if (epochs is None) == (iters is None) or (epochs or iters or 0) < 1:
            raise ValueError(
                f'LossWarmupHook of {loss!r} needs either epochs or iters, >= 1, got epochs={epochs}, iters={iters}.'
            )
        self.loss, self.epochs, self.iters = loss, epochs, iters

    def before_run(self, runner: Runner) -> None:
        """Refuse what cannot work before anything is computed."""
        if isinstance(getattr(runner, '_train_loop', None), BaseLoop):  # not validation or a test alone
            self.before_train(runner)

    def before_train(self, runner: Runner) -> None:
        """Refuse what cannot work before the first step."""
        if self.epochs is not None and isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError(f'LossWarmupHook of {self.loss!r} needs iters in an iteration loop, got epochs.')
        if not hasattr(unwrapped(runner.model), 'set_loss_factor'):
            raise ValueError(
                f'LossWarmupHook of {self.loss!r} needs a distiller of mmkd_ext, got {type(unwrapped(runner.model)).__name__}.'
            )
        self._set(runner)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the factor that belongs to this place of the run."""
        self._set(runner)

    def _set(self, runner: Runner) -> None:
        now, full = (runner.epoch, self.epochs) if self.epochs is not None else (runner.iter, self.iters)
        unwrapped(runner.model).set_loss_factor(self.loss, min(1.0, now / (full or 1)))
