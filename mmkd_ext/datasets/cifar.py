"""CIFAR from the published archive or from class folders, in memory."""

from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from mmengine.logging import print_log
from mmpretrain.datasets import CIFAR10 as ArchiveCIFAR10
from mmpretrain.datasets import CIFAR100 as ArchiveCIFAR100

from mmkd_ext.registry import DATASETS

from .in_memory import InMemory

_IMAGES = ('.png', '.jpg', '.jpeg', '.bmp')


class _Folders:
    """Reads `train/<class>/*.png` and `test/<class>/*.png` where the archive is not there.

    The labels are those of the archive, and so is the channel order, RGB. The first images of all classes come first, then the second
    ones and so on, so that any first few of them (`indices`) are of all classes.
    """

    class_folders = True

    def load_data_list(self) -> list[dict[str, Any]]:
        """Images as `img`, uint8 of (32, 32, 3) in RGB, with `gt_label`."""
        root = Path(self.data_prefix['root'])  # type: ignore[attr-defined]
        archive = [root / self.base_folder, root / self.filename]  # type: ignore[attr-defined]
        folders = [root / part for part in ('train', 'test')]
        name = type(self).__name__
        if any(path.exists() for path in archive) or not any(path.is_dir() for path in folders):
            print_log(f'{name}: the {self.split} images of the published archive in {root}.', 'current')  # type: ignore[attr-defined]
            return super().load_data_list()  # type: ignore[misc]
        folder = root / self.split  # type: ignore[attr-defined]
        print_log(f'{name}: the {self.split} images of the class folders in {folder}.', 'current')  # type: ignore[attr-defined]
        return read_class_folders(folder, self.CLASSES, name)  # type: ignore[attr-defined]


def read_class_folders(folder: Path, classes: tuple[str, ...], name: str) -> list[dict[str, Any]]:
    """Images of 32 px, in RGB, with their labels, from a folder for each class.

    Args:
        folder: What holds the classes' folders.
        classes: Their names, in the order of the labels.
        name: Of the dataset, for messages.

    Raises:
        ValueError: Other folders than the classes', one without images, or a file that is no image of 32 px.
    """
    found = {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith('.')} if folder.is_dir() else set()
    missing, surplus = sorted(set(classes) - found), sorted(found - set(classes))
    if missing or surplus:
        raise ValueError(
            f'{name} needs a folder for each of its {len(classes)} classes in {folder}, got '
            f'{f"none for {_some(missing)}" if missing else ""}{" and " if missing and surplus else ""}'
            f'{f"one for {_some(surplus)}, which is no class" if surplus else ""}. Look at data_root.'
        )
    listed = []
    for label, each in enumerate(classes):
        files = sorted(path for path in (folder / each).iterdir() if path.suffix.lower() in _IMAGES)
        if not files:
            raise ValueError(f'{name} needs images of every class, got none in {folder / each}. Is the copy complete?')
        listed += [(rank, label, path) for rank, path in enumerate(files)]
    listed.sort(key=lambda entry: entry[:2])
    return [dict(img=_read(path, name), gt_label=label) for _, label, path in listed]


def _read(path: Path, name: str) -> np.ndarray:
    try:
        image = mmcv.imfrombytes(path.read_bytes(), flag='color', channel_order='rgb')
    except Exception:  # OpenCV's own error for an empty file
        image = None
    if image is None or image.shape != (32, 32, 3):
        got = 'no image' if image is None else f'one of {image.shape[1]} x {image.shape[0]}'
        raise ValueError(f'{name} needs images of 32 x 32 pixels, got {got} in {path}. Is the copy complete?')
    return image


def _some(names: list[str]) -> str:
    return ', '.join(names[:5]) + (f' and {len(names) - 5} others' if len(names) > 5 else '')


@DATASETS.register_module()
class CIFAR10(InMemory, _Folders, ArchiveCIFAR10):
    """mmpretrain's `CIFAR10`, also from class folders, also in memory by batch (see `InMemory`).

    Example:
        With `lazy_init` nothing is read before the first image is asked for:

        >>> data = CIFAR10(data_root='data/cifar10', split='test', by_batch=True, lazy_init=True)
        >>> data.metainfo['classes'][:3]
        ('airplane', 'automobile', 'bird')
    """


@DATASETS.register_module()
class CIFAR100(InMemory, _Folders, ArchiveCIFAR100):
    """mmpretrain's `CIFAR100`, also from class folders, also in memory by batch (see `InMemory`).

    Example:
        With `lazy_init` nothing is read before the first image is asked for:

        >>> data = CIFAR100(data_root='data/cifar100', split='test', by_batch=True, lazy_init=True)
        >>> len(data.metainfo['classes'])
        100
    """
