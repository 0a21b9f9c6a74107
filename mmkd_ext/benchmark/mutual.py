"""Baselines for a step of mutual learning: each network's own training step."""

from typing import Any

from mmengine.config import Config
from torch import nn

from mmkd_ext.models.build import build_model

from .sum_of_parts import TeacherAlone, build_with_random_teachers


def mutual_parts(cfg: Config) -> dict[str, nn.Module]:
    """Every network that trains, alone; a frozen teacher's forward pass; and 'ours', all of them with their terms.

    Args:
        cfg: Of a `MutualLearningDistiller`.
    """
    model: Any = build_with_random_teachers(cfg) if cfg.model.get('freeze_teacher') else build_model(cfg)
    return {
        **dict(model.networks.items()),
        **{name: TeacherAlone(teacher) for name, teacher in model.teachers.items()},
        'ours': model,
    }
