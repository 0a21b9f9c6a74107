"""What the doctor looks at: a run as it would start, in a folder that goes away, and a few of its training batches."""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.weights import weights_of
from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.engine.progress import as_at_the_start
from mmkd_ext.engine.random_state import random_state_kept
from mmkd_ext.errors import PreflightError
from mmkd_ext.preflight.check_run import check_train
from mmkd_ext.preflight.class_names import ClassOrderError
from mmkd_ext.preflight.needed_class_means import check_class_means
from mmkd_ext.preflight.trial_batches import OneImageError
from mmkd_ext.running.launch import build_runner


@dataclass
class Patient:
    """A run that is not started.

    Attributes:
        cfg: Its config.
        runner: Built, with its data.
        model: With the weights that training starts from, on the device.
        wrapper: Of the optimizer.
        batches: Training batches, as the loader gives them.
        load_seconds: Of one batch, in one process.
        workers: That load batches in the run.
        problems: What the checks before a run refuse and the doctor can go on with.
    """

    cfg: Config
    runner: Runner
    model: Any
    wrapper: OptimWrapper
    batches: list[Any]
    load_seconds: float
    workers: int
    problems: list[ValueError] = field(default_factory=list)

    def prepared(self, batch: Any, training: bool) -> dict[str, Any]:
        """A batch as the model takes it; without mixed images unless it is for training."""
        pads = getattr(getattr(self.model, 'reader', None), 'pads_in_training', False)  # a plain model has no reader
        return self.model.data_preprocessor(copy.deepcopy(batch), training or pads)

    @property
    def teachers(self) -> dict[str, Any]:
        """The frozen ones, by name; each of an ensemble by itself."""
        found: dict[str, Any] = {}
        for name, teacher in getattr(self.model, 'teachers', {}).items():
            members = getattr(teacher, 'teachers', None)
            found.update({name: teacher} if members is None else {f'{name}.{i}': each for i, each in enumerate(members)})
        return found

    @property
    def size(self) -> int:
        """Images of a batch."""
        return int(getattr(self.runner.train_dataloader.batch_sampler, 'batch_size', None) or 1)


@contextmanager
def admitted(cfg: Config, count: int, device: str) -> Iterator[Patient]:
    """A config's run as far as the doctor needs it; the config and the random state stay as they are.

    Args:
        cfg: With a work dir that goes away.
        count: Batches.
        device: Where it is looked at.

    Raises:
        PreflightError: A config that cannot be built, as before a run.
        ValueError: Likewise.
    """
    cfg = copy.deepcopy(cfg)
    workers = int((cfg.train_dataloader or {}).get('num_workers') or 0)
    for name in ('train_dataloader', 'val_dataloader'):
        if cfg.get(name) is not None:
            cfg[name].update(num_workers=0, persistent_workers=False)
            for key in ('prefetch_factor', 'timeout', 'multiprocessing_context'):
                cfg[name].pop(key, None)
    cfg.update(resume=False, launcher='none', log_level='ERROR', compile=False)
    (cfg.get('default_hooks') or {}).get('checkpoint', {}).pop('out_dir', None)
    with random_state_kept():
        runner: Any = build_runner(cfg)
        if not isinstance(runner, Runner):
            raise PreflightError(f"A config of mmengine's Runner is needed, got runner_type {type(runner).__name__}.")
        problems: list[ValueError] = []
        try:
            check_train(runner)
        except (OneImageError, ClassOrderError) as error:
            problems.append(error)
        start_from = {} if cfg.get('load_from') is None else weights_of(read_checkpoint(cfg.load_from), cfg.load_from)
        check_class_means(runner, start_from)
        model: Any = unwrapped(runner.model)
        model.init_weights()
        model.load_state_dict(start_from, strict=False)
        model.to(device)
        wrapper = runner.build_optim_wrapper(copy.copy(runner.optim_wrapper))
        start = time.perf_counter()
        batches = list(islice(runner.train_dataloader, count))
        seconds = (time.perf_counter() - start) / max(len(batches), 1)
        patient = Patient(cfg, runner, model, wrapper, batches, seconds, workers, problems)  # type: ignore[arg-type]
        _give_means(patient)
        with as_at_the_start():
            yield patient


@torch.no_grad()
def _give_means(patient: Patient) -> None:
    """Class means of the batches alone, for losses that follow those of all training data."""
    losses = getattr(patient.model, 'distill', {})
    for name, loss in losses.items():
        if not loss.needs_class_means or loss.class_means is not None:
            continue
        teacher = patient.model.teachers[patient.model.teacher_name_of(name)]
        samples = [patient.model.class_mean_samples(teacher, patient.prepared(batch, False)) for batch in patient.batches]
        embeddings = torch.cat([said.embedding.float() for said, _ in samples])
        rows = torch.cat([row for _, row in samples])
        loss.set_class_means(_means(embeddings, rows, patient.model.reader.mean_rows(patient.model.num_classes)[0]))


def _means(embeddings: Tensor, rows: Tensor, count: int) -> Tensor:
    """(rows, D); rows without a sample have the mean of all."""
    shares = torch.nn.functional.one_hot(rows, count).float() if rows.ndim == 1 else rows.float()
    sums, counts = shares.t() @ embeddings, shares.sum(dim=0)[:, None]
    return torch.where(counts > 0, sums / counts.clamp(min=1e-6), embeddings.mean(dim=0))
