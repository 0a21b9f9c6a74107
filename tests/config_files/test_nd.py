"""Every config of configs/nd_loss and of the plain forms builds its model and takes a training step; its student is a plain one."""

from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from support.runs import REPO, one_error

from mmkd_ext.commands import train
from mmkd_ext.losses import NDLoss
from mmkd_ext.models import OfflineDistiller
from mmkd_ext.models.plain import plain_model
from mmkd_ext.models.zoo.frozen_network import Network, build_network
from mmkd_ext.registry import MODELS

FOLDERS = ('nd_loss', 'kd', 'dkd', 'dist', 'reviewkd')
CONFIGS = sorted(p for name in FOLDERS for p in (REPO / 'configs' / name).glob('*.py') if 'study' not in p.name)
BIG = ('deit_base', 'vit_base')
each = pytest.mark.parametrize('path', [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if any(name in path.stem for name in BIG) else [])
    for path in CONFIGS
])  # fmt: skip


@cache
def random_network(spec: str) -> Network:
    """A frozen teacher with random weights, shared by the configs that name it."""
    torch.manual_seed(0)
    return build_network(eval(spec))


@pytest.fixture(autouse=True)
def shared_teachers(monkeypatch):
    monkeypatch.setattr('mmkd_ext.models.teachers.frozen_teacher.build_network', lambda spec: random_network(repr(dict(spec))))


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


def images(n: int, size: int, classes: int, channels: int = 3):
    rng = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (n, channels, size, size), generator=rng, dtype=torch.uint8)
    return default_collate([
        dict(inputs=x, data_samples=DataSample().set_gt_label(i % classes)) for i, x in enumerate(pixels)])


def check_a_step(cfg: Config, size: int, channels: int = 3):
    """Build, one step of mmengine with the config's own optimizer, and compare with the plain network."""
    model = build(cfg.model)
    plain = build(plain_model(cfg.model))
    classes = cfg.data_preprocessor.num_classes
    assert {k for k in model.state_dict() if not k.startswith('distill.')} == set(plain.state_dict())
    losses = model.distill if isinstance(model, OfflineDistiller) else {}
    for loss in losses.values():
        if isinstance(loss, NDLoss):
            means = torch.rand(classes, loss.widths[1], generator=torch.Generator().manual_seed(2))
            loss.set_class_means(means + 0.1)
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    optim.zero_grad = lambda **_: None  # mmengine's step leaves its gradients
    before = {name: p.detach().clone() for name, p in model.named_parameters() if p.ndim > 1}
    terms = model.train().train_step(images(2, size, classes, channels), optim)
    assert all(any(key.startswith(f'loss_{name}') for key in terms) for name in losses)
    found = {name: value.item() for name, value in terms.items() if 'loss' in name}
    assert all(0 < value < float('inf') for value in found.values()), found
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    moved = {name for name, p in model.named_parameters() if name in before and not torch.equal(p, before[name])}
    assert moved and any(name.startswith('distill.') for name in moved) == bool(list(getattr(losses, 'parameters', list)()))
    return model


@each
def test_it_builds_and_takes_a_step_and_its_student_is_a_plain_network(path):
    cfg = load(path)
    model = check_a_step(cfg, side(path))
    if isinstance(model, OfflineDistiller):
        hooks = cfg.get('custom_hooks', [])
        hooked = {hook.get('loss') for hook in hooks if hook['type'] == 'mmkd_ext.LossWarmupHook'}
        assert hooked <= set(model.distill)
        wanting = any(hasattr(loss, 'set_class_means') for loss in model.distill.values())
        assert wanting == any(hook['type'] == 'mmkd_ext.ClassMeansHook' for hook in hooks)


def test_deitpp_takes_a_step_with_small_networks():
    """The networks of its config are slow; all else is the config's own, mixup and CutMix included."""
    cfg = load(REPO / 'configs/nd_loss/deitpp_deit_base_regnety_160_imagenet.py')
    arch = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=16)
    cfg.model.student.backbone.update(arch=arch, img_size=32)
    cfg.model.student.head.in_channels = 16
    cfg.model.teacher.update(model='timm/test_resnet', num_classes=1000)
    model = check_a_step(cfg, 32)
    assert model.distill.nd.widths[0] == 16 and isinstance(model.distill.nd.projection[0], torch.nn.BatchNorm1d)
    assert model.student.head.layers.head_dist.weight.grad.abs().sum() > 0


def test_deitpp_projects_to_the_3024_channels_of_its_teacher():
    import timm

    cfg = Config.fromfile(REPO / 'configs/nd_loss/deitpp_deit_base_regnety_160_imagenet.py')
    with torch.device('meta'):
        assert timm.create_model(cfg.model.teacher.model.removeprefix('timm/')).num_features == 3024


@pytest.mark.parametrize('config', sorted((REPO / 'configs/nd_loss').glob('kdpp_*_cifar100.py')), ids=lambda path: path.stem)
def test_without_its_teacher_a_cell_says_which_config_makes_it_and_then_takes_what_that_writes(tmp_path, monkeypatch, capsys, config):
    monkeypatch.setattr('mmkd_ext.models.teachers.frozen_teacher.build_network', build_network)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(REPO / 'configs')
    teacher = Config.fromfile(config).model.teacher
    assert train.main([str(config), '--work-dir', 'work']) == 2
    error = one_error(capsys.readouterr().err)
    stem = Path(teacher.checkpoint).parent.name
    assert f'needs weights, got work_dirs/{stem}/epoch_240.pth, which is not there. Put a file there' in error
    assert f'`python tools/train.py configs/nd_loss/{stem}.py`' in error and 'model.teacher.checkpoint=FILE' in error
    made = Config.fromfile(REPO / f'configs/nd_loss/{stem}.py')
    assert made.train_cfg.max_epochs == 240  # so that epoch_240.pth is its last
    made.model.data_preprocessor = made.data_preprocessor
    weights = build(made.model).state_dict()
    Path(teacher.checkpoint).parent.mkdir(parents=True)
    torch.save(dict(state_dict=weights, meta={}), teacher.checkpoint)
    torch.testing.assert_close(dict(build_network(teacher).module.state_dict()), dict(weights), rtol=0, atol=0)
