"""ChannelsLastHook: images whose channels lie innermost in memory."""

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

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
        self._handles = [model.data_preprocessor.register_forward_hook(_reordered)]
        self._handles += [each.register_forward_pre_hook(_in_usual_order) for each in _operations_of_mmcv(model)]

    def after_train(self, runner: Runner) -> None:
        """Leave the model as it was."""
        while self._handles:
            self._handles.pop().remove()


def _reordered(module: nn.Module, args: Any, output: Any) -> Any:
    images = output.get('inputs') if isinstance(output, dict) else None
    if isinstance(images, Tensor) and images.ndim == 4:
        output['inputs'] = images.contiguous(memory_format=torch.channels_last)
    return output


def _operations_of_mmcv(model: Any) -> Iterator[nn.Module]:
    """Modules of mmcv.ops in the networks that train and in the frozen teachers, which are no modules of the model."""
    for network in (model, *(getattr(teacher, 'network', None) for teacher in getattr(model, 'teachers', {}).values())):
        modules = network.modules() if isinstance(network, nn.Module) else ()
        yield from (each for each in modules if type(each).__module__.startswith('mmcv.ops'))


def _in_usual_order(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each.contiguous() if isinstance(each, Tensor) else each for each in args)
