"""Places to write to are tried before the work, and nothing is left where they were tried."""

import os
from pathlib import Path

import pytest

from mmkd_ext.files.writable_places import check_folder, check_output, check_work_dir


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').write_text('precious')
    (tmp_path / 'folder').mkdir()


def tree() -> list[str]:
    return sorted(str(path) for path in Path().rglob('*'))


@pytest.mark.parametrize('path', ['new.pkl', 'file', 'folder/new.pkl', 'absent/deeper/new.pkl'])
def test_a_file_that_can_be_written_is_left_alone(path):
    before = tree()
    check_output(path, 'Look there.')
    assert tree() == before and Path('file').read_text() == 'precious'


@pytest.mark.parametrize(
    ('path', 'said'),
    [
        ('folder', 'is a folder'),
        ('file/new.pkl', 'Not a directory'),
        ('file/deeper/new.pkl', 'Not a directory'),
        ('/proc/new.pkl', ''),
        ('/proc/absent/new.pkl', ''),
        ('nul\0.pkl', 'null'),
    ],
)
def test_a_file_that_cannot_be_written_is_named_with_the_reason(path, said):
    before = tree()
    with pytest.raises(ValueError, match=r'(?s)file .*is needed, got .* Look there\.') as caught:
        check_output(path, 'Look there.')
    assert path in str(caught.value) and said in str(caught.value)
    assert tree() == before


def test_a_link_is_followed_and_what_is_no_file_is_never_replaced():
    Path('to a file').symlink_to('file')
    Path('to a new one').symlink_to('folder/new')
    before = tree()
    for path in ('to a file', 'to a new one'):
        check_output(path, 'Look there.')
    os.mkfifo('pipe')
    Path('to nowhere').symlink_to('absent/deep')
    Path('round').symlink_to('round')
    for path, said in {
        'pipe': 'a device or a pipe', '/dev/null': 'a device or a pipe', 'to nowhere': 'a link into .*absent, which is not there',
        'round': 'Too many levels of symbolic links'}.items():  # fmt: skip
        with pytest.raises(ValueError, match=rf'got {path}.*{said}\. Look there\.'):
            check_output(path, 'Look there.')
    assert set(tree()) == {*before, 'pipe', 'to nowhere', 'round'}


@pytest.mark.parametrize('path', ['folder', 'new', 'absent/deeper'])
def test_a_folder_that_can_be_made_is_not_made(path):
    before = tree()
    check_folder(path, 'Look there.')
    assert tree() == before


@pytest.mark.parametrize(
    ('path', 'said'), [('file', 'Not a directory'), ('file/new', 'Not a directory'), ('/proc/new', ''), ('a\0', 'null')])
def test_a_folder_that_cannot_be_made_is_named_with_the_reason(path, said):
    with pytest.raises(ValueError, match=r'(?s)folder that can be written is needed, got .*Look there\.') as caught:
        check_folder(path, 'Look there.')
    assert path in str(caught.value) and said in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason='to root every folder is writable')
def test_a_folder_of_somebody_else_is_refused():
    Path('folder').chmod(0o500)
    for path in ('folder/new.pkl', 'folder/absent/new.pkl'):
        with pytest.raises(ValueError, match='Permission denied'):
            check_output(path, 'Look there.')


def test_a_work_dir_is_made():
    check_work_dir('a/b')
    assert Path('a/b').is_dir() and list(Path('a/b').iterdir()) == []


@pytest.mark.parametrize('path', ['file', 'file/work', '/proc/absent', 'nul\0', 3.5, ''])
def test_a_work_dir_that_cannot_be_is_named(path):
    with pytest.raises(ValueError, match=r'(?s)A work dir that can be written is needed, got .*by --work-dir\.') as caught:
        check_work_dir(path)
    assert str(path) in str(caught.value)
