"""Classes without images and files that a data set does not take are named in a warning before the training."""

import pytest
from mmpretrain.datasets import CustomDataset
from support.image_folders import colour_folder
from torch import nn

from mmkd_ext.losses import KDLoss, NDLoss
from mmkd_ext.preflight import passed_over
from mmkd_ext.preflight.passed_over import warn_of_passed_over


@pytest.fixture
def folder(tmp_path):
    return colour_folder(tmp_path / 'train', dict.fromkeys('abc', 2), side=4)


@pytest.fixture
def warned(folder, monkeypatch):
    """What is said of the folder."""
    said = []
    monkeypatch.setattr(passed_over, 'print_log', lambda text, *_: said.append(text))

    def of(model=None, **options):
        said.clear()
        warn_of_passed_over(model or nn.Module(), CustomDataset(data_root=str(folder), **options))
        return list(said)

    return of


def renamed(folder, change):
    for path in [*folder.glob('b/*.png')]:
        target = change(path)
        target.parent.mkdir(exist_ok=True)
        path.rename(target)


def test_nothing_is_said_of_classes_that_all_have_images(folder, warned):
    renamed(folder, lambda path: path.parent / 'deeper' / f'{path.stem}.JPG')  # which mmpretrain takes
    (folder / 'a/notes.txt').write_text('no image')
    (folder / 'a/._0.png').write_text('of macOS')
    assert warned() == []


def test_a_class_without_images_is_named(folder, warned):
    renamed(folder, lambda path: path.with_suffix('.txt'))
    (said,) = warned()
    assert 'no sample of 1 of 3 classes: 1 (b)' in said and str(folder) in said
    model = nn.Module()
    model.distill = nn.ModuleDict(dict(kd=KDLoss()))
    assert len(warned(model)) == 1
    model.distill['nd'] = NDLoss()  # its class means say it
    assert warned(model) == []


@pytest.mark.parametrize('name', ['b/{}.webp', 'b/.{}.png', 'b/{}.gif', '{}.png'])
def test_images_that_are_not_taken_are_counted_and_one_is_named(folder, warned, name):
    renamed(folder, lambda path: folder / name.format(path.stem))
    absent, files = warned()
    assert '1 (b)' in absent
    assert files.startswith('2 files that look like images are passed over') and str(folder / name.format(0)) in files
    extensions = ('.png', '.webp', '.gif')
    assert len(warned(extensions=extensions)) == (2 if '.png' in name else 0)


def test_a_part_of_a_class_is_not_lost_without_a_word(folder, warned):
    (folder / 'b/0.png').rename(folder / 'b/0.webp')
    (said,) = warned()
    assert said.startswith('1 files') and '0.webp' in said


def test_files_that_a_list_names_are_all_that_is_asked_for(folder, warned):
    (folder / 'list.txt').write_text('a/0.png 0\n')
    (said,) = warned(ann_file='list.txt', metainfo=dict(classes=['a', 'b']))
    assert '1 (b)' in said
