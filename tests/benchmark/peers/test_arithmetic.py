"""The convolutions of a pair alone: which layers are in a step, forward and backward."""

from itertools import islice

import pytest
import torch
from torch import nn

from mmkd_ext.benchmark.peers import arithmetic
from mmkd_ext.benchmark.peers.arithmetic import convolutions_alone
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


def test_a_step_has_every_call_of_a_layer_with_weights_once_in_the_faster_order(monkeypatch):
    made, done = [], []

    def call(layer, shape, trains, half, channels_last):
        made.append((type(layer).__name__, tuple(shape), trains, half))
        return lambda: done.append((tuple(shape), trains, channels_last))

    monkeypatch.setattr(arithmetic, '_call', call)
    monkeypatch.setattr(arithmetic, '_seconds', lambda call: call() or (1.0 if done.pop()[-1] else 2.0))
    assert list(islice(convolutions_alone(PAIR, '', 2, True), 2)) == [0.0, 0.0]
    calls = [('Conv2d', (2, 3, 8, 8)), ('Conv2d', (2, 4, 4, 4)), ('Conv2d', (2, 4, 4, 4)), ('Linear', (2, 4))]
    assert made[::2] == [(*each, trains, True) for trains in (False, True) for each in calls]
    assert done == 2 * [(shape, trains, True) for trains in (False, True) for _, shape in calls]


@pytest.mark.parametrize('half', [False, True])
def test_gradients_are_asked_of_the_student_s_weights_and_maps_but_not_of_images(monkeypatch, half):
    steps = convolutions_alone(PAIR, '', 2, half)
    next(steps)
    grad, asked = torch.autograd.grad, []
    monkeypatch.setattr(
        torch.autograd, 'grad', lambda outputs, inputs, g: asked.append([tuple(x.shape) for x in inputs]) or grad(outputs, inputs, g))
    next(steps)
    stem, conv, fc = [(4, 3, 3, 3)], [(4, 4, 3, 3), (2, 4, 4, 4)], [(5, 4), (2, 4)]
    assert asked == [stem, conv, conv, fc]


def test_a_layer_s_own_stride_and_padding_are_used(monkeypatch):
    first, shape = arithmetic._called(PAIRS['imagenet'].network('resnet18'), torch.zeros(1, 3, 64, 64))[0]
    conv2d, seen = torch.nn.functional.conv2d, []
    monkeypatch.setattr(arithmetic.F, 'conv2d', lambda x, w, **how: seen.append((tuple(x.shape), how)) or conv2d(x, w, **how))
    arithmetic._call(first, shape, True, False, True)()
    assert seen == 2 * [((1, 3, 64, 64), dict(stride=(2, 2), padding=(3, 3)))]
