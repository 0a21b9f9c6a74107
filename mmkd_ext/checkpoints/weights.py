"""The state dict of a checkpoint, and whether it fits a network."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from mmkd_ext.engine.model_wrappers import unwrapped


def weights_of(checkpoint: dict[str, Any], path: str) -> dict[str, Tensor]:
    """The weights that mmengine would load: the `state_dict`, or a checkpoint that is nothing else.

    Args:
        checkpoint: What was read from `path`.
        path: For the sentence.

    Raises:
        ValueError: No dict, an empty one, or one that holds something else than tensors.
    """
    state = checkpoint.get('state_dict', checkpoint)
    got = None
    if not isinstance(state, Mapping):
        got = f'state_dict is of type {type(state).__name__}'
    elif not state:
        got = 'state_dict is empty' if 'state_dict' in checkpoint else 'dict is empty'
    else:
        # A module may keep what it likes in `<its path>._extra_state`.
        kept = {key: value for key, value in state.items() if not str(key).endswith('_extra_state')}
        other = [key for key, value in kept.items() if not isinstance(key, str) or not isinstance(value, Tensor)]
        if other:
            got = f'entry {other[0]!r} is of type {type(state[other[0]]).__name__}'
    if got is not None:
        raise ValueError(
            f'A checkpoint whose state_dict names tensors is needed, got {path}, whose {got}. '
            'Was it written by tools/train.py or the zoo?'
        )
    return dict(state)


def check_weights(
    model: nn.Module, checkpoint: dict[str, Any], path: str, optional: Callable[[str], bool] = lambda key: False
) -> None:
    """Compare a checkpoint with a model before mmengine loads what fits and only prints the rest.

    Args:
        model: What will be loaded.
        checkpoint: What was read from `path`.
        path: For the sentence.
        optional: Whether the model can do without a key.

    Raises:
        ValueError: A key that is needed is missing, has another shape or holds NaN, or there are no weights at all.
    """
    state = weights_of(checkpoint, path)
    theirs = {
        key.removeprefix('module.'): tuple(value.shape) for key, value in state.items() if hasattr(value, 'shape')
    }
    mine = {key.removeprefix('module.'): tuple(value.shape) for key, value in unwrapped(model).state_dict().items()}
    needed = {key: shape for key, shape in mine.items() if not optional(key)}
    wrong = [key for key, shape in needed.items() if theirs.get(key) != shape]
    if wrong:
        got = theirs.get(wrong[0], 'nothing')
        unexpected = next((key for key in theirs if key not in mine), 'none')
        raise ValueError(
            f'A checkpoint of this network is needed, got {path}, of which {len(needed) - len(wrong)} of {len(needed)} '
            f'entries fit: first wrong {wrong[0]}, needs {needed[wrong[0]]}, got {got}; first unexpected {unexpected}. '
            'Does the config belong to the checkpoint?'
        )
    own = {key.removeprefix('module.'): value for key, value in unwrapped(model).state_dict().items()}
    check_entries({key: own[key] for key in needed}, {key.removeprefix('module.'): value for key, value in state.items()}, path)


def check_entries(mine: Mapping[str, Any], theirs: Mapping[str, Any], path: str) -> None:
    """Whether what a checkpoint has under a network's keys are numbers that the network can hold; torch would round or cut others.

    Args:
        mine: The network's entries.
        theirs: The checkpoint's.
        path: For the sentence.

    Raises:
        ValueError: Complex or whole numbers for real ones, or NaN.
    """
    for key, value in theirs.items():
        wanted = mine.get(key)
        if not isinstance(value, Tensor) or not isinstance(wanted, Tensor):
            continue
        if value.is_complex() != wanted.is_complex() or (wanted.is_floating_point() and not value.is_floating_point()):
            raise ValueError(
                f'A checkpoint of this network is needed, got {path}, where {key} is of {value.dtype} and not of {wanted.dtype}. Was it '
                'quantised, or written by another program?')
        if value.is_floating_point() and bool(value.isnan().any()):
            raise ValueError(
                f'A checkpoint of numbers is needed, got {path}, where {int(value.isnan().sum())} of {value.numel()} in {key} are NaN. '
                'Take one from before its training diverged.')
