"""A detection data set: scenes of real handwritten digits with boxes. This module needs mmdet."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet.datasets import CocoDataset

from mmkd_ext.datasets.digits import Digits
from mmkd_ext.errors import check_given, check_whole
from mmkd_ext.registry import DATASETS

_SIDE = 128
_DIGITS = (2, 5)  # in a scene, at least and at most
_SIZES = (22, 56)  # of the square that a digit's 8 x 8 pixels are enlarged to
_INK = 80  # from here on a pixel belongs to the digit's box


@DATASETS.register_module()
class DigitScenes(CocoDataset):
    """128 px scenes of two to five handwritten digits on a noisy ground, in COCO's format.

    The files are made on first use: the same bytes for the same split, number and seed. Test scenes are made of digits that no training
    scene has (`Digits`). They are `<root>/<split>_<scenes>_seed<seed>/`, with `annotations.json` beside the images.

    Args:
        split: 'train' or 'test'.
        scenes: Their number.
        seed: What is drawn.
        root: The folder that the sets lie in.
        **kwargs: Of mmdet's `CocoDataset`, such as `pipeline`.

    Raises:
        ValueError: An unknown split, or fewer than one scene.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:  # doctest: +ELLIPSIS
        ...     data = DigitScenes(split='test', scenes=2, root=root)
        loading annotations ...
        >>> len(data), sorted(data[0]['instances'][0])
        (2, ['bbox', 'bbox_label', 'ignore_flag'])
    """

    METAINFO = {'classes': tuple(map(str, range(10)))}

    def __init__(
        self, split: str = 'train', scenes: int = 400, seed: int = 0, root: str = 'data/digit_scenes', **kwargs: Any
    ) -> None:
        check_given('DigitScenes', scenes=scenes)
        check_whole('DigitScenes', None, scenes=scenes)
        check_whole('DigitScenes', 0, seed=seed)
        if split not in ('train', 'test') or scenes < 1:
            raise ValueError(f"DigitScenes needs split 'train' or 'test' and at least one scene, got {split!r} and {scenes}.")
        folder = Path(root) / f'{split}_{scenes}_seed{seed}'
        if not folder.is_dir():
            write_scenes(folder, split, scenes, seed)
        super().__init__(
            data_root=str(folder), ann_file='annotations.json', data_prefix=dict(img=''),
            test_mode=kwargs.pop('test_mode', split == 'test'), **kwargs)


def write_scenes(folder: Path, split: str, scenes: int, seed: int) -> None:
    """Write a set, whole or not at all; of several processes that do so at once one wins, and all write the same."""
    digits = Digits(split=split, size=8, pipeline=[]).load_data_list()
    rng = np.random.default_rng([seed, split == 'test', scenes])
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{folder.name}_', dir=folder.parent))
    try:
        images: list[dict] = []
        annotations: list[dict] = []
        for i in range(scenes):
            pixels, found = _scene(digits, rng)
            name = f'{i:05d}.png'
            cv2.imwrite(str(partial / name), pixels)
            images.append(dict(id=i, file_name=name, width=_SIDE, height=_SIDE))
            annotations += [
                dict(id=len(annotations) + k, image_id=i, category_id=label, bbox=box, area=box[2] * box[3], iscrowd=0)
                for k, (label, box) in enumerate(found, start=1)]
        categories = [dict(id=k, name=str(k)) for k in range(10)]
        content = dict(info={}, licenses=[], images=images, annotations=annotations, categories=categories)
        (partial / 'annotations.json').write_text(json.dumps(content))
        os.chmod(partial, 0o755)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _scene(digits: list[dict], rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[int, list[int]]]]:
    """Pixels (128, 128, 3) and, for each digit, its label and its box (x, y, width, height)."""
    pixels = rng.integers(0, 50) + rng.normal(0, 12, (_SIDE, _SIDE))
    taken = np.zeros((_SIDE, _SIDE), dtype=bool)
    found = []
    for _ in range(rng.integers(_DIGITS[0], _DIGITS[1] + 1)):
        digit, size = digits[rng.integers(len(digits))], int(rng.integers(_SIZES[0], _SIZES[1] + 1))
        ink = cv2.resize(digit['img'][..., 0].astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
        y, x = rng.integers(0, _SIDE - size + 1, 2)
        rows, columns = (np.flatnonzero((ink >= _INK).any(axis=axis)) for axis in (1, 0))
        top, left = int(y + rows[0]), int(x + columns[0])
        height, width = int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)
        place = (slice(top, top + height), slice(left, left + width))
        if taken[place].any():
            continue  # boxes do not overlap; what finds no place is left out
        taken[place] = True
        pixels[y : y + size, x : x + size] = np.maximum(pixels[y : y + size, x : x + size], ink * rng.uniform(0.6, 1.0))
        found.append((int(digit['gt_label']), [left, top, width, height]))
    return np.repeat(pixels.clip(0, 255).round().astype(np.uint8)[..., None], 3, axis=2), found
