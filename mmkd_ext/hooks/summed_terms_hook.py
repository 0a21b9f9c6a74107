"""SummedTermsHook: loss terms that are sums over the batch keep their weight under gradient accumulation."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class SummedTermsHook(Hook):
    """Tell a model's summed terms by how many batches mmengine divides the loss, so that they multiply by it.

    With `accumulative_counts=k` mmengine divides each loss by k, and by the batches that are left in the last window of a run: right for
    a mean over the batch, while a sum would lose that factor. Modules with such a term have an attribute `accumulated_batches`
    (`TESKDHead`), which is set before each iteration. tools/train.py adds this hook to every run; another tool takes it from the
    `default_hooks` of configs/_base_/default_runtime.py.

    Example:
        In a config:

        >>> default_hooks = dict(summed_terms=dict(type='mmkd_ext.SummedTermsHook'))
        >>> HOOKS.build(default_hooks['summed_terms']).priority
        'NORMAL'
    """

    def __init__(self) -> None:
        self._summing: list[Any] = []

    def before_train(self, runner: Runner) -> None:
        """Find the modules."""
        model: nn.Module = runner.model
        self._summing = [module for module in model.modules() if hasattr(module, 'accumulated_batches')]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set what mmengine will divide the loss of this iteration by."""
        scale_loss = getattr(runner.optim_wrapper, 'scale_loss', None)  # several optimizers have none, and their own train_step
        if self._summing and scale_loss is not None:
            batches = round(1 / scale_loss(1.0))
            for module in self._summing:
                module.accumulated_batches = batches

    def after_train(self, runner: Runner) -> None:
        """A loss outside of a run is of one batch."""
        for module in self._summing:
            module.accumulated_batches = 1
