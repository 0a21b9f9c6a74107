"""The flags of tools/train.py; resuming, errors and several processes have tests of their own."""

import logging
from pathlib import Path

import pytest
import torch
from support.runs import REPO, losses, write_config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import train


@pytest.fixture
def config_of(tmp_path, monkeypatch):
    """What the flags make of a config."""
    monkeypatch.chdir(tmp_path)

    def make(*flags, extra=''):
        return train.make_config(train.parse_args([str(write_config(tmp_path, extra)), *flags]))

    return make


no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason='what is done where there is no GPU')


def test_the_work_dir_is_the_flag_then_the_config_then_its_name(config_of):
    assert config_of('--work-dir', 'a', extra="work_dir = 'b'").work_dir == 'a'
    assert config_of(extra="work_dir = 'b'").work_dir == 'b'
    cfg = config_of()
    assert cfg.work_dir == f'work_dirs/{Path(cfg.filename).stem}'


def test_no_validate_drops_the_three_parts(config_of):
    cfg = config_of('--no-validate')
    assert cfg.val_cfg is None and cfg.val_dataloader is None and cfg.val_evaluator is None


def test_options_win_over_flags_and_config(config_of):
    cfg = config_of('--work-dir', 'a', '--cfg-options', 'work_dir=c', 'model.head.num_classes=11')
    assert cfg.work_dir == 'c' and cfg.model.head.num_classes == 11


@pytest.mark.parametrize(
    ('flags', 'resume', 'load_from'),
    [((), False, None), (('--resume',), True, None), (('--resume', 'a.pth'), True, 'a.pth')],
)
def test_resume_takes_a_name_or_none(config_of, flags, resume, load_from):
    cfg = config_of(*flags)
    assert (cfg.resume, cfg.load_from) == (resume, load_from)


def test_the_learning_rate_is_scaled_where_the_config_says_its_batch(config_of):
    assert config_of('--auto-scale-lr', extra='auto_scale_lr = dict(base_batch_size=64)').auto_scale_lr.enable
    with pytest.raises(ValueError, match='base_batch_size'):
        config_of('--auto-scale-lr')


def test_loaders_get_the_collation_of_their_scope_and_keep_what_they_state(config_of):
    cfg = config_of(extra='train_dataloader = dict(num_workers=1, persistent_workers=True, pin_memory=True)')
    assert cfg.train_dataloader.collate_fn.type == 'default_collate' and cfg.train_dataloader.persistent_workers
    assert cfg.train_dataloader.pin_memory and cfg.val_dataloader.pin_memory == torch.cuda.is_available()
    flags = ('--no-persistent-workers', '--no-pin-memory')
    cfg = config_of(*flags, extra='train_dataloader = dict(num_workers=1, persistent_workers=True, pin_memory=True)')
    assert not cfg.train_dataloader.persistent_workers and not cfg.train_dataloader.pin_memory
    assert 'collate_fn' not in config_of(extra="default_scope = 'mmdet'").train_dataloader


@no_gpu
def test_amp_without_a_gpu_is_bfloat16(config_of):
    cfg = config_of('--amp')
    assert cfg.optim_wrapper.type == 'mmkd_ext.CPUAmpOptimWrapper' and 'loss_scale' not in cfg.optim_wrapper
    assert config_of().optim_wrapper.type == 'OptimWrapper'


def test_a_run_keeps_three_checkpoints_and_the_best_and_no_partial_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('work').mkdir()
    Path('work/.epoch_9.pth.123.mmkd-partial').write_bytes(b'left by a killed run')
    config = write_config(tmp_path, 'train_cfg = dict(max_epochs=5)')
    assert train.main([str(config), '--work-dir', 'work', '--resume']) == 0  # nothing to resume from: it starts anew
    names = sorted(path.name for path in Path('work').iterdir() if path.name.endswith(('.pth', 'partial')))
    assert names[1:] == ['epoch_3.pth', 'epoch_4.pth', 'epoch_5.pth'] and names[0].startswith(
        'best_accuracy_top1_epoch_'
    )
    assert len(losses(Path('work'))[0]) == 25
    assert read_checkpoint('work/epoch_5.pth')['meta']['epoch'] == 5
    logging.shutdown()


@pytest.mark.parametrize('name', ['datasets/digits', 'datasets/cifar100', 'default_runtime'])
def test_the_base_configs_parse_and_state_no_persistent_workers(name):
    from mmengine.config import Config

    cfg = Config.fromfile(REPO / f'configs/_base_/{name}.py')
    loaders = [cfg[part] for part in ('train_dataloader', 'val_dataloader', 'test_dataloader') if part in cfg]
    assert len(loaders) in (0, 3) and not any(loader.persistent_workers for loader in loaders)
