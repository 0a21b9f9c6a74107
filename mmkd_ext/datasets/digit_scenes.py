"""A detection data set: scenes of real handwritten digits with boxes. This module needs mmdet."""

import json
from pathlib import Path
from typing import Any

import cv2
from mmdet.datasets import CocoDataset

from mmkd_ext.datasets.drawn_scenes import SIDE, check_scenes, drawn_scenes, one_of_several_writes
from mmkd_ext.registry import DATASETS


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
        check_scenes('DigitScenes', split, scenes, seed)
        folder = Path(root) / f'{split}_{scenes}_seed{seed}'
        if not folder.is_dir():
            write_scenes(folder, split, scenes, seed)
        super().__init__(
            data_root=str(folder), ann_file='annotations.json', data_prefix=dict(img=''),
            test_mode=kwargs.pop('test_mode', split == 'test'), **kwargs)


def write_scenes(folder: Path, split: str, scenes: int, seed: int) -> None:
    """Write a set, whole or not at all; of several processes that do so at once one wins, and all write the same."""
    with one_of_several_writes(folder) as partial:
        images: list[dict] = []
        annotations: list[dict] = []
        for i, scene in enumerate(drawn_scenes(split, scenes, seed)):
            name = f'{i:05d}.png'
            cv2.imwrite(str(partial / name), scene.pixels)
            images.append(dict(id=i, file_name=name, width=SIDE, height=SIDE))
            annotations += [
                dict(id=len(annotations) + k, image_id=i, category_id=label, bbox=box, area=box[2] * box[3], iscrowd=0)
                for k, (label, box) in enumerate(scene.boxes, start=1)]
        categories = [dict(id=k, name=str(k)) for k in range(10)]
        content = dict(info={}, licenses=[], images=images, annotations=annotations, categories=categories)
        (partial / 'annotations.json').write_text(json.dumps(content))
