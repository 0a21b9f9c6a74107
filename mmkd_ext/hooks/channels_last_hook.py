"""ChannelsLastHook: images whose channels lie innermost in memory."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.utils.hooks import RemovableHandle

from mmkd_ext.engine.memory_order import in_order, usual_order_for_mmcv
from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Give a network that trains its images channels-last; its convolutions keep that order up to the last map, student and teacher.

    Faster on a CPU and, in mixed precision, on a GPU. Only the order of the images in memory changes: weights, checkpoints, gradients and
    exports are laid out as ever, and results differ by rounding alone. mmcv's own operations (RoIAlign) get their maps in the usual order,
    since on a CPU they take every map for one. CIFAR's configs need no hook: `InMemory` makes such batches (`channels_last=True`).

    Example:
        In a config, or with `--cfg-options default_hooks.channels_last.type=mmkd_ext.ChannelsLastHook`:

        >>> default_hooks = dict(channels_last=dict(type='mmkd_ext.ChannelsLastHook'))
        >>> HOOKS.build(default_hooks['channels_last']).priority
        'NORMAL'
    """

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []

    def before_train(self, runner: Runner) -> None:
        """Have the data preprocessor's images reordered, in validation during training too."""
        model = unwrapped(runner.model)
        self._handles = [model.data_preprocessor.register_forward_hook(_reordered), *usual_order_for_mmcv(model)]

    def after_train(self, runner: Runner) -> None:
        """Leave the model as it was."""
        while self._handles:
            self._handles.pop().remove()


def _reordered(module: nn.Module, args: Any, output: Any) -> Any:
    if isinstance(output, dict) and 'inputs' in output:
        output['inputs'] = in_order(output['inputs'], channels_last=True)
    return output
