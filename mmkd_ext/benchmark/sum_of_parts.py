"""Baselines for a distiller's step: the student's step and the teachers' forward passes, each alone."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmkd_ext.class_means.compute import batches_of, compute_class_means
from mmkd_ext.datasets.listed_data import build_data
from mmkd_ext.models.build import build_model
from mmkd_ext.models.teachers.teacher_ensemble import is_ensemble, specs_by_name

from .branches import StudentWithBranches
from .detectors import DetectorAlone
from .steps import Timing, compare_calls


class TeacherAlone(nn.Module):
    """A teacher's bare network as one model to time: one forward pass without gradient, and no loss."""

    def __init__(self, teacher: Any) -> None:
        super().__init__()
        self.network = [teacher.network]  # in a list, so that train() does not reach it

    @torch.no_grad()
    def forward(self, images: Tensor, samples: list, mode: str) -> dict[str, Tensor]:
        """Run the network."""
        self.network[0].to(images.device)(images)
        return {}


def distiller_parts(cfg: Config, compiled: bool = False) -> dict[str, nn.Module]:
    """The parts of a distiller's step, with random weights: student, each teacher, the distiller, and one with bf16 teachers.

    Where a loss has branches on the student, there is a student with them too.

    Args:
        cfg: The distiller's.
        compiled: Whether to add one with compiled bf16 teachers.
    """
    model: Any = build_with_random_teachers(cfg)
    parts: dict[str, nn.Module] = {'student': model.student}
    if any(loss.has_branches for loss in model.distill.values()):
        parts['student with branches'] = StudentWithBranches(model)
    parts.update({
        name: TeacherAlone(teacher) if model.kind.shares_samples else DetectorAlone(teacher, model.student)
        for name, teacher in model.teachers.items()})
    parts['ours'] = model
    parts['ours, bf16 teacher'] = build_with_random_teachers(cfg, precision='bf16')
    if compiled:
        parts['ours, compiled bf16 teacher'] = build_with_random_teachers(cfg, precision='bf16', compile=True)
    return parts


def build_with_random_teachers(cfg: Config, **how: Any) -> nn.Module:
    """A distiller whose teachers and class means are random: their values change nothing in what a step costs.

    Args:
        cfg: Its config.
        how: Further keys of every teacher's spec, such as `precision`.
    """
    cfg = copy.deepcopy(cfg)  # mmengine's `copy` shares the parts inside
    specs = {name: _random(each, how) for name, each in specs_by_name(cfg.model.teacher).items()}
    cfg.model.teacher = specs['teacher'] if list(specs) == ['teacher'] else specs  # of several that train together it is one
    model: Any = build_model(cfg)
    for loss in model.distill.values():
        if loss.needs_class_means:
            loss.set_class_means(torch.rand(model.reader.mean_rows(model.num_classes)[0], loss.means_width) + 0.1)
    return model


def _random(spec: Any, how: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of the same network with random weights; of each network where they are several as one."""
    if is_ensemble(spec):
        return {**spec, 'teachers': [_random(each, how) for each in spec['teachers']]}
    words = spec if isinstance(spec, Mapping) else {'model': spec}
    return {**words, 'checkpoint': None, 'allow_random': True, **how}


def class_means_cost(cfg: Config, rounds: int, threads: int) -> list[Timing]:
    """Seconds for the first teacher's bare network over the training data, and for the class means from the same loader."""
    model: Any = build_with_random_teachers(cfg)
    teacher = next(iter(model.teachers.values()))
    loader = {'collate_fn': {'type': 'default_collate'}, **cfg.train_dataloader}
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        dataset = build_data(cfg.train_dataloader.dataset, 'train')
        names = [str(k) for k in range(teacher(torch.zeros(1, *model.input_shape), once=True).logits.shape[1])]

        @torch.no_grad()
        def bare() -> None:
            for images, _ in batches_of(model, loader, dataset):
                teacher.network(images)

        def means() -> None:
            compute_class_means(teacher, batches_of(model, loader, dataset), names)

        return compare_calls({'bare teacher pass': bare, 'class means': means}, rounds, threads)


def sum_of(timings: list[Timing], names: list[str], precision: str) -> Timing:
    """Several networks' steps one after the other, round by round."""
    parts = [timing for timing in timings if timing.name in names and timing.precision == precision]
    rounds = [sum(seconds) for seconds in zip(*(part.seconds for part in parts), strict=True)]
    return Timing('sum', precision, rounds, sum(part.peak_mb for part in parts))
