"""ClassMeansHook: class means for the losses that need them (NDLoss), computed before training."""

from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch import Tensor

from mmkd_ext.class_means.compute import ClassMeans, clean_data, means_of_teacher
from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.errors import check_whole
from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class ClassMeansHook(Hook):
    """Give every loss that asks for class means those of its teacher.

    Without a file of them the teacher makes one pass over the training data, each process over its share and each sample
    once, without batch augmentations. The file then serves later runs and resumed ones.

    Args:
        file: The file, relative to the work dir; with several teachers their names are added. None: in the folder
            `class_means` beside the work dir, one for each teacher, data and pipeline, which all runs there share.
        clean: Without the training augmentation: the validation pipeline. The paper augments.
        max_images: Images to look at, evenly spaced; None: all.

    Raises:
        ValueError: A model without losses that want class means, an option that is none, a file of another teacher, data or pipeline, or no
            sample of a class that occurs. Classes that never occur are warned of.

    Example:
        In a config, beside a loss that needs class means (`mmkd_ext.NDLoss`):

        >>> custom_hooks = [dict(type='mmkd_ext.ClassMeansHook', clean=True)]
        >>> HOOKS.build(custom_hooks[0]).clean
        True
    """

    priority = 'VERY_HIGH'  # before EMAHook copies the model

    def __init__(self, file: str | None = None, clean: bool = False, max_images: int | None = None) -> None:
        check_whole('ClassMeansHook', max_images=max_images)
        if not isinstance(file, str | None) or file == '':
            raise ValueError(f'ClassMeansHook needs file to be a path, got {file!r}.')
        self.file, self.clean, self.max_images = file, clean, max_images
        self._made: list[tuple[Any, Tensor, list[str]]] = []

    def before_run(self, runner: Runner) -> None:
        """Set the means; before a checkpoint is loaded; a resumed run goes on with the means in it."""
        if not isinstance(getattr(runner, '_train_loop', None), BaseLoop):  # validation or a test alone
            return
        model = unwrapped(runner.model)
        losses = getattr(model, 'distill', {})
        wanting = {name: loss for name, loss in losses.items() if loss.needs_class_means}
        if not wanting:
            raise ValueError(
                f'ClassMeansHook needs a distiller with a loss that follows class means (mmkd_ext.NDLoss), got '
                f'{type(model).__name__} with losses {", ".join(losses) or "none"}.'
            )
        loader, dataset = runner.cfg.train_dataloader, runner.train_dataloader.dataset
        if self.clean:
            loader, dataset = clean_data(runner.cfg)
        device = next(model.parameters()).device
        work_dir = Path(runner.work_dir)
        found: dict[str, ClassMeans] = {}
        for name, loss in wanting.items():
            key = model.teacher_name_of(name)
            if key not in found:
                path = None if self.file is None else work_dir / self.file
                if path is not None and len(model.teachers) > 1:
                    path = path.with_stem(f'{path.stem}_{key}')
                found[key] = means_of_teacher(
                    model, model.teachers[key], loader, dataset, path, work_dir.parent / 'class_means', runner.seed or 0,
                    self.max_images)
            self._made.append((loss, found[key].means.to(device, torch.float32), found[key].names))
            loss.set_class_means(*self._made[-1][1:])

    def before_train(self, runner: Runner) -> None:
        """Set them again where a run only started from a checkpoint: its means may be those of another teacher."""
        for loss, means, names in [] if runner._resume else self._made:
            loss.set_class_means(means, names)
