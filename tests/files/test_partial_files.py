"""What killed writers leave is removed; what is being written stays."""

from mmkd_ext.files.partial_files import opened_partial, partial_of, remove_partial_files


def test_a_file_that_is_being_written_stays(tmp_path):
    with opened_partial(partial_of(tmp_path / 'a.pth')):
        assert remove_partial_files(tmp_path) == []
    assert len(remove_partial_files(tmp_path)) == 1
