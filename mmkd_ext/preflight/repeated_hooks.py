"""Hooks of which a second one undoes or doubles what the first does, where mmengine runs both without a word."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmengine.hooks import CheckpointHook, EMAHook, Hook

from mmkd_ext.hooks.loss_warmup_hook import LossWarmupHook

# what two hooks of a class must not have in common, and in words why
_APART: dict[type[Hook], tuple[Callable[[Any], object], str]] = {
    LossWarmupHook: (lambda hook: hook.loss, 'the weight of losses.{} would be that of the last one'),
    EMAHook: (lambda hook: '', 'each would average, and validate, what the other has swapped in'),
    CheckpointHook: (lambda hook: (hook.out_dir, hook.filename_tmpl), 'both would write {0[1]}, and each delete files of the other'),
}


def check_repeated(cfg: Mapping[str, Any], hooks: Sequence[Hook]) -> None:
    """Whether no hook is there twice.

    Args:
        cfg: Of the run.
        hooks: Of the run, built.

    Raises:
        ValueError: Two equal entries of custom_hooks, two ramps of one loss, two averages of the weights, or two hooks that write
            checkpoints of the same names.
    """
    for kind, (common, why) in _APART.items():
        values = [common(hook) for hook in hooks if isinstance(hook, kind)]
        twice = next((value for k, value in enumerate(values) if value in values[:k]), None)
        if twice is not None:
            raise ValueError(
                f'One {kind.__name__} is needed for each thing, got {values.count(twice)}: {why.format(twice)}. Look at custom_hooks and '
                'default_hooks.')
    entries = list(cfg.get('custom_hooks') or ())
    for k, entry in enumerate(entries):
        if isinstance(entry, Mapping) and entry in entries[:k]:
            raise ValueError(
                f'Hooks that differ are needed as custom_hooks, got {entry.get("type")} twice with the same settings: all that it does '
                f'would be done twice. Look at custom_hooks.{entries.index(entry)} and custom_hooks.{k}.')
