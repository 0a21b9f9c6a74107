"""What is asked of a model's config: the network that is deployed, without helpers and without weights."""

import copy
from typing import Any

from mmengine.config import Config, ConfigDict

from mmkd_ext.config.named_types import named, named_types, packages_of, type_name
from mmkd_ext.datasets.stock import stock_loader


def registered(name: Any) -> Any:
    """The class that a registered name means; a class as it is."""
    from mmpretrain.registry import MODELS

    return MODELS.get(name) if isinstance(name, str) else name


def plain_model(model: dict) -> ConfigDict:
    """The config of the deployed network: what is left of a training config's `model` when the helpers are taken away.

    Every class of ours that takes a plain one's place says by `plain_cfg(cfg)` which one that is.

    Args:
        model: The `model` of a config; it is not changed.

    Returns:
        A config that needs nothing for training but the zoo's own losses. A model without helpers comes back as it is.
    """
    plain = ConfigDict(named_types(copy.deepcopy(dict(model))))
    distiller = registered(plain.get('type'))
    if hasattr(distiller, 'plain_cfg'):
        return plain_model(distiller.plain_cfg(plain))
    replaced = False
    for part in ('neck', 'head'):
        if not isinstance(plain.get(part), dict):
            continue  # absent, or several necks of the zoo (HRNet)
        cls = registered(plain[part].get('type'))
        if hasattr(cls, 'plain_cfg'):
            plain[part] = ConfigDict(cls.plain_cfg(plain[part]))
            replaced = True
    if replaced and 'out_indices' in plain.backbone:
        # The zoo's heads read the last stage only.
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
    if 'test_dataloader' in plain:
        plain['test_dataloader'] = stock_loader(plain['test_dataloader'])
    plain['model'] = without_weights(plain_model(cfg.model))
    imports = _imports_of_others(cfg, plain)
    if 'mmkd_ext.' in str(plain):
        scenes = ['mmkd_ext.datasets.digit_scenes'] if 'mmkd_ext.DigitScenes' in str(plain) else []  # needs mmdet
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
        part.pop('checkpoint_path', None)
        if isinstance(part.get('init_cfg'), dict) and type_name(part['init_cfg'].get('type')) == 'Pretrained':  # a list sets numbers
            part.pop('init_cfg')
    several = [*(model.get('students') or {}).values(), *(model.get('networks') or {}).values(), model.get('teacher')]
    for spec in several:  # of networks that train together
        if isinstance(spec, dict):
            spec.pop('pretrained', None)
    return model
