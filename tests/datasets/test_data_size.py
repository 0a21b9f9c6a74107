"""Height, width and channels of images: of the data, of the network, and of everything that asks for them."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from support.onnx_translations import translations_gathered_once
from support.runs import one_error
from torch import nn

import mmkd_ext.datasets
import mmkd_ext.models  # noqa: F401  # registers
from mmkd_ext.commands.benchmark import main as benchmark
from mmkd_ext.commands.export_student import main as export
from mmkd_ext.datasets.data_size import data_size
from mmkd_ext.models.build import build_model, input_shape, input_size
from mmkd_ext.models.config_from_data import tell_image_size
from mmkd_ext.models.images.image_shape import as_size, channels_of, own_size
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.registry import MODELS

__all__ = ['translations_gathered_once']  # a fixture

LENET = dict(type='ImageClassifier', backbone=dict(type='LeNet5', num_classes=5), head=dict(type='ClsHead'))
RESNET = dict(
    type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, out_indices=(3,)),
    neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=5, in_channels=32))  # fmt: skip
SHALLOW = dict(  # whose graph is soon exported
    RESNET, backbone=dict(RESNET['backbone'], num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,)),
    head=dict(RESNET['head'], in_channels=8))  # fmt: skip
GREY = dict(mean=[33.0], std=[78.0])
COLOURS = dict(mean=[0.0] * 3, std=[1.0] * 3)
LOAD = dict(type='LoadImageFromFile')
RESIZED = [LOAD, dict(type='Resize', scale=(64, 32)), dict(type='PackInputs')]  # width first


def config(pipeline: list, model: Any = None, preprocessor: dict = COLOURS, **dataset: Any) -> Config:
    dataset = dict(type='CustomDataset') | dataset | dict(pipeline=pipeline)
    return Config(dict(
        default_scope='mmpretrain', model=model or RESNET, data_preprocessor=preprocessor,
        test_dataloader=dict(batch_size=2, dataset=dataset, sampler=dict(type='DefaultSampler', shuffle=False))))  # fmt: skip


def distilling(student: dict, loss: dict, preprocessor: dict = COLOURS, pipeline: Any = RESIZED, **more: Any) -> Config:
    teacher = dict(model=student, checkpoint=None, allow_random=True)
    model = dict(type='mmkd_ext.OfflineDistiller', student=student, teacher=teacher, losses=dict(kd=loss), **more)
    return config(pipeline, model, preprocessor)


@pytest.mark.parametrize(('transforms', 'size'), [
    ([dict(type='Resize', scale=(64, 32))], (32, 64)),
    ([dict(type='Resize', scale=(32, 64), keep_ratio=False)], (64, 32)),
    ([dict(type='Resize', scale=48)], (48, 48)),
    ([dict(type='RandomResizedCrop', scale=(20, 30))], (20, 30)),
    ([dict(type='ResizeEdge', scale=256), dict(type='CenterCrop', crop_size=(96, 160))], (160, 96)),  # mmcv: width first
    ([dict(type='mmpretrain.Resize', scale=(40, 20)), dict(type='RandomFlip', prob=1.0, direction='vertical')], (20, 40)),
    ([dict(type='Resize', scale=(40, 20)), dict(type='Pad', size=(50, 30))], (30, 50)),
    ([dict(type='ResizeEdge', scale=256)], None),  # the other side is as it comes
    ([], None),
])  # fmt: skip
@pytest.mark.parametrize('packed', [True, False])
def test_a_pipeline_tells_what_it_makes(transforms, size, packed):
    cfg = config([LOAD, *transforms, *([dict(type='PackInputs')] if packed else [])])
    found = data_size(cfg)
    if size is not None:
        assert found == size and input_size(cfg) == (size[0] if size[0] == size[1] else size)
    else:
        assert found in (None, (256, 256))  # the number that the config writes down


def test_the_train_pipeline_tells_where_the_test_pipeline_does_not_and_random_numbers_stay():
    cfg = config([LOAD, dict(type='PackInputs')])
    cfg.train_dataloader = dict(dataset=dict(type='RepeatDataset', dataset=dict(
        type='CustomDataset', pipeline=[LOAD, dict(type='RandomCrop', crop_size=(24, 40), pad_if_needed=True), dict(type='PackInputs')])))
    np.random.seed(3)
    expected = np.random.RandomState(3).rand()
    assert data_size(cfg) == (24, 40) and np.random.rand() == expected


@pytest.mark.parametrize(('kind', 'side'), [('CIFAR10', 32), ('mmkd_ext.CIFAR100', 32), ('FashionMNIST', 28), ('mmkd_ext.Digits', 16)])
def test_the_images_of_an_archive_have_its_size(kind, side):
    assert data_size(config([dict(type='PackInputs')], type=kind)) == (side, side)
    assert data_size(config([dict(type='Pad', size=(40, 36)), dict(type='PackInputs')], type=kind)) == (36, 40)


def test_a_preprocessor_that_pads_counts():
    assert data_size(config(RESIZED, preprocessor=dict(COLOURS, pad_size_divisor=48))) == (48, 96)


def test_images_of_one_size_on_disk_tell_it_themselves(tmp_path):
    for i, name in enumerate(('a', 'b')):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / '0.png'), np.full((32, 64, 3), 50 * i, np.uint8))
    cfg = config([LOAD, dict(type='PackInputs')], data_prefix=str(tmp_path))
    assert data_size(cfg) is None and data_size(cfg, look=True) == (32, 64) and input_shape(cfg) == (3, 32, 64)
    cv2.imwrite(str(tmp_path / 'b/0.png'), np.zeros((32, 65, 3), np.uint8))
    assert data_size(cfg, look=True) is None
    cfg.test_dataloader.dataset.data_prefix = str(tmp_path / 'absent')
    assert data_size(cfg, look=True) is None


@pytest.mark.parametrize(('model', 'shape'), [
    (LENET, (1, 32, 64)),
    (RESNET, (3, 32, 64)),
    ({**RESNET, 'backbone': {**RESNET['backbone'], 'in_channels': 5}}, (5, 32, 64)),
    (dict(type='TimmClassifier', model_name='test_resnet', in_chans=1, num_classes=5), (1, 32, 64)),
    (dict(type='TimmClassifier', model_name='test_resnet', num_classes=5), (3, 32, 64)),
])  # fmt: skip
def test_the_network_tells_its_channels(model, shape):
    cfg = config(RESIZED, model)
    assert input_shape(cfg) == shape and input_shape(cfg, 48) == (shape[0], 48, 48) and input_shape(cfg, (8, 9)) == (shape[0], 8, 9)
    assert channels_of({}, build_model(cfg)) == shape[0]


@pytest.mark.parametrize('size', [0, -4, (8, 0), (1, 2, 3), 'x', 2.5, True, (), (8, 'x')])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match='A size in pixels is needed'):
        as_size(size)
    with pytest.raises(ValueError, match='input_size'):
        build_model(distilling(RESNET, dict(type='mmkd_ext.KDLoss'), input_size=size))


def test_without_data_a_network_is_looked_at_with_its_own_size():
    assert own_size(LENET, None) == (32, 32) and own_size(RESNET, None) == (32, 32)
    assert own_size(dict(backbone=dict(type='VisionTransformer', img_size=(32, 64))), None) == (32, 64)
    assert own_size(dict(backbone=dict(type='ResNet')), None) == (224, 224)


MODELS_AND_IMAGES = {
    'wide': (SHALLOW, COLOURS, 'color', (32, 64), RESIZED[1]),
    'LeNet': (LENET, GREY, 'grayscale', (32, 32), dict(type='Resize', scale=32)),
    'timm, one channel': (
        dict(type='TimmClassifier', model_name='test_resnet', in_chans=1, num_classes=5, pretrained=False), GREY, 'grayscale',
        (48, 32), dict(type='Resize', scale=(32, 48))),
    'five channels': ({**SHALLOW, 'backbone': {**SHALLOW['backbone'], 'in_channels': 5}}, {}, 'unchanged', (24, 40), dict(
        type='RandomCrop', crop_size=(24, 40), pad_if_needed=True)),
}  # fmt: skip


@pytest.mark.parametrize('distilled', [False, True], ids=['alone', 'distilled'])
@pytest.mark.parametrize('name', MODELS_AND_IMAGES)
def test_onnx_takes_what_the_data_give(tmp_path, capsys, name, distilled):
    import onnxruntime

    model, preprocessor, colours, size, transform = MODELS_AND_IMAGES[name]
    pipeline = [dict(LOAD, color_type=colours), transform, dict(type='PackInputs')]
    loss = dict(type='mmkd_ext.KDLoss')
    cfg = distilling(model, loss, preprocessor, pipeline) if distilled else config(pipeline, model, preprocessor)
    (tmp_path / 'config.py').write_text(cfg.pretty_text)
    torch.manual_seed(0)
    network = build_model(cfg)
    torch.save(dict(state_dict=network.state_dict(), meta={}), tmp_path / 'epoch_1.pth')
    words = [str(tmp_path / 'config.py'), str(tmp_path / 'epoch_1.pth'), str(tmp_path / 'out.pth'), '--onnx']
    assert export(words) == 0, capsys.readouterr().err
    (images,) = onnxruntime.InferenceSession(tmp_path / 'out.onnx', providers=['CPUExecutionProvider']).get_inputs()
    channels = {'wide': 3, 'five channels': 5}.get(name, 1)
    assert images.shape[1:] == [channels, *size]
    if distilled:
        assert network.input_shape == (channels, *(size if 'timm' not in name else network.input_shape[1:]))


def test_the_command_lines_take_one_size_or_two(tmp_path, capsys):
    import onnxruntime

    cfg = config(RESIZED, SHALLOW)
    (tmp_path / 'config.py').write_text(cfg.pretty_text)
    torch.save(dict(state_dict=build_model(cfg).state_dict(), meta={}), tmp_path / 'epoch_1.pth')
    names = [str(tmp_path / 'config.py'), str(tmp_path / 'epoch_1.pth'), str(tmp_path / 'out.pth')]
    for words, size in ((['--size', '24'], [24, 24]), (['--size', '24', '40'], [24, 40]), (['--size=24x40'], [24, 40])):
        assert export([*words, *names, '--onnx']) == 0, capsys.readouterr().err
        (images,) = onnxruntime.InferenceSession(tmp_path / 'out.onnx', providers=['CPUExecutionProvider']).get_inputs()
        assert images.shape[1:] == [3, *size]
    for wrong in (['--size', '24', '0'], ['--size', '0', '24'], ['--size', 'x'], ['--size', '24', '-1']):
        assert export([*names, *wrong]) == 2
        assert 'a whole number of 1 or more is needed' in one_error(capsys.readouterr().err)


def test_the_benchmark_takes_two_sizes_and_one_channel(tmp_path, capsys):
    (tmp_path / 'config.py').write_text(config(RESIZED, LENET, GREY).pretty_text)
    fast = ['--rounds', '1', '--batch-size', '2', '--device', 'cpu', '--precision', 'float32', '--threads', '1']
    benchmark([str(tmp_path / 'config.py'), '--size', '32', '32', *fast])
    assert '32 px' in capsys.readouterr().out
    (tmp_path / 'config.py').write_text(config(RESIZED).pretty_text)
    benchmark([str(tmp_path / 'config.py'), *fast])
    assert '32 x 64 px' in capsys.readouterr().out
    benchmark([str(tmp_path / 'config.py'), '--size', '16', '24', *fast])
    assert '16 x 24 px' in capsys.readouterr().out


def test_a_distiller_is_told_the_size_of_its_data_unless_it_or_its_student_says_one():
    loss = dict(type='mmkd_ext.KDLoss')
    transformer = dict(RESNET, backbone=dict(type='VisionTransformer', img_size=(64, 32)))
    for cfg, size in (
        (distilling(RESNET, loss), (32, 64)),
        (distilling(LENET, loss, pipeline=[LOAD, dict(type='Resize', scale=32)]), 32),
        (distilling(RESNET, loss, input_size=16), 16),
        (distilling(transformer, loss), None),
        (config(RESIZED), None),
    ):  # fmt: skip
        tell_image_size(cfg)
        assert cfg.model.get('input_size') == size
    mutual = dict(type='mmkd_ext.MutualLearningDistiller', students=dict(a=RESNET, b=RESNET), losses={})
    cfg = config(RESIZED, mutual)
    tell_image_size(cfg)
    assert cfg.model.input_size == (32, 64)


def test_adapters_are_sized_by_images_that_are_not_square():
    loss = dict(type='mmkd_ext.ReviewKDLoss', with_embedding=False)
    student = dict(RESNET, backbone={**RESNET['backbone'], 'out_indices': (2, 3)})
    model = build_model(distilling(student, loss))
    assert model.input_shape == (3, 32, 64) and model.adapter_table.startswith('Adapters at 32 x 64 pixels')
    assert '32x4x8' in model.adapter_table


def teacher_of(model: dict, **spec: Any) -> FrozenTeacher:
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return FrozenTeacher(dict(model=model, checkpoint=None, allow_random=True, **spec))


def test_a_teacher_sees_its_size_in_both_directions(rng):
    shapes: list = []
    teacher = teacher_of(RESNET, input_size=(24, 40))
    teacher.network.register_forward_pre_hook(lambda module, inputs: shapes.append(tuple(inputs[0].shape)))
    teacher(torch.randn(2, 3, 32, 64, generator=rng))
    assert shapes == [(2, 3, 24, 40)]
    transformer = dict(type='VisionTransformer', arch='deit-t', img_size=(32, 64), patch_size=16, out_type='avg_featmap')
    assert teacher_of(dict(RESNET, backbone=transformer)).input_size == (32, 64)
    assert teacher_of(dict(RESNET, backbone={**transformer, 'img_size': 32})).input_size == 32
    timm = teacher_of('timm/vit_tiny_patch16_224', options=dict(img_size=(32, 64)))  # type: ignore[arg-type]
    assert timm.input_size == (32, 64)


def test_a_teacher_of_colours_is_given_grey_images_three_times_and_no_others(rng):
    grey = torch.randn(2, 1, 16, 16, generator=rng)
    teacher = teacher_of(RESNET)
    torch.testing.assert_close(teacher(grey).logits, teacher(grey.repeat(1, 3, 1, 1)).logits, rtol=0, atol=0)
    for model, images in ((RESNET, torch.randn(2, 4, 16, 16, generator=rng)), (LENET, torch.randn(2, 3, 32, 32, generator=rng))):
        with pytest.raises(ValueError, match=r'needs images of [13] channels, got \(2, [34]'):
            teacher_of(model)(images)


def test_batch_norms_of_a_grey_teacher_are_taken_into_its_convolutions():
    model = {**RESNET, 'backbone': {**RESNET['backbone'], 'in_channels': 1}}
    assert not any(isinstance(x, nn.BatchNorm2d) for x in teacher_of(model, precision='bf16').network.modules())


@pytest.mark.parametrize('in_chans', [1, 3, 4])
@pytest.mark.parametrize('name', ['test_resnet', 'test_vit', 'test_efficientnet', 'test_convnext'])
def test_timms_first_convolution_is_found(name, in_chans):
    import timm

    assert channels_of({}, timm.create_model(name, in_chans=in_chans)) == in_chans


def test_a_network_that_reads_other_than_pixels_first_has_three_channels():
    network = nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, 8, 3))
    assert channels_of({}, network) == 3 and channels_of({}, nn.Linear(2, 2)) == 3
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        assert channels_of({}, MODELS.build(LENET)) == 1




def test_crops_of_label_maps_tell_the_size():
    pytest.importorskip('mmseg', reason='of the extra seg')
    pipeline = [
        LOAD, dict(type='LoadAnnotations'), dict(type='RandomResize', scale=(200, 100), ratio_range=(0.5, 2.0), keep_ratio=True),
        dict(type='RandomCrop', crop_size=(24, 32), cat_max_ratio=0.75), dict(type='PackSegInputs')]
    cfg = Config(dict(default_scope='mmseg', model={}, test_dataloader=dict(dataset=dict(type='BaseSegDataset', pipeline=pipeline))))
    assert data_size(cfg) == (24, 32)
