"""Checkpoints in which the student stands under the zoo's own keys."""

from typing import Any

from torch import nn

from ..root_keys import saved_as_root


class PlainKeys(nn.Module):
    """A model whose `student` is saved and loaded as if it were the root, and its helpers under `distill.`.

    The student is asked for its own `state_dict()`, as a root: `TimmClassifier` renames its keys only there.
    """

    helper_prefix = 'distill.'
    student: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._register_state_dict_hook(_student_as_root)  # a method of the class would not be asked by the host's saver

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
