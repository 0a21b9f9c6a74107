"""Checks that a model has the parts that hooks of mmengine, mmpretrain and mmdet will ask for, some only after epochs."""

import operator
from typing import Any

# by the class's name, so that mmdet is not imported; several where one of them is enough
_PARTS = {
    'SetAdaptiveMarginsHook': ('head.num_classes',),
    'SetEpochInfoHook': ('set_epoch',),
    'YOLOXModeSwitchHook': ('detector.bbox_head', 'bbox_head'),
    'MeanTeacherHook': ('teacher',),
    'DenseCLHook': ('loss_lambda',),
    'SwAVHook': ('head.loss_module',),
}


def missing_part(hook: Any, model: Any) -> str | None:
    """What a hook will look for in vain, in a sentence; None: nothing.

    Args:
        hook: Of a runner.
        model: The runner's, without a wrapper.
    """
    parts = _asked(hook)
    if not parts or any(_has(model, part) for part in parts):
        return None
    several = ', which is several networks' if hasattr(model, 'networks') else ''
    return (
        f'{type(hook).__name__} needs a model with {" or ".join(parts)}, got {type(model).__name__}{several}. '
        'Leave it out of custom_hooks.')


def _asked(hook: Any) -> tuple[str, ...]:
    names = {each.__name__ for each in type(hook).__mro__}
    if 'SwitchRecipeHook' in names:
        return ('loss_module', 'head.loss_module') if any('loss' in recipe for recipe in hook.schedule.values()) else ()
    if 'WarmupParamHook' in names:
        (_, (path,)) = hook.module_getter.__reduce__()
        return (f'{path}.{hook.param_name}',)
    return next((parts for name, parts in _PARTS.items() if name in names), ())


def _has(model: Any, path: str) -> bool:
    try:
        operator.attrgetter(path)(model)
    except AttributeError:
        return False
    return True
