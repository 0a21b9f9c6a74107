"""A check of a batch's labels before it moves to the device, where it costs no synchronisation. N samples, K classes."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmkd_ext.losses.classes_without_mean import refuse_samples_without_mean


def look_at_labels(preprocessor: nn.Module, losses: nn.ModuleDict, period: int | None = None) -> None:
    """Let a preprocessor refuse training samples of classes of which a loss has no class mean.

    Args:
        preprocessor: Of the distiller.
        losses: Of the distiller.
        period: In detection, the rows of the class means of each box head.
    """
    preprocessor.register_forward_pre_hook(partial(_refuse, losses, period), with_kwargs=True)


def _refuse(losses: nn.ModuleDict, period: int | None, _: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    data, training, *_rest = (*args, *kwargs.values(), False)
    absent: dict[int, str] = {}
    owner = ''
    modules: Any = losses.values()
    for loss in modules:
        for k, name in loss.without_mean.items():
            absent.setdefault(k % period if period else k, name)
            owner = owner or type(loss).__name__
    if not training or not absent or not isinstance(data, Mapping):
        return
    samples = [(sample, labels) for sample in data.get('data_samples') or () if (labels := _labels_of(sample)) is not None]
    if samples and samples[0][1].device.type == 'cpu':
        for sample, labels in samples:
            refuse_samples_without_mean(labels, absent, sample.get('img_path') or 'the training data', owner)


def _labels_of(sample: Any) -> Tensor | None:
    """(M,) labels of an image or of its boxes."""
    if 'gt_instances' in sample:
        return sample.gt_instances.labels
    if 'gt_label' in sample:
        return torch.as_tensor(sample.gt_label).flatten()
    return sample.gt_score.gt(0).nonzero().flatten() if 'gt_score' in sample else None
