"""A teacher that is right more often with red and blue exchanged is said once, and asked about the first images only."""

import random

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from mmkd_ext.registry import MODELS

NETWORK = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=5, in_channels=64))
KD = dict(type='mmkd_ext.KDLoss', tau=4.0)
MEAN, STD = torch.tensor([120.0, 110.0, 100.0])[:, None, None], torch.tensor([60.0, 50.0, 40.0])[:, None, None]
OWN = dict(mean=MEAN.flatten().tolist(), std=STD.flatten().tolist(), num_classes=5)


def offline(teacher, channel_order):
    return dict(type='mmkd_ext.OfflineDistiller', student=NETWORK, teacher=teacher, losses=dict(kd=KD), channel_order=channel_order)


def mutual(teacher, channel_order):
    return dict(
        type='mmkd_ext.MutualLearningDistiller', students=dict(a=NETWORK, b=NETWORK), teacher=teacher, losses=dict(kd=KD),
        freeze_teacher=True, channel_order=channel_order)


def coloured(rng, n):
    """(n, 3, 16, 16) images of a few colours each, whole values as a decoder gives them."""
    return torch.randint(256, (n, 3, 4, 4), generator=rng).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3).float()


def built(kind, rng, order, channel_order='rgb'):
    """A distiller whose teacher tells colours apart, and what it sees of images in the order of the data."""
    torch.manual_seed(0)
    teacher = dict(model=NETWORK, checkpoint=None, allow_random=True, data_preprocessor=OWN, channel_order=order)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(dict(
            kind(teacher, channel_order), input_size=16, data_preprocessor=dict(mean=[90.0, 80.0, 70.0], std=[50.0] * 3, num_classes=5)))
    network = model.teachers['teacher'].network
    seen = (coloured(rng, 256) - MEAN) / STD
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(seen)  # statistics of such images
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    network.eval()
    with torch.no_grad():
        network.head.fc.bias.sub_(network(seen).mean(dim=0))
    return model.train()


def trained(model, rng, labels_of, batches, monkeypatch):
    """What is said in some batches of 64 images, and what the teacher is given."""
    said, given = [], []
    monkeypatch.setattr('mmkd_ext.models.distillers.channel_order_warning.print_log', lambda text, *_: said.append(text))
    teacher = model.teachers['teacher']
    images, labels = [], []
    for _ in range(batches):
        images.append(coloured(rng, 64))
        labels.append(labels_of(teacher.network, images[-1]))
    hook = teacher.network.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    for picture, label in zip(images, labels, strict=True):
        inputs = model.data_preprocessor(dict(inputs=picture))['inputs']
        model(inputs, [DataSample().set_gt_label(int(x)) for x in label], mode='loss')
    hook.remove()
    return said, given, images


def turned(network, images):
    """Labels as the teacher tells them with the channels of the data the other way round, by its own numbers."""
    with torch.no_grad():
        return network((images.flip(1) - MEAN) / STD).argmax(dim=1)


def straight(network, images):
    with torch.no_grad():
        return network((images - MEAN) / STD).argmax(dim=1)


@pytest.mark.parametrize('kind', [offline, mutual])
@pytest.mark.parametrize(('order', 'right'), [('rgb', turned), ('bgr', straight)])
def test_the_other_order_is_told_once_and_costs_the_first_images_only(rng, monkeypatch, kind, order, right):
    model = built(kind, rng, order)
    said, given, images = trained(model, rng, right, 6, monkeypatch)
    assert len(said) == 1
    other = {'rgb': 'bgr', 'bgr': 'rgb'}[order]
    assert 'sees red as blue' in said[0] and 'of the first 256 training images' in said[0]
    assert f"model.teacher=dict(model=..., channel_order='{other}')" in said[0]
    assert len(given) == 4 * 2 + 2  # 256 images twice, the rest once
    first, second = (images[1], images[1].flip(1)) if order == 'rgb' else (images[1].flip(1), images[1])
    for seen, expected in ((given[1], first), (given[5], second)):  # the second batch, first with the other three
        torch.testing.assert_close(seen, (expected - MEAN) / STD, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('kind', [offline, mutual])
@pytest.mark.parametrize(('order', 'right'), [('rgb', straight), ('bgr', turned)])
def test_the_right_order_is_not_spoken_of(rng, monkeypatch, kind, order, right):
    said, _, _ = trained(built(kind, rng, order), rng, right, 4, monkeypatch)
    assert not said


def test_the_key_that_is_named_ends_the_warning(rng, monkeypatch):
    """Same data, the teacher's order set as the warning asks."""
    labels = turned
    assert trained(built(offline, torch.Generator().manual_seed(3), 'rgb'), rng, labels, 4, monkeypatch)[0]
    assert not trained(built(offline, torch.Generator().manual_seed(3), 'bgr'), rng, labels, 4, monkeypatch)[0]


def test_a_teacher_without_numbers_of_its_own_is_told_which_it_needs(rng, monkeypatch):
    model = built(offline, rng, 'rgb')
    model.teachers['teacher']._renormalise = None

    def exchanged(network, images):
        with torch.no_grad():
            return network(model.data_preprocessor(dict(inputs=images))['inputs'].flip(1)).argmax(dim=1)

    said, _, _ = trained(model, rng, exchanged, 4, monkeypatch)
    assert len(said) == 1 and 'data_preprocessor (mean, std)' in said[0] and 'channel_order' in said[0]


@pytest.mark.parametrize('gained', [4, 5])
def test_two_standard_deviations_are_needed(rng, monkeypatch, gained):
    """On 4 images that differ, all better, 4 = 2 sqrt(4) is not more than chance; 5 > 2 sqrt(5) = 4.47 is."""
    model = built(offline, rng, 'rgb')

    def few(network, images):
        right, other = straight(network, images), turned(network, images)
        differ = (right != other).nonzero().flatten()[:gained]
        right[differ] = other[differ]
        return right

    # the images on which both agree, so that only the first few count
    teacher = model.teachers['teacher']
    model._orders['teacher'].samples = 64
    images = coloured(rng, 64)
    labels = few(teacher.network, images)
    differ = (straight(teacher.network, images) != turned(teacher.network, images)).nonzero().flatten()
    images[differ[gained:]], labels[differ[gained:]] = 120.0, int(straight(teacher.network, torch.full((1, 3, 16, 16), 120.0)))
    said = []
    monkeypatch.setattr('mmkd_ext.models.distillers.channel_order_warning.print_log', lambda text, *_: said.append(text))
    inputs = model.data_preprocessor(dict(inputs=images))['inputs']
    model(inputs, [DataSample().set_gt_label(int(x)) for x in labels], mode='loss')
    assert len(said) == (gained == 5)


def test_nothing_random_is_drawn_and_no_term_changes(rng, monkeypatch):
    model, images = built(offline, rng, 'rgb'), coloured(rng, 8)
    model._orders['teacher'].samples = 8
    inputs = model.data_preprocessor(dict(inputs=images))['inputs']
    samples = [DataSample().set_gt_label(i % 5) for i in range(8)]
    torch.manual_seed(1), random.seed(1), np.random.seed(1)
    terms = model(inputs, samples, mode='loss')
    assert not model._orders['teacher']._kept and model._orders['teacher'].content
    drawn = torch.rand(()), random.random(), np.random.rand()
    model._orders.clear()
    torch.manual_seed(1), random.seed(1), np.random.seed(1)
    for key, value in model(inputs, samples, mode='loss').items():
        assert torch.equal(value, terms[key]), key
    assert drawn == (torch.rand(()), random.random(), np.random.rand())


def test_grey_images_and_a_look_without_gradients_count_nothing(rng):
    model = built(offline, rng, 'rgb')
    inputs, samples = torch.randn(4, 3, 16, 16, generator=rng), [DataSample().set_gt_label(i) for i in range(4)]
    with torch.no_grad():
        model(inputs, samples, mode='loss')
    assert model._orders['teacher']._seen == 0
    outputs = model.teachers['teacher'](inputs)
    model._orders['teacher'].see(inputs[:, :1], outputs, torch.arange(4))
    assert model._orders['teacher']._seen == 0
