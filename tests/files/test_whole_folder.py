"""A folder is written whole or not at all."""

from mmkd_ext.files.whole_folder import written_whole


def test_what_a_killed_converter_left_is_removed(tmp_path):
    (tmp_path / '.123_data/images').mkdir(parents=True)
    (tmp_path / '.123_other').mkdir()
    with written_whole(tmp_path / 'data') as folder:
        (folder / 'x').touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.123_other', 'data']
