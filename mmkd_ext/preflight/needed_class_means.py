"""Checks that losses which need class means will have them."""

from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.errors import PreflightError
from mmkd_ext.hooks.class_means_hook import ClassMeansHook

_KNOWN = ('mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmseg', 'mmkd_ext')  # whose hooks set none, but for ClassMeansHook


def check_class_means(runner: Runner, state: Mapping[str, Any]) -> None:
    """Refuse a distiller's loss that needs class means where nothing sets them.

    Args:
        runner: Built and not yet started.
        state: Weights from which it starts, which may hold them; empty for none.

    Raises:
        PreflightError: Neither ClassMeansHook nor a hook of the user's own, and no means in the loss or the weights.
    """
    if any(_may_set_means(hook) for hook in runner.hooks):
        return
    model = unwrapped(runner.model)
    pairs = getattr(model, 'pairs', {})  # of MutualLearningDistiller, where an entry of losses is one module for each student
    for name, loss in getattr(model, 'distill', {}).items():
        if loss.needs_class_means and loss.class_means is None and f'distill.{name}.class_means' not in state:
            entry = pairs[name].entry if name in pairs else name
            raise PreflightError(
                f"model.losses.{entry} ({type(loss).__name__}) needs the teacher's class means, got no ClassMeansHook that makes them "
                "and no checkpoint that holds them. Add dict(type='mmkd_ext.ClassMeansHook') to custom_hooks."
            )


def _may_set_means(hook: Hook) -> bool:
    return isinstance(hook, ClassMeansHook) or type(hook).__module__.split('.')[0] not in _KNOWN
