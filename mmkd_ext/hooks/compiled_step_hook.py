"""CompiledStepHook: keeps what cannot be compiled, such as the data preprocessor, out of mmengine's `compile=True`."""

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import nn

from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class CompiledStepHook(Hook):
    """Keep the compiler out of the data preprocessor, and say where it is kept out of the whole loss.

    mmengine's `compile` compiles a model's `train_step`, its data preprocessor with it. That copies what each sample carries (the name of
    its file, sizes), which is another at every step: torch compiled it anew at each of the first eight, and for mmdet's padding longer.
    Without `compile` nothing is done. tools/train.py adds this hook to every run; another tool takes it from the `default_hooks` of
    configs/_base_/default_runtime.py.

    Example:
        In a config:

        >>> default_hooks = dict(compiled_step=dict(type='mmkd_ext.CompiledStepHook'))
        >>> HOOKS.build(default_hooks['compiled_step']).priority
        'NORMAL'
    """

    def __init__(self) -> None:
        self._eager: nn.Module | None = None

    def before_train(self, runner: Runner) -> None:
        """Set the preprocessor apart; the compiler starts at the first step."""
        if not runner.cfg.get('compile'):
            return
        model: Any = getattr(runner.model, 'module', runner.model)
        self._eager = model.data_preprocessor
        self._eager.forward = torch.compiler.disable(self._eager.forward)
        kind = getattr(model, 'kind', None)
        if kind is not None and not kind.compiles:
            print_log(
                f'{type(model).__name__} runs without torch.compile: its proposals and samples are of another number at every step. '
                'Leave compile out.', 'current')

    def after_train(self, runner: Runner) -> None:
        """Give the preprocessor back as it was."""
        if self._eager is not None:
            del self._eager.forward
            self._eager = None
