"""State dicts of a distiller in which the student has the keys of the plain model of mmpretrain or mmdet."""

from typing import Any

from torch import nn

from .root_keys import saved_as_root

# what hooks of mmengine, mmpretrain and mmdet ask a model for, or set (SwitchRecipeHook, SetAdaptiveMarginsHook, YOLOXModeSwitchHook,
# WarmupParamHook, which asks for `model` of a TimmClassifier)
_ASKED = frozenset((
    'backbone', 'neck', 'head', 'model', 'loss_module', 'with_neck', 'with_head', 'set_epoch', 'prepare_prototype', 'prototype_inited'))


class PlainKeys(nn.Module):
    """A model whose `student` is saved and loaded as if it were the root, and its helpers under `distill.`.

    Hooks that look for a part of the model find, and change, the student's.
    The student is asked for its own `state_dict()`, as a root: `TimmClassifier` renames its keys only there.

    Attributes:
        asked_parts: Names of these parts; those of the student's kind of network are added.
    """

    helper_prefix = 'distill.'
    asked_parts: frozenset[str] = _ASKED
    student: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._register_state_dict_hook(_student_as_root)  # a method of the class would not be asked by mmengine's saver

    def __getattr__(self, name: str) -> Any:
        """A part of the student where the distiller has none of this name."""
        if name in self.asked_parts and 'student' in self.__dict__.get('_modules', {}):
            return getattr(self._modules['student'], name)
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.asked_parts and 'student' in self.__dict__.get('_modules', {}):
            setattr(self._modules['student'], name, value)
        else:
            super().__setattr__(name, value)

    def _check_keys(self) -> None:
        taken = [key for key in self.student.state_dict() if key.startswith((self.helper_prefix, 'student.'))]
        if taken:
            raise ValueError(
                f'The student needs keys that do not begin with {self.helper_prefix} or student., got {taken[0]}.')

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        own = tuple(prefix + name for name in (self.helper_prefix, 'data_preprocessor.'))
        for key in [key for key in state_dict if key.startswith(prefix) and not key.startswith(own)]:
            state_dict[f'{prefix}student.{key.removeprefix(prefix)}'] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _student_as_root(module: PlainKeys, destination: dict[str, Any], prefix: str, _: Any) -> None:
    helpers = {key: destination.pop(key) for key in list(destination) if key.startswith(prefix + module.helper_prefix)}
    saved_as_root(destination, module.student, f'{prefix}student.', prefix)
    destination.update(helpers)
