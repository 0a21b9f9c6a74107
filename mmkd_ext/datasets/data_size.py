"""Image size of a config's data: height and width by their pipelines and, where these do not tell, by the images."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope

from mmkd_ext.config.named_types import type_name
from mmkd_ext.engine.random_state import random_state_kept

_HELD = {'CIFAR10': 32, 'CIFAR100': 32, 'MNIST': 28, 'FashionMNIST': 28}  # sides of the images of an archive
_DUMMIES = ((301, 407), (512, 448))  # unlike each other in height, width and their ratio


def data_size(cfg: Config, loaders: Sequence[str] = ('test', 'val', 'train'), look: bool = False) -> tuple[int, int] | None:
    """Height and width in pixels of what the data give to the network; None where their images have sizes of their own.

    A pipeline that makes images of one size out of two unlike ones tells it. Detection, whose pipelines need boxes, is asked for the
    numbers of its pipelines only.

    Args:
        cfg: A whole config.
        loaders: Whose data are asked, in that order.
        look: Whether to read some of the images where no pipeline tells.
    """
    datasets = [_leaf((cfg.get(f'{name}_dataloader') or {}).get('dataset') or {}) for name in loaders]
    datasets = [each for each in datasets if each.get('pipeline')]
    size = None
    if cfg.get('default_scope') != 'mmdet':
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmpretrain'), random_state_kept():
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
    try:
        transforms = [TRANSFORMS.build(each) for each in dataset['pipeline'] if not type_name(each['type']).startswith('Load')]
        sizes = {_run(transforms, size, _is_grey(dataset)) for size in (_DUMMIES if side is None else [(side, side)])}
    except Exception:  # a user's transforms may need more than an image
        return None
    return sizes.pop() if len(sizes) == 1 else None


def _held_side(dataset: Mapping[str, Any]) -> int | None:
    kind = type_name(dataset.get('type'))
    return dataset.get('size', 16) if kind == 'Digits' else _HELD.get(kind)


def _is_grey(dataset: Mapping[str, Any]) -> bool:
    loads = [each for each in dataset['pipeline'] if type_name(each['type']) == 'LoadImageFromFile']
    return 'MNIST' in type_name(dataset.get('type')) or any(str(x.get('color_type')).startswith('grayscale') for x in loads)


def _run(transforms: Sequence[Any], size: tuple[int, int], grey: bool) -> tuple[int, int]:
    image = np.zeros(size if grey else (*size, 3), np.uint8)
    results: Any = dict(img=image, img_shape=size, ori_shape=size, gt_label=0, img_path='', sample_idx=0)
    for transform in transforms:
        results = transform(results)
    return _size_of(results)


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
    """The last number of pixels that a pipeline's config says."""
    for key in ('crop_size', 'scale'):
        for transform in reversed(dataset['pipeline']):
            size = transform.get(key)
            if isinstance(size, list | tuple) and len(size) == 2:
                if len(set(size)) == 1:
                    size = size[0]
                elif key == 'scale' and not transform.get('keep_ratio') and all(isinstance(side, int) for side in size):
                    return size[1], size[0]  # width first
            if isinstance(size, int):
                return size, size
    return None


def _padded(size: tuple[int, int], cfg: Mapping[str, Any]) -> tuple[int, int]:
    """The size after the padding of the preprocessor."""
    preprocessor = (cfg.get('model') or {}).get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    divisor = preprocessor.get('pad_size_divisor') or 1
    height, width = (math.ceil(side / divisor) * divisor for side in size)
    return height, width
