"""Settings of hooks that would end a run, or lose its work, only after an epoch."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from mmengine.dataset import Compose
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook


def check_hook_settings(hooks: Sequence[Hook], dataset: Any) -> None:
    """Names of checkpoints, the patience of an early stop, and a pipeline to switch to.

    Args:
        hooks: Of the run.
        dataset: Of the training, built.

    Raises:
        ValueError: Checkpoints that would replace one another or land in another folder; a patience that is no whole number of 0 or more;
            a pipeline that cannot be built, or that the data set does not run.
    """
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and not _names_files(hook.filename_tmpl):
            raise ValueError(
                "The CheckpointHook needs filename_tmpl to be a file's name with one {} for the epoch or iteration, such as "
                f"'epoch_{{}}.pth', got {hook.filename_tmpl!r}. Look at default_hooks.checkpoint.filename_tmpl; out_dir names a folder.")
        if isinstance(hook, EarlyStoppingHook) and not (type(hook.patience) is int and hook.patience >= 0):
            raise ValueError(
                f'The EarlyStoppingHook needs patience to be a whole number of validations, 0 or more, got {hook.patience!r}. '
                'Look at it in custom_hooks.')
        if any(kind.__name__ == 'PipelineSwitchHook' for kind in type(hook).__mro__):  # by name, so that mmdet is not imported
            _check_switch(hook, dataset)


def _names_files(template: Any) -> bool:
    try:
        names = [template.format(number) for number in (1, 2)]
    except (AttributeError, IndexError, KeyError, ValueError, TypeError):
        return False
    return len(set(names)) == 2 and template.count('{') == 1 and all(PurePath(each).name == each for each in names)


def _check_switch(hook: Any, dataset: Any) -> None:
    if not hasattr(dataset, 'pipeline'):
        raise ValueError(
            f'PipelineSwitchHook needs a data set with a pipeline of its own, got {type(dataset).__name__}, whose inner one it does not '
            'reach: nothing would be switched. Look at train_dataloader.dataset and custom_hooks.')
    try:
        Compose(list(hook.switch_pipeline))
    except Exception as error:
        raise ValueError(
            f'PipelineSwitchHook needs a pipeline that can be built, got {" ".join(str(error).split())[:300]}. Look at switch_pipeline in '
            'custom_hooks.') from error
