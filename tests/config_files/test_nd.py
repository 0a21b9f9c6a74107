"""Every config of configs/nd_loss and of the plain forms builds its model and takes a training step; its student is a plain one."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from support.config_steps import build, check_a_step, load, random_network, side
from support.runs import REPO, one_error

from mmkd_ext.commands import train
from mmkd_ext.models import OfflineDistiller
from mmkd_ext.models.zoo.frozen_network import build_network

FOLDERS = ('nd_loss', 'kd', 'dkd', 'dist', 'reviewkd')
# one pair after the other, so that its teacher is built once
_FILES = [p for name in FOLDERS for p in (REPO / 'configs' / name).glob('*.py') if 'study' not in p.name]
CONFIGS = sorted(_FILES, key=lambda path: path.stem.partition('_')[::-1])
BIG = ('deit_base', 'vit_base')
each = pytest.mark.parametrize('path', [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if any(name in path.stem for name in BIG) else [])
    for path in CONFIGS
])  # fmt: skip


@pytest.fixture(autouse=True)
def shared_teachers(monkeypatch):
    monkeypatch.setattr('mmkd_ext.models.teachers.frozen_teacher.build_network', lambda spec: random_network(repr(dict(spec))))


@each
def test_it_builds_and_takes_a_step_and_its_student_is_a_plain_network(path):
    cfg = load(path)
    if 'deit_base' in path.stem:  # two layers of its twelve
        cfg.model.student.backbone.arch = dict(embed_dims=768, num_layers=2, num_heads=12, feedforward_channels=3072)
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
