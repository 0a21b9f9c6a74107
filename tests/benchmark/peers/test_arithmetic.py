"""The floor of a batch: which layers are in it, forward and backward."""

import pytest
import torch
from torch import nn

from mmkd_ext.benchmark.peers import arithmetic
from mmkd_ext.benchmark.peers.arithmetic import arithmetic_seconds
from mmkd_ext.benchmark.peers.pairs import PAIRS, Pair


class TwoLayers(nn.Module):
    """A convolution, called twice, a norm and a classifier."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 1, 1)
        self.norm, self.fc = nn.BatchNorm2d(4), nn.Linear(4, 5)

    def forward(self, images):
        return self.fc(self.norm(self.conv(self.conv(self.stem(images)))).mean((2, 3)))


class TinyPair(Pair):
    """Of two such networks."""

    def networks(self):
        return TwoLayers(), TwoLayers()


PAIR = TinyPair('a', 'b', 5, 8, (0.5,) * 3, (0.2,) * 3, 2)


def test_every_layer_with_weights_counts_once_a_call_and_the_student_s_backward(monkeypatch):
    asked = []

    def seconds(layer, shape, trains, half, channels_last, rounds):
        asked.append((type(layer).__name__, tuple(shape), trains))
        return 1.0 if channels_last else 2.0

    monkeypatch.setattr(arithmetic, '_seconds', seconds)
    assert arithmetic_seconds(PAIR, 2, False) == 8.0  # the faster order of four calls in each of two networks
    calls = [('Conv2d', (2, 3, 8, 8)), ('Conv2d', (2, 4, 4, 4)), ('Conv2d', (2, 4, 4, 4)), ('Linear', (2, 4))]
    assert asked[::2] == [(*call, False) for call in calls] + [(*call, True) for call in calls]


@pytest.mark.parametrize('half', [False, True])
def test_gradients_are_asked_of_weights_and_maps_but_not_of_images(monkeypatch, half):
    grad, asked = torch.autograd.grad, []
    monkeypatch.setattr(
        torch.autograd, 'grad', lambda outputs, inputs, g: asked.append([tuple(x.shape) for x in inputs]) or grad(outputs, inputs, g))
    assert arithmetic_seconds(PAIR, 2, half, rounds=1) > 0
    stem, conv, fc = [(4, 3, 3, 3)], [(4, 4, 3, 3), (2, 4, 4, 4)], [(5, 4), (2, 4)]
    assert asked == [each for each in (stem, conv, conv, fc) for _ in range(4)]  # two rounds in each of two memory orders


def test_a_layer_s_own_stride_and_padding_are_used():
    first, shape = next(arithmetic._called(PAIRS['imagenet'].network('resnet18'), torch.zeros(1, 3, 64, 64)))
    assert (first.stride, first.padding, shape) == ((2, 2), (3, 3), (1, 3, 64, 64))
    assert arithmetic._seconds(first, shape, True, False, True, 1) > 0
