"""Image size of a config's data: height and width by their pipelines and, where these do not tell, by the images."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope

from mmkd_ext.config.named_types import type_name
from mmkd_ext.engine.random_state import random_state_kept

_HELD = {'CIFAR10': 32, 'CIFAR100': 32, 'MNIST': 28, 'FashionMNIST': 28}  # sides of the images of an archive
_DUMMIES = ((301, 407), (512, 448))  # unlike each other in height, width and their ratio
_LARGE = ((1501, 2003), (2048, 1600))  # for detectors, whose crops and pads leave smaller images, or larger ones, as they are


def data_size(cfg: Config, loaders: Sequence[str] = ('test', 'val', 'train'), look: bool = False) -> tuple[int, int] | None:
    """Height and width in pixels of what the data give to the network; None where their images have sizes of their own.

    A pipeline that makes images of one size out of unlike ones tells it. Where those of a detector keep the ratio of their sides, it
    is the largest that they make of images that lie as their `scale` does (1333 x 800 pixels: images wider than high).

    Args:
        cfg: A whole config.
        loaders: Whose data are asked, in that order.
        look: Whether to read some of the images where no pipeline tells.
    """
    datasets = [_leaf((cfg.get(f'{name}_dataloader') or {}).get('dataset') or {}) for name in loaders]
    datasets = [each for each in datasets if each.get('pipeline')]
    scope = cfg.get('default_scope') or 'mmpretrain'
    if scope == 'mmdet':  # each by what it makes, else by what it says: the first is the one that is asked for
        with DefaultScope.overwrite_default_scope(scope), random_state_kept():
            size = _first(map(_made_for_boxes, datasets))
    else:
        with DefaultScope.overwrite_default_scope(scope), random_state_kept():
            size = _first(map(_made_by, datasets)) or (_first(map(_of_images, datasets)) if look else None)
        size = size or _first(map(_written, datasets))
    return None if size is None else _padded(size, cfg)


def _first(sizes: Any) -> tuple[int, int] | None:
    return next(filter(None, sizes), None)


def _leaf(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config that has the pipeline; RepeatDataset and the like have it inside."""
    while isinstance(dataset, Mapping) and not dataset.get('pipeline') and (dataset.get('dataset') or dataset.get('datasets')):
        dataset = dataset.get('dataset') or dataset['datasets'][0]
    return dataset if isinstance(dataset, Mapping) else {}


def _made_by(dataset: Mapping[str, Any]) -> tuple[int, int] | None:
    """The size that a pipeline makes of images of the archive's size, or of any two sizes."""
    side = _held_side(dataset)
    return _common(dataset, _DUMMIES if side is None else [(side, side)])


def _made_for_boxes(dataset: Mapping[str, Any]) -> tuple[int, int] | None:
    """The size that a detector's pipeline makes of images of any two sizes, else of the size that it says."""
    said = _written(dataset)
    return _common(dataset, _DUMMIES, True) or _common(dataset, _LARGE, True) or (said and (_common(dataset, 3 * [said], True) or said))


def _common(dataset: Mapping[str, Any], images: Sequence[tuple[int, int]], boxes: bool = False) -> tuple[int, int] | None:
    """The one size that a pipeline makes of images of these sizes."""
    try:
        transforms = [TRANSFORMS.build(each) for each in dataset['pipeline'] if not type_name(each['type']).startswith('Load')]
        sizes = {_run(transforms, size, _is_grey(dataset), boxes) for size in images}
    except Exception:  # a user's transforms may need more than an image
        return None
    return sizes.pop() if len(sizes) == 1 else None


def _held_side(dataset: Mapping[str, Any]) -> int | None:
    kind = type_name(dataset.get('type'))
    return dataset.get('size', 16) if kind == 'Digits' else _HELD.get(kind)


def _is_grey(dataset: Mapping[str, Any]) -> bool:
    loads = [each for each in dataset['pipeline'] if type_name(each['type']) == 'LoadImageFromFile']
    return 'MNIST' in type_name(dataset.get('type')) or any(str(x.get('color_type')).startswith('grayscale') for x in loads)


def _run(transforms: Sequence[Any], size: tuple[int, int], grey: bool, boxes: bool) -> tuple[int, int]:
    image = np.zeros(size if grey else (*size, 3), np.uint8)
    results: Any = dict(img=image, img_shape=size, ori_shape=size, gt_label=0, img_path='', sample_idx=0)
    if DefaultScope.get_current_instance().scope_name == 'mmseg':
        results.update(gt_seg_map=np.zeros(size, np.uint8), seg_map_path='', seg_fields=['gt_seg_map'], reduce_zero_label=False)
    if boxes:
        results.update(_one_box(size))
    for transform in transforms:
        results = transform(results)
    return _size_of(results)


def _one_box(size: tuple[int, int]) -> dict[str, Any]:
    """An annotation of mmdet: a box as large as the image, which every crop keeps a part of."""
    from mmdet.structures.bbox import HorizontalBoxes
    from mmdet.structures.mask import BitmapMasks

    height, width = size
    return dict(
        gt_bboxes=HorizontalBoxes([[0, 0, width, height]], dtype=torch.float32), gt_bboxes_labels=np.zeros(1, np.int64),
        gt_ignore_flags=np.zeros(1, bool), gt_masks=BitmapMasks(np.ones((1, height, width), np.uint8), height, width), img_id=0)


def _size_of(results: Mapping[str, Any]) -> tuple[int, int]:
    packed = results.get('inputs')
    height, width = results['img'].shape[:2] if packed is None else packed.shape[-2:]
    return int(height), int(width)


def _of_images(dataset: Mapping[str, Any]) -> tuple[int, int] | None:
    """The common size of the first, the middle and the last image."""
    if _held_side(dataset) is not None:
        return None
    try:
        built = DATASETS.build(dataset)
        sizes = {_size_of(built[i]) for i in (0, len(built) // 2, len(built) - 1)}
    except Exception:  # data that is not on this machine
        return None
    return sizes.pop() if len(sizes) == 1 else None


def _written(dataset: Mapping[str, Any]) -> tuple[int, int] | None:
    """The last number of pixels that a pipeline's config says; of several scales the largest."""
    for key in ('crop_size', 'scale', 'scales'):
        for transform in reversed(dataset['pipeline']):
            told = transform.get(key)
            several = isinstance(told, list | tuple) and any(isinstance(each, list | tuple) for each in told)
            sizes = [size for size in map(_pixels, told if several else [told]) if size]
            if key == 'crop_size' and any(height != width for height, width in sizes):
                continue  # mmpretrain's have the height first, mmcv's the width
            if sizes:
                return max(sizes, key=lambda size: size[0] * size[1])
    return None


def _pixels(told: Any) -> tuple[int, int] | None:
    """Height and width of one number of pixels, or of two, width first."""
    sides = [told, told] if isinstance(told, int) else list(told) if isinstance(told, list | tuple) else []
    whole = len(sides) == 2 and all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides)
    return (sides[1], sides[0]) if whole else None


def _padded(size: tuple[int, int], cfg: Mapping[str, Any]) -> tuple[int, int]:
    """The size after the padding of the preprocessor."""
    preprocessor = (cfg.get('model') or {}).get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    divisor = preprocessor.get('pad_size_divisor') or 1
    height, width = (math.ceil(side / divisor) * divisor for side in size)
    return height, width
