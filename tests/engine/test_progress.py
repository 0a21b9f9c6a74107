"""Steps outside a run are those of one that begins, for networks that ask how far it is."""

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from support.dense import batch, tiny
from support.detection import build, read

from mmkd_ext.benchmark.steps import compare_steps
from mmkd_ext.engine.progress import as_at_the_start
from mmkd_ext.models.outputs.kinds.boxes import samples_with_boxes
from mmkd_ext.registry import MODELS

ASKED = ('epoch', 'iter', 'max_epochs', 'max_iters')


@pytest.fixture
def hub():
    return MessageHub.get_instance('a run of this test')


def test_what_was_told_stays_and_the_rest_is_a_start_s(hub):
    hub.update_info('iter', 7)
    with as_at_the_start():
        assert [hub.get_info(name) for name in ASKED] == [0, 7, 1, 1]
        hub.update_info('iter', 8)
    assert [hub.get_info(name) for name in ASKED] == [None, 8, None, None]


def test_an_error_leaves_nothing_behind(hub):
    with pytest.raises(ZeroDivisionError), as_at_the_start():
        raise ZeroDivisionError
    assert all(hub.get_info(name) is None for name in ASKED)


@pytest.mark.det
def test_batches_that_yolox_resizes_keep_their_size_at_the_start(hub, rng):
    resized = dict(type='BatchSyncRandomResize', random_size_range=(256, 256), interval=10)
    model = build(tiny('yolox') | dict(data_preprocessor=dict(type='DetDataPreprocessor', pad_size_divisor=32, batch_augments=[resized])))
    with pytest.raises(TypeError, match='NoneType'):  # what it is for
        read(model, batch(rng))
    with as_at_the_start():
        inputs, _ = read(model, batch(rng))
    assert inputs.shape == (2, 3, 128, 128)


@pytest.mark.det
@pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors`')
@pytest.mark.filterwarnings('ignore:torch.meshgrid')
def test_a_head_that_asks_for_the_epoch_is_timed(hub, rng):
    from support.detector_zoo import narrow

    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(narrow('tood/tood_r50_fpn_1x_coco'))
    images = torch.randn(1, 3, 64, 64, generator=rng)
    (timing,) = compare_steps({'tood': model}, images, samples_with_boxes(model, images, 3), ['float32'], 1, 1)
    assert len(timing.seconds) == 1
