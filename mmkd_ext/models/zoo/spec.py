"""The spec of a network in a config: one syntax for a frozen teacher, a student, and peers that train."""

import copy
import os
import re
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, ConfigDict

from mmkd_ext.config.named_types import type_name
from mmkd_ext.errors import check_whole
from mmkd_ext.models.outputs.kinds.known import kind_of_config

KEYS = (
    'num_classes', 'options', 'pretrained', 'checkpoint', 'data_preprocessor', 'prefix', 'allow_missing', 'allow_unexpected', 'input_size',
    'channel_order', 'allow_random')
_FROZEN_ONLY = {
    'input_size': 'a network that trains takes its images as the pipeline of train_dataloader makes them',
    'channel_order': "a network that trains takes its images as data_preprocessor makes them; theirs is the distiller's channel_order",
    'allow_random': 'a network that trains starts from random weights where neither checkpoint nor pretrained is given',
    'precision': "a network that trains runs in the precision of the run's optim_wrapper",
    'compile': 'a network that trains is compiled by compile=True of the config',
    'classes': 'a network that trains has the classes of its data',
    'allow_unmapped': 'a network that trains has the classes of its data',
}


_TYPES: dict[str, tuple[Any, str]] = {
    'options': (Mapping, 'a dict'), 'data_preprocessor': (Mapping, 'a dict'), 'checkpoint': (str | os.PathLike, 'a file or an address'),
    'pretrained': (bool, 'True or False'), 'allow_random': (bool, 'True or False'), 'prefix': (str, 'the beginning of keys'),
    'allow_missing': (str, 'a pattern of keys'), 'allow_unexpected': (str, 'a pattern of keys')}


def read_spec(spec: Any, role: str = 'network') -> dict[str, Any]:
    """The keys of a spec, `model` among them.

    A spec is one of

    - `'mmpretrain::resnet/resnet18_8xb32_in1k.py'`, a model name of mmpretrain's zoo, `'mmdet::...'`, or a local config file
    - `'timm/resnet18'`, `'torchvision/resnet18'`, `'cifar/resnet20'` (the KD field's CIFAR zoo)
    - the config of a model
    - `dict(model=...)` with one of these, and more keys:
      `num_classes` (0 for a teacher of timm's that is read for its features and whose file has no head);
      `options`, merged into the model's config, such as `dict(backbone=dict(out_indices=(0, 1, 2, 3)))`
      (torchvision's ResNets take `pre_activation=True` for stages before their last ReLU);
      `pretrained`, the weights that the zoo knows: a teacher's default; with True a network that trains starts from them, or from those
      of its backbone;
      `checkpoint`, a file of this whole network (`prefix`: what stands before its keys in the file, whose other keys are left out;
      `allow_missing` and `allow_unexpected`: patterns of keys that the file may lack or have too many);
      `data_preprocessor`, what it wants its images to be;
      and for a frozen teacher `input_size`, `channel_order`, `precision`, `compile`, `classes` and `allow_unmapped` (see
      `FrozenTeacher`), and `allow_random=True`, with which it needs no weights (for tests).

    Args:
        spec: The network.
        role: 'teacher' for a frozen one, 'network' for one that trains.

    Raises:
        ValueError: No name, config or dict with `model`, an unknown key or one that the role does not take, or a value that a key
            does not take.
    """
    words: dict[str, Any] = {'model': spec} if isinstance(spec, str) else dict(spec) if isinstance(spec, Mapping) else {}
    if type_name(words.get('type')) == 'TeacherEnsemble':
        raise ValueError(
            'A TeacherEnsemble is a frozen teacher of OfflineDistiller, or of MutualLearningDistiller with freeze_teacher=True, got it '
            f'as a {role}.')
    if isinstance(words.get('type'), str | type):
        words = {'model': spec}
    foreign = next((key for key in words if key in _FROZEN_ONLY), None) if role != 'teacher' else None
    if foreign is not None:
        raise ValueError(f'{foreign} is for a frozen teacher, got it for {name_of(words.get("model"))}: {_FROZEN_ONLY[foreign]}.')
    known = list(dict.fromkeys((*KEYS, *_FROZEN_ONLY))) if role == 'teacher' else [key for key in KEYS if key not in _FROZEN_ONLY]
    given = words.get('model')
    typeless = isinstance(given, Mapping) and not given.get('type')
    if not isinstance(given, str | Mapping) or typeless or set(words) - {'model', *known}:
        raise ValueError(
            f'A {role} needs a name, a model config, or a dict with model and any of {", ".join(known)}; got '
            f'{", ".join(map(str, words)) or repr(spec)} with a model of type {type(given).__name__}{" without type" if typeless else ""}.')
    who = f'The {role} {name_of(words["model"])}'
    headless = role == 'teacher' and str(words['model']).startswith('timm/')  # whose file may have no head, for its features
    check_whole(who, 0 if headless else 1, num_classes=words.get('num_classes'))
    for key, (kind, said) in _TYPES.items():
        if words.get(key) is not None and not isinstance(words[key], kind):
            raise ValueError(f'{who} needs {key} to be {said}, got {words[key]!r}.')
    for key in ('allow_missing', 'allow_unexpected'):
        try:
            re.compile(words.get(key) or '')
        except re.error as error:
            raise ValueError(f'{who} needs {key} to be a pattern of keys (a regular expression), got {words[key]!r}: {error}.') from error
    return words


def name_of(model: Any) -> str:
    """For messages."""
    return type_name(model.get('type')) if isinstance(model, Mapping) else str(model)


def adapted(config: Mapping[str, Any], words: Mapping[str, Any]) -> ConfigDict:
    """A model's config with the spec's `num_classes` and `options`.

    Raises:
        ValueError: `num_classes` of a model without a head that has one.
    """
    plain = ConfigDict(copy.deepcopy(dict(config)))
    classes = words.get('num_classes')
    if classes is not None and not kind_of_config(plain).set_classes(plain, classes):
        raise ValueError(f'num_classes={classes} needs a model with a head that has it, got {plain.get("type")}: set it in options.')
    if words.get('options'):
        merged = Config({'model': plain})
        merged.merge_from_dict({'model': dict(words['options'])})
        plain = merged.model
    return plain

