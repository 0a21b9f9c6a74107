"""A run owns its folder: exports stay inside, a folder that has moved or is a link is the same folder, others' epochs are kept."""

import os
import shutil
from pathlib import Path

import pytest
from support.run_folders import epoch_of, trained
from support.runs import losses, one_error

__all__ = ['trained']  # a fixture


def files_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).glob('*.pth')}


@pytest.mark.parametrize('out', ['../student.pth', '{here}/student.pth', 'link/student.pth', 'other.pth', 'beside.pth'])
def test_an_export_that_leads_out_of_the_folder_is_refused_before_the_training(trained, capfd, tmp_path, out):
    outside = tmp_path / 'outside'
    outside.mkdir(), Path('work').mkdir()
    for name in ('student.pth', 'student.py', 'beside.py'):
        (outside / name).write_text('precious')
        Path(name).write_text('precious')
    Path('work/link').symlink_to(outside)
    Path('work/other.pth').symlink_to(outside / 'student.pth')
    Path('work/beside.py').symlink_to(outside / 'beside.py')  # the config that goes beside the weights
    out = out.format(here=tmp_path)
    assert trained('work', 1, extra=f"custom_hooks = [dict(type='mmkd_ext.ExportStudentHook', out={out!r})]") == 2
    said = one_error(capfd.readouterr().err)
    assert "ExportStudentHook needs an out inside the run's folder" in said and repr(out) in said
    assert not losses(Path('work'))
    assert {path.read_text() for path in [*outside.iterdir(), Path('student.pth'), Path('student.py')]} == {'precious'}


@pytest.mark.parametrize('out', ['shipped/student.pth', '{here}/work/student.pth'])
def test_an_export_inside_a_folder_that_is_a_link_is_written(trained, tmp_path, out):
    Path('real').mkdir()
    Path('work').symlink_to('real')
    out = out.format(here=tmp_path)
    assert trained('work', 1, extra=f"custom_hooks = [dict(type='mmkd_ext.ExportStudentHook', out={out!r})]") == 0
    assert (Path('work') / out).is_file() and (Path('work') / out).with_suffix('.py').is_file()


def test_resume_in_the_config_goes_on_exactly(trained):
    end = 'param_scheduler = dict(end=3)\n'  # and not the shorter run's end
    assert trained('whole', 3, extra=end) == 0 and trained('parts', 1, extra=end) == 0
    first = files_of('parts')['epoch_1.pth']
    assert trained('parts', 3, extra=end + 'resume = True') == 0
    # both starts may be in one second, and so in one log
    assert {k: v for each in losses(Path('parts')) for k, v in each.items()} == losses(Path('whole'))[0]
    assert files_of('parts')['epoch_1.pth'] == first and not list(Path('parts').glob('before_*'))


def test_resume_in_the_config_does_not_take_an_older_runs_checkpoint(trained):
    assert trained('work', 4) == 0
    assert trained('work', 2) == 0
    assert trained('work', 3, extra='resume = True') == 0
    assert sorted(losses(Path('work'))[-1]) == [5, 6] and epoch_of('work/epoch_3.pth') == 3


@pytest.mark.parametrize('how', ['moved', 'link', 'moved behind a link'])
def test_a_folder_that_moved_or_is_a_link_goes_on_with_its_run(trained, how):
    assert trained('work', 2) == 0
    (best,) = Path('work').glob('best_*')
    if how == 'moved':
        shutil.move('work', 'there')
    elif how == 'link':
        Path('there').symlink_to('work')
    else:
        shutil.move('work', 'disk')
        Path('there').symlink_to('disk')
    extra = "default_hooks = dict(checkpoint=dict(rule='less', max_keep_ckpts=1))"
    assert trained('there', 4, '--resume', extra=extra) == 0
    assert sorted(losses(Path('there'))[-1]) == [5, 6, 7, 8]
    assert [path.name for path in Path('there').glob('epoch_*.pth')] == ['epoch_4.pth']  # its own older ones may go
    assert len(list(Path('there').glob('best_*'))) == 1 and not list(Path('there').glob('before_*'))
    assert how != 'moved' or not os.path.exists('work') and best.name


def test_keeping_few_epochs_removes_none_of_another_runs(trained):
    assert trained('work', 4) == 0
    older = files_of('work')
    extra = "default_hooks = dict(checkpoint=dict(max_keep_ckpts=1, save_best=None))"
    assert trained('work', 3, extra=extra) == 0
    left = [path for path in Path('work').rglob('*.pth')]
    assert set(older.values()) <= {path.read_bytes() for path in left}
    assert [name for name in ('epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth') if Path('work', name).exists()] == ['epoch_3.pth']
    assert epoch_of('work/epoch_3.pth') == 3 and files_of('work')['epoch_3.pth'] != older['epoch_3.pth']


def test_a_named_checkpoint_of_the_own_folder_goes_back_and_its_later_epochs_are_replaced(trained):
    assert trained('work', 3) == 0
    whole = losses(Path('work'))[0]
    first = files_of('work')
    assert trained('work', 3, '--resume', 'work/epoch_1.pth') == 0
    again = losses(Path('work'))[-1]
    assert sorted(again) == [3, 4, 5, 6] and again == {step: whole[step] for step in again}  # to the last bit
    assert files_of('work')['epoch_1.pth'] == first['epoch_1.pth']
    assert not list(Path('work').glob('before_*'))  # they were its own
    assert trained('work', 4, '--resume') == 0
    assert sorted(losses(Path('work'))[-1]) == [7, 8]
