"""A run owns its folder and nothing else, and goes on from its own checkpoints only."""

from pathlib import Path

import pytest
from support.run_folders import epoch_of, trained
from support.runs import losses, one_error

__all__ = ['trained']  # a fixture


def test_a_run_whose_checkpoints_cannot_be_read_is_not_started_anew(trained, capfd):
    assert trained('work', 2) == 0
    for path in Path('work').glob('epoch_*.pth'):
        path.write_bytes(path.read_bytes()[:-700])
    before = {path: path.read_bytes() for path in Path('work').glob('*.pth')}
    capfd.readouterr()
    assert trained('work', 3, '--resume') == 2
    said = one_error(capfd.readouterr().err)
    assert 'got 2 that cannot' in said and 'epoch_2.pth' in said and '--resume CHECKPOINT' in said
    assert {path: path.read_bytes() for path in Path('work').glob('*.pth')} == before


def test_a_run_that_resumes_another_ones_checkpoint_leaves_that_ones_files(trained):
    assert trained('a', 2) == 0
    before = {path: path.read_bytes() for path in Path('a').glob('*.pth')}
    assert any(path.name.startswith('best_') for path in before)
    extra = "default_hooks = dict(checkpoint=dict(rule='less', max_keep_ckpts=1))"  # it improves, or is equal
    assert trained('b', 5, '--resume', 'a/epoch_2.pth', extra=extra) == 0
    assert {path: path.read_bytes() for path in Path('a').glob('*.pth')} == before
    assert [path.name for path in Path('b').glob('epoch_*.pth')] == ['epoch_5.pth']


def test_resume_takes_the_run_that_was_started_last_and_keeps_the_older_ones_files(trained, capfd):
    assert trained('work', 4) == 0
    older = {path.name: path.read_bytes() for path in Path('work').glob('epoch_*.pth')}
    assert trained('work', 2) == 0
    assert '3 checkpoints of an earlier run' in capfd.readouterr().out
    kept = {path.name: path.read_bytes() for path in Path('work').rglob('epoch_*.pth') if path.read_bytes() in older.values()}
    assert kept == older
    assert trained('work', 2, '--resume') == 0
    assert 'epoch 2, and max_epochs is 2: nothing is left to train' in capfd.readouterr().out
    assert trained('work', 3, '--resume') == 0
    assert min(losses(Path('work'))[-1]) == 5 and epoch_of('work/epoch_3.pth') == 3


def test_a_run_without_a_checkpoint_does_not_take_an_older_ones(trained, capfd):
    assert trained('work', 2) == 0
    Path('work/run.json').write_text('{"run": "of a start that was killed"}')
    capfd.readouterr()
    assert trained('work', 3, '--resume') == 2
    assert 'epoch_2.pth is of an earlier run' in one_error(capfd.readouterr().err)
    assert trained('work', 3, '--resume', 'work/epoch_2.pth') == 0


def test_an_epoch_beyond_the_end_is_one_sentence(trained, capfd):
    assert trained('work', 3) == 0
    capfd.readouterr()
    assert trained('work', 2, '--resume') == 2
    assert 'max_epochs is 2, got' in one_error(capfd.readouterr().err)


def test_checkpoints_in_another_folder_under_other_names_are_found(trained):
    extra = "default_hooks = dict(checkpoint=dict(out_dir='elsewhere', filename_tmpl='at_{}.pth'))"
    assert trained('work', 1, extra=extra) == 0
    assert trained('work', 2, '--resume', extra=extra) == 0
    assert min(losses(Path('work'))[-1]) == 3 and epoch_of('elsewhere/work/at_2.pth') == 2


@pytest.mark.parametrize(
    ('extra', 'said'),
    [
        ("optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=0.1))", 'A checkpoint of AdamW'),
        ("param_scheduler = dict(_delete_=True, type='CosineAnnealingLR', T_max=3)", 'schedulers CosineAnnealingLR'),
        ('param_scheduler = None', 'schedulers none'),
    ],
)
def test_the_state_of_another_optimizer_or_scheduler_is_refused_before_the_run(trained, capfd, extra, said):
    assert trained('work', 1) == 0
    before = sorted(Path('work').glob('*.pth'))
    capfd.readouterr()
    assert trained('work', 2, '--resume', extra=extra) == 2
    assert said in one_error(capfd.readouterr().err)
    assert sorted(Path('work').glob('*.pth')) == before


def test_averaged_weights_need_their_hook(trained, capfd):
    assert trained('work', 1, extra="custom_hooks = [dict(type='EMAHook')]") == 0
    capfd.readouterr()
    assert trained('work', 2, '--resume') == 2
    assert 'EMAHook' in one_error(capfd.readouterr().err)


@pytest.mark.parametrize('out', ['epoch_1.pth', 'file/student.pth', '/proc/absent/student.pth'])
def test_an_export_that_cannot_be_written_is_said_before_the_training(trained, capfd, out):
    Path('work').mkdir()
    Path('work/file').write_text('precious')
    assert trained('work', 1, extra=f"custom_hooks = [dict(type='mmkd_ext.ExportStudentHook', out={out!r})]") == 2
    assert 'ExportStudentHook' in one_error(capfd.readouterr().err) and not losses(Path('work'))
