"""Warnings before a training of what its data leave out without a word: classes without samples, and files that are not taken."""

import os
from collections.abc import Iterator
from logging import WARNING
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset
from torch import nn

from mmkd_ext.class_means.classes_without_samples import listed_labels
from mmkd_ext.datasets.listed_data import LISTED, described, leaves
from mmkd_ext.losses.classes_without_mean import listed

_IMAGES = frozenset(
    '.jpg .jpeg .jpe .jfif .png .ppm .bmp .dib .pgm .pbm .pnm .tif .tiff .webp .gif .avif .heic .jp2 .exr .dcm .npy .svg'.split())


def warn_of_passed_over(model: nn.Module, dataset: Any) -> None:
    """Name the classes that have no sample, and one of the files in the folders of classes that the data set does not take.

    Class means have a warning of their own, of the classes that they lack. Of more than `LISTED` samples nothing is counted.

    Args:
        model: Out of its wrapper.
        dataset: Of the training.
    """
    if not hasattr(dataset, 'get_data_info') or len(dataset) > LISTED:
        return
    names = (getattr(dataset, 'metainfo', None) or {}).get('classes') or ()
    found = listed_labels(dataset)
    absent = [k for k in range(len(names)) if k not in found]
    if found and absent and not any(loss.needs_class_means for loss in getattr(model, 'distill', nn.ModuleDict()).values()):
        print_log(
            f'The training data has no sample of {len(absent)} of {len(names)} classes: {listed(f"{k} ({names[k]})" for k in absent)}; all '
            f'that is learned of these is that no image shows them. Look at {described(dataset)}.', 'current', WARNING)
    for leaf in leaves(dataset):
        files = list(_not_taken(leaf))
        if files:
            print_log(
                f'{len(files)} files that look like images are passed over, such as {files[0]}: {type(leaf).__name__} takes those in the '
                f'folders of classes that end in {", ".join(sorted(leaf.extensions))} and are not hidden. Look at extensions of '
                'train_dataloader.dataset, or move them.', 'current', WARNING)


def _not_taken(leaf: Any) -> Iterator[Path]:
    """Files below the folder of a data set of class folders that end like images."""
    if not isinstance(leaf, CustomDataset) or leaf.ann_file or not leaf.with_label or '://' in leaf.img_prefix:
        return
    top = Path(leaf.img_prefix)
    for folder, _, files in os.walk(top):
        for name in sorted(files):
            taken = leaf.is_valid_file(name) and not name.startswith('.') and Path(folder) != top
            if Path(name).suffix.lower() in _IMAGES and not taken and not name.startswith('._'):  # the last: of macOS, no images
                yield Path(folder, name)
