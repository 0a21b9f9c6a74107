"""Height and width of what detectors' data give to the network; mmcv's `scale`, `size` and mmdet's `crop_size` have the width first."""

import numpy as np
import pytest
from mmengine.config import Config

from mmkd_ext.datasets.data_size import data_size
from mmkd_ext.models.build import input_size

pytest.importorskip('mmdet')
LOAD = dict(type='LoadImageFromFile')


@pytest.mark.parametrize(('transforms', 'divisor', 'size'), [
    ([dict(type='Resize', scale=(96, 64), keep_ratio=False)], 1, (64, 96)),
    ([dict(type='Resize', scale=(96, 64), keep_ratio=True)], 1, (64, 96)),  # of images that are wider than high
    ([dict(type='Resize', scale=(1333, 800), keep_ratio=True)], 32, (800, 1344)),
    ([dict(type='Resize', scale=(96, 64), keep_ratio=True), dict(type='Pad', size=(128, 80))], 1, (80, 128)),
    ([dict(type='Resize', scale=64, keep_ratio=True), dict(type='Pad', size=(80, 72))], 1, (72, 80)),
    ([dict(type='Resize', scale=(96, 96), keep_ratio=True), dict(type='Pad', pad_to_square=True)], 1, (96, 96)),
    ([dict(type='Pad', size=(800, 600))], 1, (600, 800)),  # of images that are smaller
    ([dict(type='Resize', scale=(96, 60), keep_ratio=True), dict(type='Pad', size_divisor=32)], 1, (64, 96)),
    ([dict(type='RandomCrop', crop_size=(640, 480))], 1, (480, 640)),  # mmdet: width first
    ([dict(type='RandomResize', scale=[(96, 48), (96, 64)], keep_ratio=True), dict(type='RandomFlip', prob=0.5)], 1, (64, 96)),
    ([dict(type='RandomChoiceResize', scales=[(90, 48), (90, 64), (90, 56)], keep_ratio=True)], 1, (64, 90)),
    ([dict(type='Mosaic', img_scale=(64, 96)), dict(type='Resize', scale=(96, 64), keep_ratio=True)], 1, (64, 96)),  # cannot be run
    ([], 1, None),
])  # fmt: skip
def test_a_detectors_pipeline_tells_what_it_makes(transforms, divisor, size):
    pipeline = [LOAD, dict(type='LoadAnnotations', with_bbox=True), *transforms, dict(type='PackDetInputs')]
    model = dict(type='FasterRCNN', data_preprocessor=dict(type='DetDataPreprocessor', pad_size_divisor=divisor))
    loader = dict(dataset=dict(type='CocoDataset', pipeline=pipeline))
    cfg = Config(dict(default_scope='mmdet', model=model, train_dataloader=loader))
    state = np.random.get_state()[1].tolist()
    assert data_size(cfg) == size and np.random.get_state()[1].tolist() == state


def test_the_first_detectors_data_that_tell_are_taken():
    resized = [[LOAD, dict(type='Resize', scale=scale, keep_ratio=True)] for scale in ((96, 64), (60, 40))]
    loaders = [dict(dataset=dict(type='CocoDataset', pipeline=each)) for each in resized]
    cfg = Config(dict(default_scope='mmdet', train_dataloader=loaders[0], test_dataloader=loaders[1]))
    assert data_size(cfg) == (40, 60) and data_size(cfg, ('train', 'test')) == (64, 96)
    assert input_size(Config(dict(cfg, model=dict(type='FasterRCNN')))) == (40, 60)
