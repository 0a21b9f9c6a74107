"""A folder of images, a folder for each class, looked at before any work: what is in it, and a split where it has none."""

import random
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from mmkd_ext.errors import PreflightError

_ENDINGS = ('.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp')
_VAL = ('val', 'valid', 'validation')
Samples = list[tuple[str, int]]


class Images(NamedTuple):
    """What a folder holds.

    Attributes:
        root: The folder, absolute.
        classes: Names in the order of the labels, as their folders sort.
        train: (path below the root, label) of each image.
        val: Likewise.
        side: The median of the images' shorter sides, in pixels.
        notes: What a user should know of them, a sentence each.
    """

    root: Path
    classes: tuple[str, ...]
    train: Samples
    val: Samples
    side: int
    notes: tuple[str, ...] = ()


def read_images(folder: str | Path, val_share: float, seed: int) -> Images:
    """Look through a folder with train/ and val/, or with the classes' folders, of which a share becomes the validation data.

    Args:
        folder: As said.
        val_share: The share of each class that is held back where there is no val/.
        seed: Of that choice; the same files and seed give the same split.

    Raises:
        PreflightError: No such folder, fewer than two classes, a class without images or with folders in it, classes of val/ that
            train/ lacks, or images that cannot be read.
    """
    root = Path(folder).absolute()
    if not root.is_dir():
        what = 'a file: detectors have configs in configs/nd_loss_det' if root.exists() else 'not there'
        raise PreflightError(f'A folder of images is needed as --data, got {folder}, which is {what}.')
    vals = [root / name for name in _VAL if (root / name).is_dir()]
    notes: list[str] = []
    if vals and not (root / 'train').is_dir():
        raise PreflightError(f'A folder train beside {vals[0].name} is needed, got none in {folder}.')
    top = root / 'train' if (root / 'train').is_dir() else root
    found = _by_class(top)
    classes = tuple(found)
    if len(classes) < 2:
        raise PreflightError(
            f'Two classes or more are needed, a folder of images for each, got {", ".join(classes) or "none"} in {top}.')
    if vals:
        theirs = _by_class(vals[0])
        unknown = [name for name in theirs if name not in found]
        if unknown:
            raise PreflightError(
                f'Classes in {vals[0]} that {top} has are needed, got {", ".join(unknown[:5])} in the former only; the latter has '
                f'{", ".join(classes[:10])}. Look at their spelling.')
        if lacking := [name for name in classes if name not in theirs]:
            notes.append(f'{vals[0].name} has no image of {", ".join(lacking[:5])}: the accuracies say nothing of these.')
        train, val = _listed(root, found, classes), _listed(root, theirs, classes)
    else:
        train, val = _split(root, found, classes, val_share, seed)
        notes.append(f'no folder val: {val_share:.0%} of each class are held back for validation, by the split seed {seed}.')
    check_readable(root, [name for name, _ in train + val])
    return Images(root, classes, train, val, _median_side(root, train), tuple(notes))


def _by_class(folder: Path) -> dict[str, list[Path]]:
    """Class -> its images; hidden files and files that are no images are passed over."""
    found = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith('.')):
        entries = sorted(path for path in place.iterdir() if not path.name.startswith('.'))
        nested = next((path for path in entries if path.is_dir() and any(map(_is_image, path.rglob('*')))), None)
        if nested is not None:
            raise PreflightError(
                f'Images directly in the folder of their class are needed, got {nested} with images in it. Is --data one level too '
                f'high, or should the images of {nested.name} lie in {place}?')
        found[place.name] = [path for path in entries if _is_image(path)]
        if not found[place.name]:
            raise PreflightError(f'Images in the folder of every class are needed, got none in {place}. Remove it, or fill it.')
        for path in (place, *found[place.name]):
            if path.name != path.name.strip() or '\n' in path.name or '\r' in path.name:
                raise PreflightError(f'Names without spaces at their ends and without line breaks are needed, got {str(path)!r}.')
    if not found and any(map(_is_image, folder.iterdir())):
        raise PreflightError(f'A folder for each class is needed in {folder}, got images without folders.')
    return found


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _ENDINGS and path.is_file()


def _listed(root: Path, found: dict[str, list[Path]], classes: Sequence[str]) -> Samples:
    return [(path.relative_to(root).as_posix(), classes.index(name)) for name, paths in found.items() for path in paths]


def _split(root: Path, found: dict[str, list[Path]], classes: Sequence[str], share: float, seed: int) -> tuple[Samples, Samples]:
    train: Samples = []
    val: Samples = []
    for name, paths in found.items():
        if len(paths) < 2:
            raise PreflightError(
                f'Two images or more of each class are needed to hold some back, got {len(paths)} of {name} in {root}.')
        shuffled = [path.relative_to(root).as_posix() for path in paths]
        random.Random(f'{seed}/{name}').shuffle(shuffled)
        count = min(max(1, round(share * len(paths))), len(paths) - 1)
        val += [(each, classes.index(name)) for each in sorted(shuffled[:count])]
        train += [(each, classes.index(name)) for each in sorted(shuffled[count:])]
    return train, val


def check_readable(root: Path, names: Sequence[str]) -> None:
    """Raise a `PreflightError` where images cannot be read; names are relative to `root`."""
    with ThreadPoolExecutor(8) as pool:
        bad = [name for name, good in zip(names, pool.map(lambda name: _readable(root / name), names), strict=True) if not good]
    if bad:
        more = f' and {len(bad) - 5} more' if len(bad) > 5 else ''
        raise PreflightError(
            f'Images that can be read are needed, got {len(bad)} of {len(names)} that cannot: {", ".join(bad[:5])}{more} in {root}. Remove '
            'or replace them.')


def _readable(path: Path) -> bool:
    """As training will read it, though at an eighth of its size where the format allows."""
    try:
        data = np.fromfile(path, np.uint8)
        return data.size > 0 and cv2.imdecode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8) is not None
    except (OSError, cv2.error):
        return False


def _median_side(root: Path, train: Samples, most: int = 256) -> int:
    sides = []
    for name, _ in train[:: max(1, len(train) // most)]:
        with Image.open(root / name) as image:
            sides.append(min(image.size))
    return int(statistics.median(sides))
