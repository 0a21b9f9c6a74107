"""Class means have one row for each of the student's classes."""

from typing import Any

from torch import Tensor

from mmkd_ext.models.outputs.outputs import Outputs


def compared(name: str, loss: Any, student: Outputs, teacher: Outputs, target: Tensor) -> Any:
    """What a loss makes of a student and a teacher that classify images.

    Raises:
        ValueError: It has class means of another number of rows than the student has classes.
    """
    means, classes = loss.class_means if loss.needs_class_means else None, student.logits.shape[1]
    if means is not None and len(means) != classes:
        raise ValueError(
            f'losses.{name} needs class means of {classes} rows, one for each class of the student, got {len(means)}. '
            'Were they made for other data?')
    return loss(student, teacher, target)
