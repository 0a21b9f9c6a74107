"""A run that was killed goes on as if it had not been."""

import pytest
from support.copies import in_copy
from support.runs import losses, one_thread, write_config

from mmkd_ext.checkpoints.checkpoint_files import newest_readable_checkpoint, read_checkpoint
from mmkd_ext.commands import train

_SUICIDE = """
custom_imports = dict(imports={imports}, allow_failed_imports=False)
custom_hooks = [dict(type='SuicideHook', iteration={iteration})]
"""
_IMPORTS = ['mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.hooks', 'support.suicide']

_BY_ITER = """
train_cfg = dict(_delete_=True, by_epoch=False, max_iters=12, val_interval=4)
train_dataloader = dict(sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True))
param_scheduler = dict(_delete_=True, type='MultiStepLR', milestones=[6], by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=4), logger=dict(log_metric_by_epoch=False))
log_processor = dict(by_epoch=False)
"""


@pytest.mark.parametrize(
    ('extra', 'kill_at', 'resumes_at'),
    [
        ('', 12, 11),
        ('train_dataloader = dict(num_workers=2)', 12, 11),
        ('randomness = dict(seed=None)', 7, 6),
        (_BY_ITER, 7, 5),
    ],
    ids=['epochs', 'epochs with workers', 'a seed that the runner drew', 'iterations'],
)
def test_resumed_losses_equal_the_uninterrupted_ones(tmp_path, monkeypatch, extra, kill_at, resumes_at):
    monkeypatch.chdir(tmp_path)
    dying = write_config(tmp_path, extra + _SUICIDE.format(imports=_IMPORTS, iteration=kill_at))
    killed = in_copy(train.main, dying, '--work-dir', 'killed', cwd=tmp_path)
    assert killed.returncode == -9, killed.stderr
    with one_thread():
        assert train.main([str(write_config(tmp_path, extra)), '--work-dir', 'killed', '--resume']) == 0
        seed = read_checkpoint(newest_readable_checkpoint('killed'))['meta']['seed']
        whole = [str(write_config(tmp_path, extra)), '--work-dir', 'whole', '--cfg-options', f'randomness.seed={seed}']
        assert train.main(whole) == 0

    before, after = losses(tmp_path / 'killed')
    (reference,) = losses(tmp_path / 'whole')
    assert min(after) == resumes_at
    assert set(before) | set(after) == set(reference)
    for part in (before, after):
        assert part == {step: reference[step] for step in part}  # to the last bit
