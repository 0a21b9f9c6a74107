"""Files that are written together: after an interruption, those of two exports never lie side by side."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmkd_ext.checkpoints.written_together import put_together

REPO = Path(__file__).resolve().parents[2]


# in each fork the process dies at another call: the first number of them that it does not survive
SCRIPT = """
import os, sys
from pathlib import Path
from mmkd_ext.checkpoints.written_together import put_together

def dying(real):
    def call(*args, **options):
        global left
        left -= 1
        if not left:
            os._exit(9)
        return real(*args, **options)
    return call

for left in range(1, 9):
    folder = Path(sys.argv[1], str(left))
    folder.mkdir()
    for name in {names}:
        (folder / name).write_bytes(b'old')
    if not os.fork():
        Path.unlink, Path.replace = dying(Path.unlink), dying(Path.replace)
        put_together({{folder / name: b'new' for name in {names}}})
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_killed_export_never_leaves_files_of_two(tmp_path):
    names = ['a.pth', 'b.pth', 'all.py']
    ended = subprocess.run(
        [sys.executable, '-c', SCRIPT.format(names=names), str(tmp_path)], cwd=REPO, capture_output=True, text=True, timeout=200)
    assert ended.stdout.split() == ['9'] * 8, ended.stderr
    for folder in tmp_path.iterdir():
        found = {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}
        assert len(set(found.values())) <= 1 and ('all.py' not in found or len(found) == 3)


def test_a_full_disk_is_one_sentence_and_the_old_files_stay(tmp_path, monkeypatch):
    (tmp_path / 'a.pth').write_bytes(b'old')

    def full(handle):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(ValueError, match=r'disk with room .*a\.pth, got: No space left'):
        put_together({tmp_path / 'a.pth': b'new', tmp_path / 'a.py': b'new'})
    assert [path.name for path in tmp_path.iterdir()] == ['a.pth'] and (tmp_path / 'a.pth').read_bytes() == b'old'
