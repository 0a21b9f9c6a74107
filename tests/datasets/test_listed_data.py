"""What data sets list is looked at before a run: samples, image files, boxes; and an image that cannot be decoded is named."""

import json
import pickle

import cv2
import numpy as np
import pytest
from mmengine.registry import DATASETS, DefaultScope
from support.coco_boxes import data_set
from support.runs import one_error, write_config

from mmkd_ext.commands import train
from mmkd_ext.datasets.listed_data import build_data, check_listed, described, leaves, name_images
from mmkd_ext.running.command_line import run_checked

pytestmark = pytest.mark.filterwarnings('ignore:faster_coco_eval is not installed')
_LOAD = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


def pictures(folder, classes=('a', 'b'), number=3, size=16):
    """A folder of PNG images for each class."""
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(number):
            cv2.imwrite(str(folder / name / f'{i}.png'), rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
    return dict(type='CustomDataset', data_root=str(folder), pipeline=_LOAD)


@pytest.fixture(params=['plain', 'RepeatDataset', 'ConcatDataset', 'ClassBalancedDataset', 'RepeatDataset of ConcatDataset'])
def wrapped(request):
    """From the config of a data set to that of another around it."""
    concat = lambda cfg: dict(type='ConcatDataset', datasets=[cfg, cfg])  # noqa: E731
    return {
        'plain': lambda cfg: cfg,
        'RepeatDataset': lambda cfg: dict(type='RepeatDataset', times=2, dataset=cfg),
        'ConcatDataset': concat,
        'ClassBalancedDataset': lambda cfg: dict(type='ClassBalancedDataset', oversample_thr=0.5, dataset=cfg),
        'RepeatDataset of ConcatDataset': lambda cfg: dict(type='RepeatDataset', times=2, dataset=concat(cfg)),
    }[request.param]


def built(cfg, scope='mmpretrain'):
    with DefaultScope.overwrite_default_scope(scope):
        return build_data(cfg, 'train')


def test_every_image_has_to_be_there_and_not_empty(tmp_path, wrapped):
    cfg = wrapped(pictures(tmp_path / 'data'))
    assert built(cfg)[0]['inputs'].shape == (3, 16, 16)
    last = tmp_path / 'data/b/2.png'
    content = last.read_bytes()
    last.write_bytes(b'')
    with pytest.raises(ValueError, match=rf'Every image of the train data is needed, got {last} of CustomDataset .*it is empty'):
        built(cfg)
    last.write_bytes(content)
    ann_file = tmp_path / 'list.txt'
    ann_file.write_text('a/0.png 0\nb/9.png 1\n')
    with pytest.raises(ValueError, match='b/9.png of CustomDataset .*No such file'):
        built(wrapped({**pictures(tmp_path / 'other'), 'ann_file': str(ann_file)}))


def test_images_that_may_be_absent_or_are_elsewhere_are_not_asked_for(tmp_path):
    cfg = pictures(tmp_path / 'data')
    (tmp_path / 'data/a/1.png').write_bytes(b'')
    for option in (dict(ignore_empty=True), dict(backend_args=dict(backend='petrel'))):
        dataset = DATASETS.build({**cfg, 'pipeline': [dict(type='mmpretrain.LoadImageFromFile', **option)], '_scope_': 'mmpretrain'})
        check_listed(dataset, 'train')


@pytest.mark.parametrize('content', [b'no image', b''], ids=['no image', 'empty'])
def test_an_image_that_cannot_be_decoded_is_named(tmp_path, wrapped, content):
    dataset = built(wrapped(pictures(tmp_path / 'data')))
    name_images(dataset)  # a second time changes nothing
    dataset = pickle.loads(pickle.dumps(dataset))  # as workers that are not forked get it
    (tmp_path / 'data/b/2.png').write_bytes(content)
    assert dataset[0]['inputs'].shape == (3, 16, 16)
    with pytest.raises(ValueError, match=rf'An image that can be read is needed, got .*data/b/2.png of {len(content)} bytes'):
        for i in range(len(dataset)):
            dataset[i]


@pytest.mark.parametrize('workers', [0, 1])
def test_a_run_that_meets_a_broken_image_ends_in_one_sentence_that_names_it_and_no_hook(tmp_path, monkeypatch, capsys, workers):
    monkeypatch.chdir(tmp_path)
    data = pictures(tmp_path / 'data', number=8, size=8)
    (tmp_path / 'data/b/5.png').write_bytes(b'no image')
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    config = write_config(tmp_path, f"""
train_dataloader = dict(batch_size=4, num_workers={workers}, dataset=dict(_delete_=True, **{ {**data, 'pipeline': pipeline} }))
data_preprocessor = dict(mean=[0.0] * 3, std=[255.0] * 3)""")
    options = [
        '--cfg-options', 'model.head.num_classes=2', 'model.backbone.in_channels=3',
        'val_cfg=None', 'val_dataloader=None', 'val_evaluator=None']
    assert train.main([str(config), '--work-dir', 'work', *options]) == 2
    text = one_error(capsys.readouterr().err)
    assert 'data/b/5.png of 8 bytes' in text and 'Hook' not in text


def test_a_box_that_is_none_is_refused_in_any_format(tmp_path):
    folder = tmp_path / 'VOC2007'
    for name in ('JPEGImages', 'Annotations'):
        (folder / name).mkdir(parents=True)
    cv2.imwrite(str(folder / 'JPEGImages/1.jpg'), np.zeros((32, 64, 3), np.uint8))
    (folder / 'list.txt').write_text('1\n')
    cfg = dict(
        type='VOCDataset', data_root=str(tmp_path), ann_file='VOC2007/list.txt', data_prefix=dict(sub_data_root='VOC2007/'),
        metainfo=dict(classes=('a',)), pipeline=[dict(type='LoadImageFromFile')])  # fmt: skip
    for box, good in (((1, 2, 30, 20), True), ((30, 2, 20, 20), False), ((70, 2, 80, 20), False)):
        corners = ''.join(f'<{key}>{x}</{key}>' for key, x in zip(('xmin', 'ymin', 'xmax', 'ymax'), box, strict=True))
        (folder / 'Annotations/1.xml').write_text(
            f'<a><size><width>64</width><height>32</height></size><object><name>a</name><bndbox>{corners}</bndbox></object></a>')
        if good:
            assert len(built(cfg, 'mmdet').get_data_info(0)['instances']) == 1
        else:
            with pytest.raises(ValueError, match='Boxes .* inside their images .*VOC2007/JPEGImages/1.jpg of VOCDataset'):
                built(cfg, 'mmdet')


def test_some_box_has_to_be_left(tmp_path):
    check_listed(data_set(tmp_path, [1], ('a',)), 'train', boxes=True)
    empty = data_set(tmp_path, [], ('a',))
    check_listed(empty, 'train')
    with pytest.raises(ValueError, match='one box or more is needed, got none in the 1 images of CocoDataset .*boxes.json'):
        check_listed(empty, 'train', boxes=True)
    content = json.loads((tmp_path / 'boxes.json').read_text())
    annotation = dict(id=1, image_id=1, category_id=1, bbox=[1, 2, 9, 9], area=81, iscrowd=1)
    (tmp_path / 'boxes.json').write_text(json.dumps({**content, 'annotations': [annotation]}))
    crowd = DATASETS.build(dict(
        type='mmdet.CocoDataset', data_root=str(tmp_path), ann_file='boxes.json', metainfo=dict(classes=('a',)), data_prefix=dict(img='')))
    both = DATASETS.build(dict(type='ConcatDataset', datasets=[empty, crowd]))
    assert list(leaves(both)) == [empty, crowd] and described(both).count('CocoDataset') == 1
    with pytest.raises(ValueError, match='in the 2 images of ConcatDataset of CocoDataset'):
        check_listed(both, 'train', boxes=True)


def test_data_that_a_filter_leaves_empty_is_one_sentence(tmp_path, capsys):
    data_set(tmp_path, [1], ('a',))
    cfg = dict(
        type='CocoDataset', data_root=str(tmp_path), ann_file='boxes.json', data_prefix=dict(img=''), metainfo=dict(classes=('a',)),
        filter_cfg=dict(min_size=99))  # fmt: skip
    assert run_checked(lambda: built(cfg, 'mmdet')) == 2
    text = one_error(capsys.readouterr().err)
    assert 'got none in CocoDataset' in text and "filter_cfg {'min_size': 99}" in text
    with pytest.raises(ValueError, match='Train data with one sample or more is needed, got none in CocoDataset'):
        built({**cfg, 'serialize_data': False}, 'mmdet')


def test_the_set_that_is_missing_among_several_is_named(tmp_path):
    good = pictures(tmp_path / 'data')
    with pytest.raises(ValueError, match=rf'The train data is needed \(CustomDataset in {tmp_path}/absent'):
        built(dict(type='ConcatDataset', datasets=[good, {**good, 'data_root': str(tmp_path / 'absent')}]))


@pytest.mark.parametrize('indices', [7, -7, 100000])
def test_more_samples_than_there_are_are_not_asked_for(tmp_path, wrapped, indices):
    cfg = pictures(tmp_path)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        for good in (6, -6, 2, [0, 5]):
            check_listed(DATASETS.build(wrapped(dict(cfg, indices=good))), 'train')
        with pytest.raises(ValueError, match=f'needed for indices={indices}, got 6 in CustomDataset.*train_dataloader.dataset'):
            check_listed(DATASETS.build(wrapped(dict(cfg, indices=indices))), 'train')
