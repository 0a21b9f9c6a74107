"""Channels, height and width of the images that a network takes: by its config, by its layers, by what its zoo says of it."""

import pytest
import timm
from torch import nn

from mmkd_ext.models.images.image_shape import as_size, channels_of, input_shape_of, own_size, short_size


@pytest.mark.parametrize(('given', 'size'), [(32, (32, 32)), ((24, 40), (24, 40)), ([1, 2], (1, 2))])
def test_a_size_is_one_number_or_height_and_width(given, size):
    assert as_size(given) == size


@pytest.mark.parametrize('size', [0, -4, (8, 0), (1, 2, 3), 'x', '32', 2.5, True, (True, 2), (), (8, 'x'), None, {}])
def test_what_is_no_size_is_refused_with_its_place(size):
    with pytest.raises(ValueError, match=r'A size in pixels is needed as img_size, one number or \(height, width\)') as error:
        as_size(size, 'img_size')
    assert repr(size) in str(error.value)


def test_a_square_is_written_by_one_number():
    assert short_size((32, 32)) == 32 and short_size((32, 48)) == (32, 48)


@pytest.mark.parametrize(('cfg', 'network', 'channels'), [
    (dict(backbone=dict(in_channels=5)), nn.Conv2d(3, 4, 1), 5),
    (dict(in_chans=1), nn.Conv2d(3, 4, 1), 1),
    (dict(backbone=None), nn.Sequential(nn.Identity(), nn.Conv2d(1, 4, 3), nn.Conv2d(4, 7, 1)), 1),
    ({}, nn.Linear(8, 2), 3),  # no convolution takes pixels
    ({}, nn.Conv2d(48, 4, 1), 3),  # nor does one of 4 x 4 pixels each
    ({}, nn.Conv2d(32, 4, 1), 32),  # of a satellite
])  # fmt: skip
def test_channels_are_those_of_the_config_else_of_the_first_convolution(cfg, network, channels):
    assert channels_of(cfg, network) == channels


def test_of_timms_networks_the_stem_that_timm_names_counts_and_not_what_stands_before_it():
    network = timm.create_model('test_resnet', num_classes=5, in_chans=4)
    holder = nn.Module()
    holder.before, holder.model = nn.Conv2d(1, 1, 1), network
    assert channels_of({}, network) == channels_of({}, holder) == 4


@pytest.mark.parametrize(('cfg', 'size'), [
    (dict(backbone=dict(type='ResNet')), (224, 224)), (dict(backbone=dict(type='ResNet_CIFAR')), (32, 32)),
    (dict(backbone=dict(type='mmkd_ext.CIFARVGG')), (32, 32)), (dict(backbone=dict(type='LeNet5')), (32, 32)), ({}, (224, 224)),
    (dict(backbone=dict(type='VisionTransformer', img_size=384)), (384, 384)),
    (dict(backbone=dict(type='VisionTransformer', img_size=[96, 128])), (96, 128))], ids=str)
def test_a_network_was_made_for_the_size_of_its_config(cfg, size):
    assert own_size(cfg, None) == size


def test_timm_tells_the_size_of_its_networks_unless_the_config_does():
    holder = nn.Module()
    holder.model = timm.create_model('test_resnet', num_classes=5)
    own = holder.model.pretrained_cfg['input_size'][1:]
    assert own_size(dict(type='TimmClassifier'), holder) == own != (224, 224)
    assert own_size(dict(type='TimmClassifier', img_size=48), holder) == (48, 48)
    assert own_size(dict(type='TorchvisionClassifier'), nn.Sequential()) == (224, 224)


def test_the_shape_is_both_and_a_known_size_goes_first():
    cfg, network = dict(backbone=dict(type='ResNet_CIFAR')), nn.Conv2d(1, 4, 3)
    assert input_shape_of(cfg, network) == (1, 32, 32)
    assert input_shape_of(cfg, network, 48) == (1, 48, 48) and input_shape_of(cfg, network, (24, 40)) == (1, 24, 40)
