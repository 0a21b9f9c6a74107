"""The detector that a command line names, and the settings of its training by the size of the data."""

import copy
import math
from typing import Any

from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmkd_ext.config.named_types import type_name
from mmkd_ext.config.packaged_configs import config_file
from mmkd_ext.errors import PreflightError
from mmkd_ext.models.outputs.kinds.known import kind_of_config
from mmkd_ext.models.plain_config import without_weights
from mmkd_ext.models.zoo.trained_network import network_config

from .boxes_file import Scenes
from .networks import Network
from .settings import Settings

_OF_ONE_SIZE = ('BatchFixedSizePad', 'BatchResize', 'BatchSyncRandomResize')
_LARGE = (1333, 800)  # what COCO's images are resized to, longer and shorter side


def chosen_detector(name: str, classes: int, flag: str, scratch: bool) -> Network:
    """The detector of a name, whose backbone starts from the weights that its config names, unless it starts from scratch.

    Args:
        name: `mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py` or a config file.
        classes: K.
        flag: The command line's, for the sentence.
        scratch: Whether nothing is fetched and all weights are random.

    Raises:
        PreflightError: No such network, or none that detects.
    """
    try:
        config = network_config({'model': config_file(name), 'num_classes': classes})
        kind = kind_of_config(config)
        if not kind.boxes:
            raise PreflightError(f'a {type_name(config.get("type"))} classifies images.')
        kind.check_installed()
        _without_sizes(config)
        plain = without_weights(config)
        with DefaultScope.overwrite_default_scope('mmdet'):
            network: Any = MODELS.build(copy.deepcopy(plain))  # some constructors of mmdet change theirs
        kind(network, flag).check()
    except Exception as error:  # the zoos raise whatever a constructor does
        text = ' '.join(str(error).split()).rstrip('.')
        raise PreflightError(f'A detector is needed as {flag}, got {name}: {text}.') from error
    norms = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())
    fetched = not scratch and "'Pretrained'" in str(config.get('backbone'))
    return Network(name, plain if scratch else config, sum(p.numel() for p in network.parameters()), fetched, None, _LARGE[1], norms)


def _without_sizes(config: Any) -> None:
    """Leave out what makes all batches of a size in pixels that was chosen for COCO, in place."""
    preprocessor = config.get('data_preprocessor') or {}
    kept = [each for each in preprocessor.get('batch_augments') or () if type_name(each['type']) not in _OF_ONE_SIZE]
    if preprocessor.get('batch_augments'):
        preprocessor['batch_augments'] = kept or None


def detector_settings(
    scenes: Scenes, student: Network, teacher: Network, epochs: int | None = None, batch_size: int | None = None, cores: int = 1
) -> Settings:
    """Choose what is None."""
    count, reasons = len(scenes.train), []
    if batch_size is None:
        batch_size = 8 if scenes.side < 256 else 4
        while batch_size > 2 and batch_size > count // 4:
            batch_size //= 2
        reasons.append(f'batch size {batch_size}: {count} training images, {scenes.side} pixels on the shorter side')
    else:
        reasons.append(f'batch size {batch_size}: asked for')
    batch_size = max(1, min(batch_size, count))
    steps = math.ceil(count / batch_size)
    if epochs is None:
        epochs = min(48, max(12, math.ceil(4_000 / steps)))
        reasons.append(f'{epochs} epochs of {steps} steps: at least 12, and about 4000 steps for small data')
    else:
        reasons.append(f'{epochs} epochs of {steps} steps: asked for')
    long, short = image_scale(scenes)
    why = "as COCO's are resized" if (long, short) == _LARGE else 'their own size'
    reasons.append(f'images of {long} x {short} pixels at most, {why}')
    for what, network in (('student', student), ('teacher', teacher)):
        start = 'its backbone from the weights that its config names' if network.pretrained else 'from random weights'
        reasons.append(f'{what}: {start}; {optimizer_of_detector(network, batch_size)["optimizer"]["type"]}')
    return Settings(epochs, batch_size, short, short, 0 if count < 500 else min(4, max(0, cores - 1)), False, tuple(reasons))


def image_scale(scenes: Scenes) -> tuple[int, int]:
    """Longer and shorter side, in pixels, that images are resized to with their proportions kept."""
    if scenes.side >= _LARGE[1] // 2:
        return _LARGE
    return scenes.long_side, scenes.side


def optimizer_of_detector(network: Network, batch_size: int) -> dict[str, Any]:
    """The config's `optim_wrapper`, with the optimizer of the detector's kind; rates go with the batch size, as mmdet's do."""
    if kind_of_config(network.model).optimizer == 'AdamW':
        return {'optimizer': {'type': 'AdamW', 'lr': 1e-4 * batch_size / 16, 'weight_decay': 1e-4}, 'clip_grad': {'max_norm': 0.1}}
    optimizer = {'type': 'SGD', 'lr': 0.02 * batch_size / 16, 'momentum': 0.9, 'weight_decay': 1e-4}
    return {'optimizer': optimizer, 'clip_grad': {'max_norm': 10.0}}
