"""Files that are written together: after an interruption, those of two exports never lie side by side."""

import os
from pathlib import Path

import pytest
from support.copies import in_copy

from mmkd_ext.checkpoints.written_together import put_together

NAMES = ['a.pth', 'b.pth', 'all.py']


def dies(words):
    """At a call that writes: the number of those that it survives and the last, which it does not."""
    left = int(words[1])

    def dying(real):
        def call(*args, **options):
            nonlocal left
            left -= 1
            if not left:
                os._exit(9)
            return real(*args, **options)

        return call

    Path.unlink, Path.replace = dying(Path.unlink), dying(Path.replace)
    put_together({Path(words[0], name): b'new' for name in NAMES})
    return 0


def test_a_killed_export_never_leaves_files_of_two(tmp_path):
    for number in range(1, 9):
        folder = tmp_path / f'at_call_{number}'
        folder.mkdir()
        for name in NAMES:
            (folder / name).write_bytes(b'old')
        assert in_copy(dies, folder, number, cwd=tmp_path).returncode == 9
    for folder in tmp_path.iterdir():
        found = {name: (folder / name).read_bytes() for name in NAMES if (folder / name).exists()}
        assert len(set(found.values())) <= 1 and ('all.py' not in found or len(found) == 3)


def test_a_full_disk_is_one_sentence_and_the_old_files_stay(tmp_path, monkeypatch):
    (tmp_path / 'a.pth').write_bytes(b'old')

    def full(handle):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(ValueError, match=r'disk with room .*a\.pth, got: No space left'):
        put_together({tmp_path / 'a.pth': b'new', tmp_path / 'a.py': b'new'})
    assert [path.name for path in tmp_path.iterdir()] == ['a.pth'] and (tmp_path / 'a.pth').read_bytes() == b'old'
