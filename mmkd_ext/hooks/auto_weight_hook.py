"""AutoWeightHook: losses with `loss_weight='auto:...'` are measured anew by each run that does not resume."""

import torch._functorch.config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.losses.auto_weight import ITERATIONS
from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class AutoWeightHook(Hook):
    """Say which losses of a distiller are measured, and forget what a checkpoint that is only started from has measured.

    The distiller measures by itself, and its checkpoints hold what it has measured, so that a resumed run goes on with it. Under
    `compile=True` the compiler is told to keep what several gradients of one step need. tools/train.py adds this hook to every run.

    Example:
        In a config of another tool's run, beside a loss with `loss_weight='auto:0.1'`:

        >>> custom_hooks = [dict(type='mmkd_ext.AutoWeightHook')]
        >>> HOOKS.build(custom_hooks[0]).priority
        'NORMAL'
    """

    def before_train(self, runner: Runner) -> None:
        """Look at the losses; the checkpoint has been loaded."""
        measured = {name: loss.auto_weight for name, loss in getattr(unwrapped(runner.model), 'distill', {}).items() if loss.auto_weight}
        if not measured:
            return
        if not runner._resume:
            for weight in measured.values():
                weight.forget()
        if runner.cfg.get('compile'):
            torch._functorch.config.donated_buffer = False  # else a compiled graph allows one backward pass only
        for name, weight in measured.items():
            kept = f'{weight.factor:.6g}, as the resumed run had it' if weight.fixed else f'measured over the first {ITERATIONS} iterations'
            runner.logger.info(f"losses.{name}: loss_weight='auto:{weight.share:g}' is {kept}.")
