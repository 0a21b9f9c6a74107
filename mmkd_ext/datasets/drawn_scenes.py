"""Scenes of real handwritten digits on a noisy ground, as they are drawn: pixels, boxes, and the label of each pixel."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmkd_ext.datasets.digits import Digits
from mmkd_ext.errors import check_given, check_whole

SIDE = 128
IGNORED = 255  # of a pixel that is neither clearly ink nor clearly ground
_DIGITS = (2, 5)  # in a scene, at least and at most
SIZES = (22, 56)  # of the square that a digit's 8 x 8 pixels are enlarged to, at least and at most
_INK = 80  # from here on a pixel belongs to the digit and its box
_FAINT = 30  # from here on it is not clearly ground


class Scene(NamedTuple):
    """One of them.

    Attributes:
        pixels: (128, 128, 3) in 0..255.
        boxes: For each digit its label and its box (x, y, width, height).
        labels: (128, 128) in 0..255: 0 of the ground, 1 + its label of a digit, 255 of its faint edge.
    """

    pixels: np.ndarray
    boxes: list[tuple[int, list[int]]]
    labels: np.ndarray


def drawn_scenes(split: str, scenes: int, seed: int, sizes: tuple[int, int] = SIZES) -> Iterator[Scene]:
    """So many scenes, the same for the same arguments; those of 'test' are of digits that none of 'train' has."""
    digits = Digits(split=split, size=8, pipeline=[]).load_data_list()
    rng = np.random.default_rng([seed, split == 'test', scenes])
    for _ in range(scenes):
        yield _scene(digits, rng, sizes)


def check_scenes(name: str, split: str, scenes: int, seed: int) -> None:
    """Raise a `ValueError` for a split, a number or a seed of which there are no scenes; `name` is the data set's."""
    check_given(name, scenes=scenes)
    check_whole(name, None, scenes=scenes)
    check_whole(name, 0, seed=seed)
    if split not in ('train', 'test') or scenes < 1:
        raise ValueError(f"{name} needs split 'train' or 'test' and at least one scene, got {split!r} and {scenes}.")


@contextmanager
def one_of_several_writes(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes the name of `folder` at the end; of several processes one wins, and all write the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{folder.name}_', dir=folder.parent))
    try:
        yield partial
        os.chmod(partial, 0o755)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _scene(digits: list[dict], rng: np.random.Generator, sizes: tuple[int, int]) -> Scene:
    pixels = rng.integers(0, 50) + rng.normal(0, 12, (SIDE, SIDE))
    taken, labels = np.zeros((SIDE, SIDE), dtype=bool), np.zeros((SIDE, SIDE), dtype=np.uint8)
    found = []
    for _ in range(rng.integers(_DIGITS[0], _DIGITS[1] + 1)):
        digit, size = digits[rng.integers(len(digits))], int(rng.integers(sizes[0], sizes[1] + 1))
        ink = cv2.resize(digit['img'][..., 0].astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
        y, x = rng.integers(0, SIDE - size + 1, 2)
        rows, columns = (np.flatnonzero((ink >= _INK).any(axis=axis)) for axis in (1, 0))
        top, left = int(y + rows[0]), int(x + columns[0])
        height, width = int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)
        place = (slice(top, top + height), slice(left, left + width))
        if taken[place].any():
            continue  # boxes do not overlap; what finds no place is left out
        taken[place] = True
        whole = (slice(y, y + size), slice(x, x + size))
        pixels[whole] = np.maximum(pixels[whole], ink * rng.uniform(0.6, 1.0))
        label = int(digit['gt_label'])
        before = labels[whole]
        labels[whole] = np.where(ink >= _INK, 1 + label, np.where((ink >= _FAINT) & (before == 0), IGNORED, before))
        found.append((label, [left, top, width, height]))
    return Scene(np.repeat(pixels.clip(0, 255).round().astype(np.uint8)[..., None], 3, axis=2), found, labels)
