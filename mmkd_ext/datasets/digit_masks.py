"""A segmentation data set: scenes of real handwritten digits with label maps. This module needs mmseg."""

from pathlib import Path
from typing import Any

import cv2
from mmseg.datasets import BaseSegDataset

from mmkd_ext.datasets.drawn_scenes import check_scenes, drawn_scenes, one_of_several_writes
from mmkd_ext.registry import DATASETS

SIZES = (44, 72)  # of the square that a digit is enlarged to: some cells of a grid of stride 8


@DATASETS.register_module()
class DigitMasks(BaseSegDataset):
    """Scenes as those of `DigitScenes`, their digits larger, with a label for each pixel: 0 of the ground, 1 to 10 of the digits 0 to 9.

    255 is a digit's faint edge. The files are made on first use: the same bytes for the same split, number and seed. They are
    `<root>/<split>_<scenes>_seed<seed>/images/` and `labels/`.

    Args:
        split: 'train' or 'test', whose digits no training scene has.
        scenes: Their number.
        seed: What is drawn.
        root: The folder that the sets lie in.
        **kwargs: Of mmseg's `BaseSegDataset`, such as `pipeline`.

    Raises:
        ValueError: An unknown split, or fewer than one scene.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     data = DigitMasks(split='test', scenes=2, root=root)
        >>> len(data), len(data.metainfo['classes']), Path(data[1]['seg_map_path']).name
        (2, 11, '00001.png')
    """

    METAINFO = {
        'classes': ('ground', *map(str, range(10))),
        'palette': [[0, 0, 0], *([25 * (k + 1), 255 - 25 * k, 40 * (k % 5)] for k in range(10))]}

    def __init__(
        self, split: str = 'train', scenes: int = 400, seed: int = 0, root: str = 'data/digit_masks', **kwargs: Any
    ) -> None:
        check_scenes('DigitMasks', split, scenes, seed)
        folder = Path(root) / f'{split}_{scenes}_seed{seed}'
        if not folder.is_dir():
            _write(folder, split, scenes, seed)
        super().__init__(
            data_root=str(folder), data_prefix=dict(img_path='images', seg_map_path='labels'), img_suffix='.png',
            test_mode=kwargs.pop('test_mode', split == 'test'), **kwargs)


def _write(folder: Path, split: str, scenes: int, seed: int) -> None:
    with one_of_several_writes(folder) as partial:
        for name in ('images', 'labels'):
            (partial / name).mkdir()
        for i, scene in enumerate(drawn_scenes(split, scenes, seed, SIZES)):
            for name, content in (('images', scene.pixels), ('labels', scene.labels)):
                cv2.imwrite(str(partial / name / f'{i:05d}.png'), content)
