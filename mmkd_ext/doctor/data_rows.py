"""Findings about the training data: images that are no numbers, the last batch, and classes without samples. K classes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.nn.modules.batchnorm import _BatchNorm

from mmkd_ext.datasets.listed_data import infos_of
from mmkd_ext.preflight.finite_images import images_without_numbers
from mmkd_ext.preflight.trial_batches import OneImageError, last_batch

from .patient import Patient
from .rows import LOOK, OK, WRONG, Row, some


def image_rows(patient: Patient) -> list[Row]:
    """Images that are no numbers; the batches that hold them are taken out of those that are looked at."""
    bad, sound = [], []
    for batch in patient.batches:
        data = patient.prepared(batch, True)
        found = images_without_numbers(data['inputs'], data['data_samples'])
        bad += found
        sound += [] if found else [batch]
    if not bad:
        return []
    text = f'{len(bad)} images of {len(patient.batches)} batches hold NaN or Inf ({some(bad)}): training would stop at the first'
    patient.batches[:] = sound
    end = 'the other rows are of the other batches' if sound else 'nothing else can be looked at'
    return [Row(WRONG, 'images', f'{text}; {end}.', {'images': bad})]


def data_rows(patient: Patient) -> list[Row]:
    """The last batch of an epoch, and the samples of each class."""
    return [_last(patient), *_classes(patient)]


def _last(patient: Patient) -> Row:
    problem = next((each for each in patient.problems if isinstance(each, OneImageError)), None)
    if problem is not None:
        return Row(WRONG, 'last batch', str(problem))
    last, size = last_batch(patient.runner.train_dataloader), patient.size
    figures = {'last': last, 'batch_size': size}
    if last is None:
        return Row(OK, 'last batch', f'batches of {size} images do not end.', figures)
    if last == 1 and any(isinstance(module, _BatchNorm) for module in patient.model.modules()):
        text = f'an epoch ends with 1 image, of which BatchNorm takes its statistics: set drop_last=True or look at batch_size ({size}).'
        return Row(LOOK, 'last batch', text, figures)
    return Row(OK, 'last batch', f'an epoch ends with {last} of {size} images.', figures)


def _classes(patient: Patient) -> list[Row]:
    counts, val = (_counts(getattr(loader, 'dataset', None)) for loader in (
        patient.runner.train_dataloader, getattr(patient.runner.val_loop, 'dataloader', None)))
    classes = _number(patient)
    if not counts or not classes:  # none without a head
        return []
    names = (getattr(patient.runner.train_dataloader.dataset, 'metainfo', None) or {}).get('classes')
    absent = [k for k in range(classes) if not counts[k]]
    each = [counts[k] for k in range(classes)]
    figures = {'classes': classes, 'counts': each, 'without': absent}
    if not absent:
        return [Row(OK, 'samples', f'each of {classes} classes has samples, {min(each)} to {max(each)}.', figures)]
    judged = [k for k in absent if val[k]]
    words = [str(names[k]) if names is not None and k < len(names) else str(k) for k in absent]
    end = f', {len(judged)} of which the validation has' if judged else ', which the validation has none of either'
    text = f'{len(absent)} of {classes} classes have no training sample ({some(words)}){end}.'
    return [Row(WRONG if judged else LOOK, 'samples', text, figures)]


def _counts(dataset: Any) -> Counter:
    """Samples by class, of images or of boxes that count."""
    found: Counter = Counter()
    for info in infos_of(dataset) if dataset is not None else ():
        boxes = [each.get('bbox_label') for each in info.get('instances') or () if not each.get('ignore_flag')]
        label = info.get('gt_label')
        for each in (label if isinstance(label, int | Sequence | np.ndarray | np.integer) else None, *boxes):
            if each is not None:
                found.update(np.asarray(each).ravel().tolist())
    return found


def _number(patient: Patient) -> int | None:
    """K of the student."""
    known = getattr(patient.model, 'num_classes', None)
    if isinstance(known, int):
        return known
    for module in patient.model.modules():
        classes = getattr(module, 'num_classes', None)
        if isinstance(classes, int) and classes > 0:
            return classes
    return None
