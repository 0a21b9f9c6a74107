"""A detector gets the data's classes, and settings go by the size of the data."""

from pathlib import Path

import pytest
from support.boxes_folders import boxes_folder
from support.dense import tiny as tiny_dense
from support.detector_runs import QUIET
from support.query import tiny as tiny_query

from mmkd_ext.errors import PreflightError
from mmkd_ext.journey.boxes_file import Scenes
from mmkd_ext.journey.detectors import chosen_detector, detector_settings, image_scale, optimizer_of_detector

pytestmark = QUIET


@pytest.fixture(scope='module')
def student(tmp_path_factory):
    return chosen_detector(str(boxes_folder(tmp_path_factory.mktemp('boxes'), 2) / 'student.py'), 3, '--student', True)


def scenes(count, side=100, long_side=120):
    return Scenes(Path('x'), ('a', 'b', 'c'), [f'{i}.png' for i in range(count)], ['v.png'], side, long_side, {}, {})


def test_its_heads_count_the_classes_of_the_data(student):
    assert student.model.roi_head.bbox_head.num_classes == 3 and student.parameters > 10_000 and not student.pretrained


def test_a_zoos_detector_starts_from_its_backbones_weights_unless_from_scratch():
    name = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
    fetched, scratch = (chosen_detector(name, 2, '--teacher', each) for each in (False, True))
    assert fetched.pretrained and fetched.model.backbone.init_cfg.type == 'Pretrained'
    assert not scratch.pretrained and scratch.model.backbone.get('init_cfg') is None


def test_batches_keep_the_data_s_size_whatever_the_zoo_chose_for_coco(tmp_path):
    model = dict(tiny_dense('yolox'), data_preprocessor=dict(type='DetDataPreprocessor', pad_size_divisor=32, batch_augments=[
        dict(type='BatchSyncRandomResize', random_size_range=(480, 800)), dict(type='mmdet.BatchFixedSizePad', size=(640, 640))]))
    (tmp_path / 'student.py').write_text(f"default_scope = 'mmdet'\nmodel = {model!r}\n")
    found = chosen_detector(str(tmp_path / 'student.py'), 3, '--student', True).model
    assert found.data_preprocessor == dict(type='DetDataPreprocessor', pad_size_divisor=32, batch_augments=None)
    assert found.bbox_head.num_classes == 3


@pytest.mark.parametrize('name', ['cifar/resnet8', 'nowhere.py', 'mmdet::nowhere.py', 'timm/resnet18'])
def test_what_is_no_detector_is_one_sentence(name):
    with pytest.raises(PreflightError, match=f'A detector is needed as --student, got {name}'):
        chosen_detector(name, 3, '--student', True)


def test_settings_go_by_the_number_and_size_of_the_images(student):
    few, many = (detector_settings(scenes(count, side), student, student) for count, side in ((9, 100), (100_000, 600)))
    assert (few.batch_size, few.epochs, few.student_side) == (2, 48, 100) and (many.batch_size, many.epochs) == (4, 12)
    assert detector_settings(scenes(9), student, student, 3, 5)[:2] == (3, 5) and all(few.reasons)
    assert image_scale(scenes(9)) == (120, 100) and image_scale(scenes(9, 480, 640)) == (1333, 800)


def test_queries_have_an_optimizer_of_their_own(student):
    assert optimizer_of_detector(student, 8)['optimizer'] == {'type': 'SGD', 'lr': 0.01, 'momentum': 0.9, 'weight_decay': 1e-4}
    query = student._replace(model=type(student.model)(tiny_query()))
    assert optimizer_of_detector(query, 16)['optimizer'] == {'type': 'AdamW', 'lr': 1e-4, 'weight_decay': 1e-4}
