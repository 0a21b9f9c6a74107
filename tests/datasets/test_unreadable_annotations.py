"""An annotation file of another format is one sentence with its name, of every data set that reads one."""

import pytest
from mmengine.registry import DefaultScope
from support.image_folders import colour_folder

from mmkd_ext.datasets.listed_data import build_data

GOOD = '{"metainfo": {"classes": ["A", "B"]}, "data_list": [%s]}'
ENTRY = '{"img_path": "a/0.png", "gt_label": [0]}'
JSON = {
    'text': b'hello', 'empty': b'', 'a list': b'[1, 2]', 'null': b'null', 'a number': b'3', 'bytes': b'\xff\xfe\x00' * 9,
    'cut': (GOOD % ENTRY).encode()[:-12], 'another layout': b'{"images": [], "annotations": []}',
    'metainfo is a list': b'{"metainfo": [], "data_list": []}', 'an entry is a word': (GOOD % '"a"').encode(),
    'no path': (GOOD % '{"gt_label": [0]}').encode(), 'a path is a number': (GOOD % '{"img_path": 3, "gt_label": [0]}').encode()}
TEXT = {
    'JSON': b'{"a": 1}', 'no label': b'a/0.png\n', 'a word as label': b'a/0.png cat\n', 'a fraction as label': b'a/0.png 0.5\n',
    'an empty line': b'a/0.png 0\n\nb/0.png 1\n', 'bytes': b'\xff\xfe\x00\x01' * 20}


def built(folder, kind, content, **options):
    colour_folder(folder, {'a': 1, 'b': 1})
    file = folder / f'annotations.{"json" if kind == "MultiLabelDataset" else "txt"}'
    file.write_bytes(content)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return file, lambda: build_data(dict(type=kind, ann_file=str(file), data_prefix=str(folder), pipeline=[], **options), 'val')


@pytest.mark.parametrize('content', JSON)
def test_of_mmengines_json(tmp_path, content):
    file, build = built(tmp_path, 'MultiLabelDataset', JSON[content])
    with DefaultScope.overwrite_default_scope('mmpretrain'), pytest.raises(ValueError) as caught:
        build()
    said = str(caught.value)
    assert said.startswith(f'Annotations that MultiLabelDataset can read are needed, got {file}')
    assert said.endswith('Look at ann_file of val_dataloader.dataset.')


@pytest.mark.parametrize('content', TEXT)
def test_of_mmpretrains_lists(tmp_path, content):
    file, build = built(tmp_path, 'CustomDataset', TEXT[content], classes=['a', 'b'])
    with DefaultScope.overwrite_default_scope('mmpretrain'), pytest.raises(ValueError) as caught:
        build()
    said = str(caught.value)
    assert said.startswith(f'Annotations that CustomDataset can read are needed, got {file}')
    if content == 'a word as label':
        assert "at ['a/0.png', 'cat']" in said


def test_what_can_be_read_is_and_what_is_absent_is_absent(tmp_path):
    file, build = built(tmp_path, 'MultiLabelDataset', (GOOD % ENTRY).encode())
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        assert len(build()) == 1
        file.unlink()
        with pytest.raises(ValueError, match='The val data is needed .MultiLabelDataset in .*got: FileNotFoundError'):
            build()
