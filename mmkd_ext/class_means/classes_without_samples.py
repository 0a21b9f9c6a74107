"""Classes without samples when class means are computed: a warning, or an error where the annotations list some. K classes."""

from collections.abc import Sequence
from logging import WARNING
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch import Tensor

from mmkd_ext.datasets.listed_data import infos_of
from mmkd_ext.losses.classes_without_mean import listed


def check_counts(counts: Tensor, names: Sequence[str], dataset: Any, classes: int | None = None, limit: int | None = None) -> None:
    """Warn of the classes without samples, which need no mean.

    Args:
        counts: (K,) samples per row of the class means.
        names: Of the rows.
        dataset: What the means were made of, all of it.
        classes: In detection, without the background, of which rows there are one more for each box head.
        limit: How many images were looked at; None: all.

    Raises:
        ValueError: One of them is listed in the data, or is the background, so that samples of it will come.
    """
    absent = (counts == 0).nonzero().flatten().tolist()
    if not absent:
        return
    occurring = listed_labels(dataset) | ({classes} if classes is not None else set())
    period = len(names) if classes is None else classes + 1
    coming = [k for k in absent if k % period in occurring]
    if coming:
        raise ValueError(
            f'Class means need samples of all classes that occur, got none of {listed(f"{k} ({names[k]})" for k in coming)} in '
            f'{len(dataset) if limit is None else limit} images, though the annotations have some. Look at train_dataloader.dataset'
            f'{" and at max_images" if limit is not None else ""}.')
    print_log(
        f'The training data has no sample of {len(absent)} of {len(names)} classes: {listed(f"{k} ({names[k]})" for k in absent)}. These '
        'have no class mean, and training would stop at a sample of one of them.', 'current', WARNING)


def listed_labels(dataset: Any) -> set[int]:
    """The classes that a data set lists before any image is read: of images, or of boxes that count."""
    found: set[int] = set()
    for info in infos_of(dataset):
        labels = [each.get('bbox_label') for each in info.get('instances') or () if not each.get('ignore_flag')]
        found.update(int(x) for each in (info.get('gt_label'), *labels) if each is not None for x in np.ravel(each))
    return found
