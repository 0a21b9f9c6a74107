"""A disk that fills while mmengine writes something of its own ends a run in one sentence."""

import errno
import logging
import os
from pathlib import Path

import pytest
from mmengine.hooks import CheckpointHook
from mmengine.visualization import LocalVisBackend, TensorboardVisBackend
from support.runs import one_error, write_config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import train
from mmkd_ext.explain.sentences import sentence

needs_dev_full = pytest.mark.skipif(not Path('/dev/full').exists(), reason='the file of Linux that is always full')


def trained(tmp_path, capsys) -> str:
    assert train.main([str(write_config(tmp_path, 'train_cfg = dict(max_epochs=2)')), '--work-dir', 'work']) == 2
    text = one_error(capsys.readouterr().err)
    assert 'disk with room' in text and 'No space left on device' in text and '--resume' in text, text
    return text


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@needs_dev_full
def test_when_the_name_of_the_last_checkpoint_is_written(tmp_path, capsys):
    Path('work').mkdir()
    Path('work/last_checkpoint').symlink_to('/dev/full')
    trained(tmp_path, capsys)
    assert read_checkpoint('work/epoch_1.pth')['meta']['epoch'] == 1


@pytest.mark.parametrize(('kind', 'writes'), [
    (LocalVisBackend, 'add_scalars'), (LocalVisBackend, 'add_config'), (TensorboardVisBackend, 'add_scalars'),
    (CheckpointHook, '_save_checkpoint')])
def test_when_a_backend_or_a_hook_writes(tmp_path, capsys, monkeypatch, kind, writes):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'vis_data/scalars.json')

    monkeypatch.setattr(kind, writes, full)
    assert 'to write vis_data/scalars.json' in trained(tmp_path, capsys)


class FullDisk:
    """A file on it."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def flush(self) -> None: ...
    def close(self) -> None: ...


def test_when_the_log_is_written_no_line_leaves_a_traceback(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(logging.FileHandler, '_open', lambda handler: FullDisk())
    trained(tmp_path, capsys)


def test_when_another_error_hides_it():
    try:
        try:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        except OSError as error:
            raise RuntimeError('the writer has ended') from error
    except RuntimeError as error:
        assert 'got: Disk quota exceeded' in str(sentence(error))
    assert sentence(OSError(errno.ENOENT, 'absent')) is None
