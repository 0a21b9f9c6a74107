"""UnlabelledFolder: every image of a folder, and one sentence where there is none or one that cannot be read."""

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from PIL import Image

from mmkd_ext.datasets.listed_data import check_listed, name_images
from mmkd_ext.datasets.unlabelled_folder import UnlabelledFolder

PIPELINE = [dict(type='mmpretrain.LoadImageFromFile'), dict(type='mmpretrain.PackInputs')]


def photos(folder, *names):
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((6, 8, 3), 10 * i, np.uint8)).save(path)
    return str(folder)


def test_takes_nested_and_flat_images_in_order_and_nothing_else(tmp_path):
    root = photos(tmp_path, 'z.png', 'a/b/c.JPG', 'a/d.png', 'e.jpeg')
    (tmp_path / 'a/notes.txt').write_text('no image')
    data = UnlabelledFolder(data_root=root, pipeline=PIPELINE)
    paths = [data.get_data_info(i)['img_path'].removeprefix(root).strip('/') for i in range(len(data))]
    assert paths == ['a/b/c.JPG', 'a/d.png', 'e.jpeg', 'z.png']
    batch = pseudo_collate([data[0], data[3]])
    assert [tuple(x.shape) for x in batch['inputs']] == [(3, 6, 8)] * 2
    assert not any('gt_label' in sample for sample in batch['data_samples'])


def test_a_list_of_images_and_the_first_ones_alone(tmp_path):
    root = photos(tmp_path, 'a.png', 'b/c.png', 'd.png')
    (tmp_path / 'list.txt').write_text('b/c.png\nd.png\n')
    assert len(UnlabelledFolder(data_root=root, ann_file='list.txt')) == 2
    assert len(UnlabelledFolder(data_root=root, indices=1)) == 1


def test_a_folder_that_is_absent_or_empty_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match='UnlabelledFolder needs a folder of images, got .*absent, which is not there'):
        UnlabelledFolder(data_root=str(tmp_path / 'absent'))
    with pytest.raises(ValueError, match=f'UnlabelledFolder needs one image or more, got none below {tmp_path}'):
        UnlabelledFolder(data_root=str(tmp_path))
    with pytest.raises(ValueError, match="UnlabelledFolder needs data_root='FOLDER'"):
        UnlabelledFolder()
    with pytest.raises(ValueError, match='UnlabelledFolder has no labels'):
        UnlabelledFolder(data_root=str(tmp_path), with_label=True)


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    root = photos(tmp_path, 'a.png')
    (tmp_path / 'b.png').write_bytes(b'no image at all')
    data = name_images(UnlabelledFolder(data_root=root, pipeline=PIPELINE))
    with pytest.raises(ValueError, match=r'An image that can be read is needed, got .*b\.png of 15 bytes'):
        data[1]
    (tmp_path / 'b.png').write_bytes(b'')
    with pytest.raises(ValueError, match=r'b\.png .*it is empty'):
        check_listed(data, 'train')
