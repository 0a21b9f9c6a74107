"""Files that are whole or absent, and the search for the newest one that can be read."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.fileio import get_file_backend
from mmengine.logging import HistoryBuffer
from support.copies import in_copy

from mmkd_ext.checkpoints import checkpoint_files as checkpoints
from mmkd_ext.checkpoints.checkpoint_files import (
    AtomicBackend,
    checkpoints_newest_first,
    newest_readable_checkpoint,
    read_checkpoint,
    remove_partial_files,
)

ATOMIC = dict(backend='mmkd_ext.atomic')


def save(path, **extra):
    history = HistoryBuffer([0.5, 0.25], [1, 2])
    torch.save(
        dict(
            state_dict=dict(w=torch.arange(5000.0)),
            meta=dict(epoch=1, iter=np.int64(3)),
            message_hub=dict(log_scalars=dict(loss=history)),
            **extra,
        ),
        path,
    )
    return path


class Malicious:
    def __reduce__(self):
        return (Path.touch, (Path('executed'),))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-700])


def flip_a_bit_of_a_weight(path):
    data = bytearray(path.read_bytes())
    at = data.index(np.arange(2000.0, 2010.0, dtype=np.float32).tobytes())
    data[at] ^= 1
    path.write_bytes(data)


def write_text(path):
    path.write_text('<html>404: not found</html>')


def empty(path):
    path.write_bytes(b'')


def test_read_checkpoint_gives_back_what_a_runner_saves(tmp_path):
    read = read_checkpoint(save(tmp_path / 'a.pth'), needs=('state_dict', 'meta', 'message_hub'))
    assert torch.equal(read['state_dict']['w'], torch.arange(5000.0))
    assert read['message_hub']['log_scalars']['loss'].data[0].tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ('damage', 'said'),
    [
        (truncate, 'cut short'),
        (flip_a_bit_of_a_weight, 'checksum'),
        (write_text, 'no checkpoint'),
        (empty, 'no checkpoint'),
        (Path.unlink, 'not there'),
    ],
)
def test_a_damaged_checkpoint_is_one_sentence_that_names_it(tmp_path, damage, said):
    path = save(tmp_path / 'epoch_1.pth')
    damage(path)
    with pytest.raises(ValueError, match=said) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)


def test_a_checkpoint_that_would_execute_code_is_refused_and_not_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(dict(state_dict={}, meta=Malicious()), 'epoch_1.pth')
    with pytest.raises(ValueError, match='could execute code'):
        read_checkpoint('epoch_1.pth')
    assert not Path('executed').exists()


def test_a_checkpoint_without_what_is_needed_says_what_it_holds(tmp_path):
    torch.save(dict(weight=torch.ones(2)), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='with meta is needed.*holds: weight'):
        read_checkpoint(tmp_path / 'a.pth', needs=('meta',))


def test_checkpoints_are_ordered_by_number_and_best_ones_left_out(tmp_path):
    for name in ('epoch_2.pth', 'epoch_10.pth', 'epoch_9.pth', 'best_accuracy_top1_epoch_11.pth', 'student.pth'):
        (tmp_path / name).touch()
    assert [path.name for path in checkpoints_newest_first(tmp_path)] == ['epoch_10.pth', 'epoch_9.pth', 'epoch_2.pth']


def test_the_newest_readable_checkpoint_skips_damaged_ones_and_says_which_is_used(tmp_path, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(checkpoints, 'print_log', lambda text, *_: said.append(text))
    for n in (1, 2, 3):
        save(tmp_path / f'epoch_{n}.pth')
    truncate(tmp_path / 'epoch_3.pth')
    flip_a_bit_of_a_weight(tmp_path / 'epoch_2.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_3.pth'))
    assert newest_readable_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'
    assert len(said) == 2
    for text, n in zip(said, (3, 2), strict=True):
        assert f'epoch_{n}.pth, which cannot be used' in text
        assert text.endswith(f'Using {tmp_path / "epoch_1.pth"} instead.')


def test_no_checkpoint_at_all_is_none(tmp_path):
    assert newest_readable_checkpoint(tmp_path / 'absent') is None


def test_the_old_file_is_removed_only_after_the_new_one_is_whole(tmp_path):
    backend = get_file_backend(str(tmp_path), backend_args=ATOMIC)
    old, new = tmp_path / 'epoch_1.pth', tmp_path / 'epoch_2.pth'
    backend.put(b'old', str(old))
    backend.remove(str(old))
    assert old.read_bytes() == b'old'
    get_file_backend(str(new), backend_args=ATOMIC).put(b'new', str(new))  # mmengine makes a backend per call
    assert not old.exists() and new.read_bytes() == b'new'


def test_a_removed_file_that_is_written_again_stays(tmp_path):
    backend = get_file_backend(str(tmp_path), backend_args=ATOMIC)
    path = str(tmp_path / 'best.pth')
    backend.put(b'one', path)
    backend.remove(path)
    backend.put(b'two', path)
    backend.put(b'other', str(tmp_path / 'other.pth'))
    assert Path(path).read_bytes() == b'two'


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    backend = get_file_backend(str(tmp_path), backend_args=ATOMIC)
    path = tmp_path / 'epoch_1.pth'
    backend.put(b'whole', str(path))
    with pytest.raises(TypeError):
        backend.put('text is not bytes', str(path))
    assert [p.name for p in tmp_path.iterdir()] == ['epoch_1.pth'] and path.read_bytes() == b'whole'


def test_a_writer_killed_in_mid_write_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(b'whole')

    def killed_before_the_disk_has_it(words):
        os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
        AtomicBackend().put(b'half' * 1000, words[0])

    assert in_copy(killed_before_the_disk_has_it, path, cwd=tmp_path).returncode == -9
    assert path.read_bytes() == b'whole' and len(list(tmp_path.iterdir())) == 2
    assert checkpoints_newest_first(tmp_path) == [path]
    assert len(remove_partial_files(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_as_checkpoint_is_named_with_a_file_in_it(tmp_path):
    save(tmp_path / 'epoch_3.pth')
    with pytest.raises(ValueError, match='which is a folder: name a file in it, such as epoch_3.pth'):
        read_checkpoint(tmp_path)
