"""Settings follow the size of the data and of the networks, each with its reason."""

from pathlib import Path

import pytest
from mmengine.config import ConfigDict

from mmkd_ext.journey.image_folder import Images
from mmkd_ext.journey.networks import Network
from mmkd_ext.journey.settings import optimizer_of, settings_for


def data(count, side=32):
    return Images(Path(), ('a', 'b'), [('x', 0)] * count, [('y', 0)], side)


def network(pretrained=False, fixed=None, side=224, batch_norm=True):
    return Network('n', ConfigDict(), 1, pretrained, fixed, side, batch_norm)


@pytest.mark.parametrize(
    ('count', 'batch', 'epochs'), [(24, 4, 200), (2_000, 64, 188), (50_000, 128, 20)])
def test_more_images_mean_larger_batches_and_fewer_epochs(count, batch, epochs):
    settings = settings_for(data(count), network(), network())
    assert (settings.batch_size, settings.epochs) == (batch, epochs)
    assert any(str(count) in reason for reason in settings.reasons) and len(settings.reasons) == 4


def test_what_is_asked_for_is_taken_and_a_batch_of_one_left_out():
    settings = settings_for(data(33), network(), network(), epochs=7, batch_size=16)
    assert (settings.epochs, settings.batch_size, settings.drop_last) == (7, 16, True)
    assert not settings_for(data(34), network(), network(), batch_size=16).drop_last
    assert settings_for(data(10), network(), network(), batch_size=64).batch_size == 10


def test_small_images_stay_small_unless_the_network_takes_one_size_only():
    settings = settings_for(data(100, side=34), network(), network(fixed=224))
    assert (settings.student_side, settings.teacher_side) == (32, 224)
    assert settings_for(data(100, side=500), network(side=256), network(side=32)).student_side == 256


def test_a_network_without_batch_norm_is_trained_as_a_transformer():
    assert optimizer_of(network(batch_norm=False), 64)['optimizer']['type'] == 'AdamW'
    rates = [optimizer_of(network(pretrained=known), 32)['optimizer']['lr'] for known in (True, False)]
    assert rates == [0.01, 0.05]
