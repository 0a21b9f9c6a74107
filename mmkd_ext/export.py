"""What is shipped: the plain zoo model of a config that distils, written whole, and only after it has been checked."""

import copy
import importlib.util
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from mmkd_ext.checkpoints import read_checkpoint
from mmkd_ext.data_size import data_size
from mmkd_ext.datasets.stock import stock_loader
from mmkd_ext.folders import check_output
from mmkd_ext.models.image_shape import Size, as_size, input_shape_of, own_size, short_size
from mmkd_ext.models.told_order import tell_channel_order, tell_image_size
from mmkd_ext.named_types import named, named_types, packages_of, type_name
from mmkd_ext.weights import weights_of
from mmkd_ext.written_together import put_together


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


def build_model(cfg: Config) -> nn.Module:
    """The model of a config on the CPU, in eval mode. Nothing is downloaded: its weights are to come from a checkpoint."""
    from mmpretrain.registry import MODELS

    cfg = copy.deepcopy(cfg)
    tell_channel_order(cfg)
    tell_image_size(cfg)
    model_cfg = without_weights(cfg.model)
    model_cfg.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        return MODELS.build(model_cfg).eval()


def input_size(cfg: Config) -> Size:
    """Side in pixels of the images that a config feeds its network, or (height, width); 224 where neither data nor model tell."""
    return short_size(data_size(cfg, look=True) or own_size(plain_model(cfg.model), None))


def input_shape(cfg: Config, size: Size | None = None, network: nn.Module | None = None) -> tuple[int, int, int]:
    """Channels, height and width of what a config feeds its network.

    Args:
        cfg: The config.
        size: Side in pixels, or (height, width), instead of what its data say.
        network: Its network, where it is built already.
    """
    size = size or data_size(cfg, look=True)
    network = build_model(plain_config(cfg)) if network is None else network
    return input_shape_of(plain_model(cfg.model), network, size)


def export_student(
    cfg: Config, checkpoint: str | Path, out: str | Path, onnx: bool = False, size: Size | None = None
) -> list[Path]:
    """Write the deployed network of a training checkpoint as a plain zoo checkpoint with its config beside it.

    Args:
        cfg: The config that the checkpoint was trained with.
        checkpoint: A training checkpoint, read without executing code.
        out: The `.pth` file to write; the config goes to `.py` and, with `onnx`, the graph to `.onnx` of the same name.
        onnx: Whether to write ONNX too, with a free batch size.
        size: Side in pixels of the images for the check and the ONNX graph, or (height, width); default: what the config's data say.

    Returns:
        The files written.

    Raises:
        ValueError: `out` cannot be written or would replace a source, ONNX is asked for and not installed, the
            checkpoint does not fit the config, or the plain network predicts otherwise. Then no file is written.
    """
    out, cfg = Path(out), named(cfg)
    if size is not None:
        as_size(size, 'size')
    if out.suffix != '.pth':
        raise ValueError(f'export_student needs an output that ends in .pth, got {out}.')
    sources = {Path(path).resolve() for path in (checkpoint, cfg.filename) if path}
    for path in (out, out.with_suffix('.py')):
        if path.resolve() in sources:
            raise ValueError(
                f'export_student needs an output beside its sources, got {out}, which would replace {path}. Choose another.'
            )
    if onnx:
        check_onnx()
    for ending in ('.pth', '.py', *(['.onnx'] if onnx else [])):
        check_output(out.with_suffix(ending), 'Choose another output.')
    state = read_checkpoint(checkpoint, needs=('state_dict',))
    weights = weights_of(state, str(checkpoint))
    from mmkd_ext.export_ensemble import ensemble_files
    from mmkd_ext.export_files import network_files

    if hasattr(registered(cfg.model.get('type')), 'plain_network'):
        files = ensemble_files(cfg, weights, state.get('meta', {}), str(checkpoint), out, onnx, size)
    else:
        files = network_files(cfg, weights, state.get('meta', {}), str(checkpoint), out, onnx, size)
    put_together(dict(sorted(files.items(), key=lambda item: (item[0].suffix == '.py', item[0] == out.with_suffix('.py')))))
    return list(files)


def registered(name: Any) -> Any:
    """The class that a registered name means; a class as it is."""
    from mmpretrain.registry import MODELS

    return MODELS.get(name) if isinstance(name, str) else name


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


def check_onnx() -> None:
    """Refuse where ONNX is not installed."""
    missing = [name for name in ('onnx', 'onnxscript', 'onnxruntime') if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"ONNX export needs {', '.join(missing)}, which is not installed: pip install -e '.[onnx]'.")
