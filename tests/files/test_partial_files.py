"""What killed writers leave is removed, what is being written stays, and files of two exports never lie side by side."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmkd_ext.checkpoints.written_together import put_together
from mmkd_ext.files.partial_files import opened_partial, partial_of, remove_partial_files
from mmkd_ext.files.whole_folder import written_whole

REPO = Path(__file__).resolve().parents[2]


def test_a_file_that_is_being_written_stays(tmp_path):
    with opened_partial(partial_of(tmp_path / 'a.pth')):
        assert remove_partial_files(tmp_path) == []
    assert len(remove_partial_files(tmp_path)) == 1


def test_what_a_killed_converter_left_is_removed(tmp_path):
    (tmp_path / '.123_data/images').mkdir(parents=True)
    (tmp_path / '.123_other').mkdir()
    with written_whole(tmp_path / 'data') as folder:
        (folder / 'x').touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.123_other', 'data']


@pytest.mark.parametrize('call', range(1, 9))
def test_a_killed_export_never_leaves_files_of_two(tmp_path, call):
    names = ['a.pth', 'b.pth', 'all.py']
    for name in names:
        (tmp_path / name).write_bytes(b'old')
    script = (
        'import os, pathlib, sys, pathlib\nfrom mmkd_ext.checkpoints.written_together import put_together\nleft = int(sys.argv[2])\n'
        'def dying(real):\n    def call(*args, **kw):\n        global left\n        left -= 1\n'
        '        if not left: os._exit(9)\n        return real(*args, **kw)\n    return call\n'
        'pathlib.Path.unlink, pathlib.Path.replace = dying(pathlib.Path.unlink), dying(pathlib.Path.replace)\n'
        f'put_together({{pathlib.Path(sys.argv[1]) / name: b"new" for name in {names}}})'
    )
    subprocess.run([sys.executable, '-c', script, str(tmp_path), str(call)], cwd=REPO, timeout=60)
    found = {name: (tmp_path / name).read_bytes() for name in names if (tmp_path / name).exists()}
    assert len(set(found.values())) <= 1 and ('all.py' not in found or len(found) == 3)


def test_a_full_disk_is_one_sentence_and_the_old_files_stay(tmp_path, monkeypatch):
    (tmp_path / 'a.pth').write_bytes(b'old')

    def full(handle):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(ValueError, match=r'disk with room .*a\.pth, got: No space left'):
        put_together({tmp_path / 'a.pth': b'new', tmp_path / 'a.py': b'new'})
    assert [path.name for path in tmp_path.iterdir()] == ['a.pth'] and (tmp_path / 'a.pth').read_bytes() == b'old'


@pytest.mark.parametrize(
    'system', [pytest.param('linux', marks=pytest.mark.skipif(sys.platform != 'linux', reason="Linux's prctl")), 'another system'])
def test_a_process_ends_with_the_one_that_started_it(tmp_path, system):
    inner = (
        f'import os, time; open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))\n'
        'from mmkd_ext.engine.bound_process import end_with_parent; end_with_parent(0.1); time.sleep(60)')
    outer = (
        f'import sys; sys.platform = {system!r}\n'
        f'from mmkd_ext.engine.bound_process import run_bound; run_bound([sys.executable, "-c", {inner!r}])')
    started = subprocess.Popen([sys.executable, '-c', outer], cwd=REPO)
    pid = tmp_path / 'pid'
    for _ in range(300):
        if pid.exists() and pid.read_text():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    assert _lives(pid.read_text())
    started.kill()
    started.wait()
    for _ in range(100):
        if not _lives(pid.read_text()):
            break
        time.sleep(0.1)
    assert not _lives(pid.read_text())


def _lives(pid: str) -> bool:
    status = Path(f'/proc/{pid}/stat')
    return status.exists() and status.read_text().rsplit(')', 1)[1].split()[0] != 'Z'
