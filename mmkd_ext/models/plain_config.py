"""The plain config of a training config's model: the deployed network, without helpers and without weights."""

import copy
from typing import Any

from mmengine.config import Config, ConfigDict

from mmkd_ext.config.named_types import named, named_types, packages_of, type_name
from mmkd_ext.datasets.mmpretrain_types import stock_loader

# data sets that need mmdet and mmseg
_APART = {'DigitScenes': 'mmkd_ext.datasets.digit_scenes', 'DigitMasks': 'mmkd_ext.datasets.digit_masks'}


def registered(name: Any) -> Any:
    """The class that a registered name means; a class as it is."""
    from mmpretrain.registry import MODELS

    return MODELS.get(name) if isinstance(name, str) else name


def plain_model(model: dict) -> ConfigDict:
    """The config of the deployed network: a training config's `model` without the helpers.

    Every class of ours that takes a plain one's place says by `plain_cfg(cfg)` which one that is.

    Args:
        model: The `model` of a config; it is not changed.

    Returns:
        A config that needs nothing for training but the losses of mmpretrain or mmdet. A model without helpers comes back as it is.

    Example:
        >>> import mmkd_ext.models
        >>> neck, head = dict(type='mmkd_ext.TESKDNeck', in_channels=(8, 16)), dict(type='LinearClsHead', num_classes=2, in_channels=16)
        >>> plain_model(dict(type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=neck, head=head)).neck
        {'type': 'GlobalAveragePooling'}
    """
    plain = ConfigDict(named_types(copy.deepcopy(dict(model))))
    distiller = registered(plain.get('type'))
    if hasattr(distiller, 'plain_cfg'):
        return plain_model(distiller.plain_cfg(plain))
    replaced = False
    for part in ('neck', 'head'):
        if not isinstance(plain.get(part), dict):
            continue  # absent, or several necks of mmpretrain (HRNet)
        cls = registered(plain[part].get('type'))
        if hasattr(cls, 'plain_cfg'):
            plain[part] = ConfigDict(cls.plain_cfg(plain[part]))
            replaced = True
    if replaced and 'out_indices' in plain.backbone:
        # mmpretrain's heads read the last stage only.
        plain.backbone.out_indices = (max(plain.backbone.out_indices),)
    return plain


def distils(model: dict) -> bool:
    """Whether a `model` is a distiller around a student, which predicts alone."""
    return hasattr(registered(model.get('type')), 'helper_prefix')


def plain_config(cfg: Config) -> Config:
    """A config that tests the deployed network: the plain model and the data it is tested on, nothing of the training."""
    cfg = named(cfg)
    keys = ('default_scope', 'data_preprocessor', 'test_dataloader', 'test_evaluator', 'test_cfg', 'env_cfg')
    plain = {key: copy.deepcopy(cfg[key]) for key in keys if cfg.get(key) is not None}
    if cfg.get('default_scope') == 'mmseg' and cfg.get('test_pipeline') is not None:  # which mmseg.apis.inference_model reads there
        plain['test_pipeline'] = copy.deepcopy(cfg.test_pipeline)
    if 'test_dataloader' in plain:
        plain['test_dataloader'] = stock_loader(plain['test_dataloader'])
    plain['model'] = without_weights(plain_model(cfg.model))
    imports = _imports_of_others(cfg, plain)
    if 'mmkd_ext.' in str(plain):
        scenes = [module for name, module in _APART.items() if f'mmkd_ext.{name}' in str(plain)]
        imports += ['mmkd_ext.models', 'mmkd_ext.datasets', *scenes]
    if imports:
        plain['custom_imports'] = dict(imports=imports, allow_failed_imports=False)
    return Config(plain)


def _imports_of_others(cfg: Config, plain: dict) -> list[str]:
    """A user's own modules in which types of the plain config are registered."""
    asked = (cfg.get('custom_imports') or {}).get('imports') or []
    packages = packages_of(plain)
    return [each for each in ([asked] if isinstance(asked, str) else asked) if each.partition('.')[0] in packages - {'mmkd_ext'}]


def without_weights(model: dict) -> ConfigDict:
    """The same without the weights that are fetched: timm's when a model is built, others when the runner initialises it."""
    model = ConfigDict(copy.deepcopy(dict(model)))
    for part in (model, model.get('backbone') or {}):
        if part.get('pretrained') is True:
            part['pretrained'] = False
        elif isinstance(part.get('pretrained'), str):  # an address, in configs of mmseg
            part.pop('pretrained')
        part.pop('checkpoint_path', None)
        if isinstance(part.get('init_cfg'), dict) and type_name(part['init_cfg'].get('type')) == 'Pretrained':  # a list sets numbers
            part.pop('init_cfg')
    several = [*(model.get('students') or {}).values(), *(model.get('networks') or {}).values(), model.get('student'), model.get('teacher')]
    for spec in several:
        if isinstance(spec, dict) and spec.get('pretrained') is True:
            spec.pop('pretrained')
    return model
