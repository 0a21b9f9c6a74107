"""The CIFAR zoo that the KD field shares (RepDistiller, mdistiller, KD++): its networks, and its checkpoints' keys."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.models.backbones.cifar_backbone import CIFARBackbone
from mmkd_ext.models.backbones.cifar_mobilenet_v2 import CIFARMobileNetV2
from mmkd_ext.models.backbones.cifar_resnet import CIFARResNet, CIFARResNet50
from mmkd_ext.models.backbones.cifar_shufflenet_v1 import CIFARShuffleNetV1
from mmkd_ext.models.backbones.cifar_shufflenet_v2 import CIFARShuffleNetV2
from mmkd_ext.models.backbones.cifar_vgg import CIFARVGG
from mmkd_ext.models.backbones.cifar_wide_resnet import CIFARWideResNet

_BACKBONES: dict[str, type[CIFARBackbone]] = {
    backbone.__name__: backbone
    for backbone in (
        CIFARMobileNetV2, CIFARResNet, CIFARResNet50, CIFARShuffleNetV1, CIFARShuffleNetV2, CIFARVGG, CIFARWideResNet)
}

# architecture, by the field's name -> its backbone
CIFAR_ZOO: dict[str, dict[str, Any]] = {
    **{f'resnet{depth}': {'type': 'CIFARResNet', 'depth': depth} for depth in (8, 14, 20, 32, 44, 56, 110)},
    **{f'resnet{depth}x4': {'type': 'CIFARResNet', 'depth': depth, 'width': 4} for depth in (8, 32)},
    **{
        f'wrn_{depth}_{width}': {'type': 'CIFARWideResNet', 'depth': depth, 'width': width}
        for depth in (16, 40)
        for width in (1, 2)
    },
    **{f'vgg{depth}': {'type': 'CIFARVGG', 'depth': depth} for depth in (8, 11, 13, 16, 19)},
    'MobileNetV2': {'type': 'CIFARMobileNetV2'},
    'ShuffleV1': {'type': 'CIFARShuffleNetV1'},
    'ShuffleV2': {'type': 'CIFARShuffleNetV2'},
    'ResNet50': {'type': 'CIFARResNet50'},
}
_CLASSIFIERS = ('fc.', 'linear.', 'classifier.0.', 'classifier.')  # as the zoo's networks call theirs


def cifar_zoo_classifier(arch: str, num_classes: int = 100) -> dict[str, Any]:
    """Config of the `ImageClassifier` that `convert_cifar_zoo` makes weights for.

    Raises:
        ValueError: An architecture that the zoo does not have.
    """
    width = _skeleton(arch).out_channels[-1]
    return {
        'type': 'ImageClassifier',
        'backbone': {**CIFAR_ZOO[arch], 'type': f'mmkd_ext.{CIFAR_ZOO[arch]["type"]}'},
        'neck': {'type': 'GlobalAveragePooling'},
        'head': {'type': 'LinearClsHead', 'num_classes': num_classes, 'in_channels': width},
    }


def _skeleton(arch: str) -> CIFARBackbone:
    """The backbone without memory for its weights."""
    if arch not in CIFAR_ZOO:
        close = difflib.get_close_matches(arch.lower(), [name.lower() for name in CIFAR_ZOO], n=1, cutoff=0.5)
        meant = [name for name in CIFAR_ZOO if name.lower() in close]
        hint = f'Did you mean {meant[0]}? ' if meant else ''
        raise ValueError(f'A network of the CIFAR zoo is needed, got {arch!r}. {hint}It has {", ".join(CIFAR_ZOO)}.')
    config = dict(CIFAR_ZOO[arch])
    with torch.device('meta'):
        return _BACKBONES[config.pop('type')](**config)


def convert_cifar_zoo(state_dict: Mapping[str, Tensor], arch: str) -> dict[str, Tensor]:
    """Rename a published checkpoint's keys to those of `cifar_zoo_classifier(arch)`; the weights stay as they are.

    Args:
        state_dict: The published weights; a `module.` before every key (DataParallel) is dropped.
        arch: The field's name, such as 'resnet32x4' or 'wrn_40_2'.

    Returns:
        Weights of an `ImageClassifier`: `backbone.*` and `head.fc.*`, for any number of classes.

    Raises:
        ValueError: An unknown architecture, or keys that are missing, unexpected or of another shape; some are named.
    """
    network = _skeleton(arch)
    foreign = [key for key, value in state_dict.items() if not isinstance(value, Tensor)]
    if foreign:
        raise ValueError(f'A checkpoint of {arch} needs tensors only, got something else at {", ".join(foreign[:3])}.')
    wanted = {f'backbone.{key}': tuple(value.shape) for key, value in network.state_dict().items()}
    if state_dict and all(key.startswith('module.') for key in state_dict):
        state_dict = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    published: dict[str, str] = {}
    for key in state_dict:
        published.setdefault(_rename(key), key)
    renamed = {new: state_dict[old] for new, old in published.items()}
    classes = renamed['head.fc.bias'].numel() if 'head.fc.bias' in renamed else 0
    wanted |= {'head.fc.weight': (classes, network.out_channels[-1]), 'head.fc.bias': (classes,)}
    problems = {
        'missing': [key for key in wanted if key not in renamed],
        'unexpected': [key for key in state_dict if _rename(key) not in wanted or published[_rename(key)] != key],
        'of another shape': [
            f'{published[key]} {tuple(value.shape)} for {wanted[key]}'
            for key, value in renamed.items()
            if key in wanted and tuple(value.shape) != wanted[key]
        ],
    }
    found = [
        f'{len(keys)} {kind} ({", ".join(keys[:3])}{", ..." if len(keys) > 3 else ""})'
        for kind, keys in problems.items()
        if keys
    ]
    if found:
        raise ValueError(
            f'A checkpoint of {arch} needs {len(wanted)} keys, got {len(state_dict)}: {"; ".join(found)}. '
            'Is it of another architecture?')
    return renamed


def _rename(key: str) -> str:
    for prefix in _CLASSIFIERS:
        if key.startswith(prefix):
            return f'head.fc.{key.removeprefix(prefix)}'
    return f'backbone.{key}'


def read_cifar_zoo(path: str | Path) -> dict[str, Tensor]:
    """Read the weights of a published checkpoint, `{'model': state_dict}`, without executing code.

    Raises:
        ValueError: No such file, a truncated one, one that holds code, or one without 'model'.
    """
    weights = read_checkpoint(path, needs=('model',))['model']
    if not isinstance(weights, Mapping):
        raise ValueError(f"A file {{'model': weights}} is needed, got {path} with {type(weights).__name__} as model.")
    return dict(weights)
