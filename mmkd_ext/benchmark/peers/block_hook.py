"""BlockHook: a run of ours as one of the processes of a comparison."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmkd_ext.registry import HOOKS

from .blocks import Blocks


@HOOKS.register_module()
class BlockHook(Hook):
    """Report a run's iterations in blocks, and wait between them.

    Args:
        iterations: Of a block.
        fd: Where reports go, see `Blocks`.
        warm_up: Iterations of the first block.

    Example:
        >>> HOOKS.build(dict(type='mmkd_ext.BlockHook', iterations=20, fd=1)).priority
        'LOWEST'
    """

    priority = 'LOWEST'  # what other hooks do after an iteration is part of it

    def __init__(self, iterations: int, fd: int, warm_up: int | None = None) -> None:
        self.iterations, self.fd, self.warm_up = iterations, fd, warm_up
        self._blocks: Blocks | None = None

    def before_train(self, runner: Runner) -> None:
        """Start the first block."""
        self._blocks = Blocks(self.iterations, self.fd, self.warm_up)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Count an iteration."""
        if self._blocks is not None:
            self._blocks.step_done()
