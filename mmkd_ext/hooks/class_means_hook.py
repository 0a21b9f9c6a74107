"""The class means that the ND loss needs, made before training without being asked for."""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, get_rank, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import DATASETS, FUNCTIONS
from mmengine.runner import BaseLoop, Runner
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from mmkd_ext.class_means import compute_class_means, digest, load_class_means, save_class_means
from mmkd_ext.hooks.epoch_seed_hook import seed_everything
from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class ClassMeansHook(Hook):
    """Give every loss that asks for class means those of its teacher.

    Where the work dir has no file of them, the teacher makes one pass over the training data, each process over its
    share and each sample once, without batch augmentations; the file then serves later runs and resumed ones.

    Args:
        file: The file, relative to the work dir; with several teachers their names are added.
        clean: Without the training augmentation: the validation pipeline. The paper augments.

    Raises:
        ValueError: A model without losses that want class means, a file of another teacher, data or pipeline, or a
            class without samples.
    """

    priority = 'VERY_HIGH'  # before EMAHook copies the model

    def __init__(self, file: str = 'class_means.pth', clean: bool = False) -> None:
        self.file, self.clean = file, clean

    def before_run(self, runner: Runner) -> None:
        """Set the means; before a checkpoint is loaded, whose own means then replace them."""
        if not isinstance(getattr(runner, '_train_loop', None), BaseLoop):  # validation or a test alone
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        losses = getattr(model, 'distill', {})
        wanting = {name: loss for name, loss in losses.items() if hasattr(loss, 'set_class_means')}
        if not wanting:
            raise ValueError(
                f'ClassMeansHook needs a distiller with a loss that follows class means (mmkd_ext.NDLoss), got '
                f'{type(model).__name__} with losses {", ".join(losses) or "none"}.'
            )
        device = next(model.parameters()).device
        found: dict[int, Tensor] = {}
        for name, loss in wanting.items():
            teacher = model.teacher_of(name)
            if id(teacher) not in found:
                several = len(model.teachers) > 1
                key = next(key for key, each in model.teachers.items() if each is teacher)
                path = Path(runner.work_dir) / self.file
                path = path.with_stem(f'{path.stem}_{key}') if several else path
                found[id(teacher)] = self._means(runner, model, teacher, path)
            loss.set_class_means(found[id(teacher)].to(device, torch.float32))

    def _means(self, runner: Runner, model: Any, teacher: Any, path: Path) -> Tensor:
        cfg = copy.deepcopy(dict(runner.cfg.train_dataloader.dataset))
        dataset = runner.train_dataloader.dataset
        if self.clean:
            cfg['pipeline'] = runner.cfg.val_dataloader.dataset.pipeline
            dataset = DATASETS.build(cfg)
        provenance = {
            'teacher': teacher.fingerprint()[:16],
            'data': digest((sorted((k, str(v)) for k, v in cfg.items() if k != 'pipeline'), len(dataset))),
            'pipeline': digest((str(cfg.get('pipeline')), str(model.data_preprocessor.__dict__.get('to_rgb')),
                                _numbers(model.data_preprocessor))),
        }  # fmt: skip
        answer = [self._read(path, provenance) if is_main_process() else None]
        broadcast_object_list(answer)  # one process reads, and all of them hear of a refusal
        kept = answer[0]
        if isinstance(kept, str):
            raise ValueError(kept)
        if kept is not None:
            runner.logger.info(f'Class means of {teacher.name} from {path}.')
            return kept
        runner.logger.info(f'Class means: one pass of {teacher.name} over {len(dataset)} training images.')
        names = (getattr(dataset, 'metainfo', None) or {}).get('classes')
        classes = [str(k) for k in range(_classes(model))] if names is None else list(names)
        with _own_random_state(runner.seed or 0):
            batches = self._batches(runner, model, dataset)
            means, counts = compute_class_means(teacher, batches, classes)
        if is_main_process():
            save_class_means(path, means, counts, provenance)
        return means

    @staticmethod
    def _read(path: Path, provenance: dict[str, str]) -> Tensor | str | None:
        if not path.exists():
            return None
        try:
            return load_class_means(path, provenance)
        except ValueError as error:
            return str(error)

    @staticmethod
    def _batches(runner: Runner, model: Any, dataset: Dataset) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's share: each sample once, which a sampler that fills up the last batch does not give."""
        cfg = runner.cfg.train_dataloader
        collate = copy.deepcopy(dict(cfg.get('collate_fn') or {'type': 'pseudo_collate'}))
        loader: DataLoader = DataLoader(
            Subset(dataset, range(get_rank(), len(dataset), get_world_size())),  # type: ignore[arg-type]
            batch_size=cfg.get('batch_size') or runner.train_dataloader.batch_size,
            num_workers=cfg.get('num_workers', 0),
            collate_fn=partial(FUNCTIONS.get(collate.pop('type')), **collate),  # type: ignore[arg-type]
            worker_init_fn=_seed_worker,
        )
        for batch in loader:
            data = model.data_preprocessor(batch, False)
            yield data['inputs'], torch.cat([sample.gt_label for sample in data['data_samples']])


def _classes(model: Any) -> int:
    head = getattr(model.student, 'head', None)
    return getattr(head, 'num_classes', None) or model.student.model.num_classes


def _numbers(preprocessor: Any) -> list[list[float]]:
    return [buffer.flatten().tolist() for _, buffer in sorted(preprocessor.named_buffers())]


def _seed_worker(worker_id: int) -> None:
    seed_everything(torch.initial_seed() % 2**63, worker_id)


@contextmanager
def _own_random_state(seed: int) -> Iterator[None]:
    """The same augmentations whatever was drawn before; and the run draws as if there had been none."""
    state, numpy_state = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            seed_everything(seed, get_rank())
            yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)
