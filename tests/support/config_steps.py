"""A training step of a config file: small images, a teacher of random weights, its student compared with the plain network."""

import gc
from functools import cache
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from support.unfilled import unfilled

from mmkd_ext.losses import NDLoss
from mmkd_ext.models import OfflineDistiller
from mmkd_ext.models.plain_config import plain_model
from mmkd_ext.models.zoo.frozen_network import Network, build_network
from mmkd_ext.registry import MODELS

_KEPT: dict[str, Network] = {}
_LARGE = 40_000_000  # parameters: beside its copy without BatchNorms, and a step, there is no room for it


def random_network(spec: str) -> Network:
    """A frozen teacher with random weights; unless it is large, shared by the configs that name it one after the other."""
    if spec not in _KEPT:
        _KEPT.clear()
        gc.collect()
        torch.manual_seed(0)
        network = build_network(eval(spec))
        if sum(p.numel() for p in network.module.parameters()) > _LARGE:
            return network
        _KEPT[spec] = network
    return _KEPT[spec]


def load(path: Path) -> Config:
    """The config, with a teacher that needs no file and adapters sized on small images."""
    cfg = Config.fromfile(path)
    if 'teacher' in cfg.model:
        cfg.model.teacher.update(checkpoint=None, allow_random=True)
        if 'deit' not in path.stem and not cfg.model.get('input_size'):
            cfg.model.input_size = side(path)
    cfg.model.setdefault('data_preprocessor', cfg.data_preprocessor)
    return cfg


def side(path: Path) -> int:
    if 'deit' in path.stem:  # has one size only
        return 224
    return 16 if 'digits' in path.stem else 64 if 'imagenet' in path.stem else 32


def build(model_cfg):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(model_cfg)


@cache
def keys_of(model_cfg: str) -> set[str]:
    """Of a network's state; many configs have one student."""
    with unfilled():
        return set(build(eval(model_cfg)).state_dict())


def images(n: int, size: int, classes: int, channels: int = 3):
    rng = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (n, channels, size, size), generator=rng, dtype=torch.uint8)
    return default_collate([
        dict(inputs=x, data_samples=DataSample().set_gt_label(i % classes)) for i, x in enumerate(pixels)])


def first_entries(parameter: torch.Tensor) -> torch.Tensor:
    return parameter.detach().flatten()[:1000].clone()  # some adapters hold hundreds of millions


def check_a_step(cfg: Config, size: int, channels: int = 3):
    """Build, one step of mmengine with the config's own optimizer, and compare with the plain network."""
    model = build(cfg.model)
    classes = cfg.data_preprocessor.num_classes
    assert {k for k in model.state_dict() if not k.startswith('distill.')} == keys_of(repr(dict(plain_model(cfg.model))))
    losses = model.distill if isinstance(model, OfflineDistiller) else {}
    for loss in losses.values():
        if isinstance(loss, NDLoss):
            means = torch.rand(classes, loss.widths[1], generator=torch.Generator().manual_seed(2))
            loss.set_class_means(means + 0.1)
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    optim.zero_grad = lambda **_: None  # mmengine's step leaves its gradients
    before = {name: first_entries(p) for name, p in model.named_parameters() if p.ndim > 1}
    terms = model.train().train_step(images(2, size, classes, channels), optim)
    assert all(any(key.startswith(f'loss_{name}') for key in terms) for name in losses)
    found = {name: value.item() for name, value in terms.items() if 'loss' in name}
    assert all(0 < value < float('inf') for value in found.values()), found
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    moved = {name for name, p in model.named_parameters() if name in before and not torch.equal(first_entries(p), before[name])}
    assert moved and any(name.startswith('distill.') for name in moved) == bool(list(getattr(losses, 'parameters', list)()))
    return model
