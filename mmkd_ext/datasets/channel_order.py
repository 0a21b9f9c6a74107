"""Channel order of the images that a config's data give: 'rgb', 'bgr', or None where the config does not tell."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.registry import DATASETS, DefaultScope
from mmpretrain.datasets import CIFAR10, MNIST

from .digits import Digits

OTHER = {'rgb': 'bgr', 'bgr': 'rgb'}
ORDER_KEYS = ('to_rgb', 'bgr_to_rgb', 'rgb_to_bgr')  # of a preprocessor that turns the channels round


def loaded_order(dataset: Mapping[str, Any], scope: str = 'mmpretrain') -> str | None:
    """The order in which a data set's pipeline hands out images; None where the config does not tell.

    Files are read as BGR, whatever decodes them, unless `color_type='unchanged'` leaves them to the decoder. mmpretrain's CIFAR is
    RGB; images of one channel, or of three equal ones (our digits), are in any order and count as RGB.

    Args:
        dataset: Config of a data set, wrapped or not.
        scope: The registry's scope in which it is written.
    """
    while 'pipeline' not in dataset and (dataset.get('dataset') or dataset.get('datasets')):  # RepeatDataset, ConcatDataset
        inner = dataset.get('dataset') or dataset['datasets'][0]
        if not isinstance(inner, Mapping):
            return None
        dataset = inner
    order = _held_order(dataset.get('type'), scope)
    for transform in dataset.get('pipeline') or ():
        if not isinstance(transform, Mapping):
            return None
        kind = transform.get('type')
        name = (kind if isinstance(kind, str) else getattr(kind, '__name__', '')).rpartition('.')[2]
        if name == 'LoadImageFromFile':
            order = _decoded_order(transform)
        flips = {'NumpyToPIL': 'to_rgb', 'PILToNumpy': 'to_bgr', 'Normalize': 'to_rgb'}.get(name)
        if order is not None and flips and transform.get(flips, name == 'Normalize'):
            order = OTHER[order]
    return order


def _decoded_order(transform: Mapping[str, Any]) -> str | None:
    kind = transform.get('color_type', 'color')
    if kind == 'unchanged':
        return {'cv2': 'bgr', 'pillow': 'rgb', 'tifffile': 'rgb'}.get(transform.get('imdecode_backend', 'cv2'))
    return 'rgb' if kind.startswith('grayscale') else 'bgr'


def _held_order(kind: Any, scope: str) -> str | None:
    if isinstance(kind, str):
        with DefaultScope.overwrite_default_scope(scope), DATASETS.switch_scope_and_registry(None) as registry:
            kind = registry.get(kind)
        return 'rgb' if inspect.isclass(kind) and issubclass(kind, CIFAR10 | MNIST | Digits) else None
    return 'rgb' if inspect.isclass(kind) and issubclass(kind, CIFAR10 | MNIST) else None


def converts(preprocessor: Any) -> bool:
    """Whether a preprocessor, or its config, turns the channels round."""
    if isinstance(preprocessor, Mapping):
        return any(map(preprocessor.get, ORDER_KEYS))
    return any(getattr(preprocessor, name, False) for name in ('to_rgb', '_channel_conversion', 'channel_conversion'))  # of each package


def order_of(cfg: Mapping[str, Any], preprocessor: Any) -> str | None:
    """The order in which a network of a config sees its images, by the first of its data sets.

    Args:
        cfg: A whole config.
        preprocessor: The network's, or its config.
    """
    loaders: Sequence[Any] = [cfg.get(f'{name}_dataloader') for name in ('train', 'val', 'test')]
    dataset = next((loader['dataset'] for loader in loaders if loader and isinstance(loader.get('dataset'), Mapping)), None)
    loaded = None if dataset is None else loaded_order(dataset, cfg.get('default_scope') or 'mmpretrain')
    return OTHER[loaded] if loaded is not None and converts(preprocessor) else loaded


def check_orders(*orders: str | None) -> None:
    """Whether each is an order of channels, or None.

    Raises:
        ValueError: One is something else.
    """
    for order in orders:
        if order not in (None, 'rgb', 'bgr'):
            raise ValueError(f"channel_order needs to be 'rgb', 'bgr' or None, got {order!r}.")
