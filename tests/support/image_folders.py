"""Folders of small made-up images, a colour for each class."""

from pathlib import Path

import cv2
import numpy as np


def colour_folder(root: Path, counts: dict[str, int], side: int = 16) -> Path:
    """PNG images below `root`: `{'train/red': 8, ...}`; a class's place in the order of names decides its colour."""
    rng = np.random.default_rng(0)
    names = sorted({name.rpartition('/')[2] for name in counts})
    for name, count in counts.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            image = rng.integers(0, 120, (side, side, 3), dtype=np.uint8)
            image[..., names.index(name.rpartition('/')[2]) % 3] += 100
            cv2.imwrite(str(folder / f'{i}.png'), image)
    return root
