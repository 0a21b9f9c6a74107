"""Other tools' loops: the same loss, by its formula."""

import math
from collections.abc import Callable
from itertools import islice

import pytest
import torch
from PIL import Image
from torch import nn

from mmkd_ext.benchmark.peers.loops import FLOOR, LOOPS
from mmkd_ext.benchmark.peers.pairs import Pair

LABELS = [3, 1, 4, 1]


class Flat(nn.Module):
    """Logits (N, 5) from the mean of the channels, and a weight that shows whether it was trained."""

    num_classes = 5

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 5, generator=torch.Generator().manual_seed(seed)))
        self.trains: list[bool] = []

    def forward(self, images):
        self.trains.append(self.training)
        return images.mean((2, 3)) @ self.weight


class Images(torch.utils.data.Dataset):
    """Four images, each of one colour."""

    def __init__(self, transform):
        self.transform = transform

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, i):
        return self.transform(Image.new('RGB', (32, 32), (60 * i, 10 * i, 200 - 60 * i))), LABELS[i]


class TinyPair(Pair):
    """Without augmentation, so that a batch of all images has one loss."""

    made: list[nn.Module] = []

    def networks(self):
        self.made[:] = [Flat(1), Flat(2)]
        return tuple(self.made)

    def augmentation(self) -> list[Callable]:
        return []

    def images(self, folder, transform):
        return Images(transform)


PAIR = TinyPair('flat', 'flat', 5, 32, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), 4)


def naive_loss() -> float:
    """0.1 cross-entropy and 0.9 tau^2 KL at tau = 4, by plain numbers."""
    def softmax(row, tau):
        top = [math.exp(x / tau) for x in row]
        return [x / sum(top) for x in top]

    teacher, student = Flat(1).weight.tolist(), Flat(2).weight.tolist()
    total = 0.0
    for i, label in enumerate(LABELS):
        colour = [(x / 255 - m) / s for x, m, s in zip((60 * i, 10 * i, 200 - 60 * i), PAIR.mean, PAIR.std, strict=True)]
        s, t = ([sum(c * w[k] for c, w in zip(colour, weight, strict=True)) for k in range(5)] for weight in (student, teacher))
        divergence = sum(q * math.log(q / p) for q, p in zip(softmax(t, 4.0), softmax(s, 4.0), strict=True))
        total += -0.1 * math.log(softmax(s, 1.0)[label]) + 0.9 * 16 * divergence
    return total / len(LABELS)


@pytest.mark.parametrize('name', [
    pytest.param(name, marks=pytest.mark.inductor) if 'compiled' in name else name for name in LOOPS if name != FLOOR])
def test_a_loop_has_the_loss_trains_the_student_and_leaves_the_teacher(name):
    if name == 'torchdistill':
        pytest.importorskip('torchdistill')
    before = [Flat(seed).weight.detach() for seed in (1, 2)]
    losses = list(islice(LOOPS[name](PAIR, '', 4, False), 2))
    assert losses[0] == pytest.approx(naive_loss(), rel=1e-4)
    assert losses[1] < losses[0]
    teacher, student = TinyPair.made
    torch.testing.assert_close(teacher.weight.detach(), before[0], rtol=0, atol=0)
    assert not torch.equal(student.weight, before[1])
    assert set(student.trains) == {True} and set(teacher.trains) == {False}


@pytest.mark.parametrize('name', ['plain loop', 'timm'])
def test_half_precision_is_autocast(name):
    seen = []

    class Watching(TinyPair):
        def networks(self):
            networks = super().networks()
            networks[1].register_forward_hook(lambda _, args, out: seen.append(out.dtype))
            return networks

    pair = Watching(*(getattr(PAIR, key) for key in Pair.__dataclass_fields__))
    next(LOOPS[name](pair, '', 4, True))
    assert seen == [torch.bfloat16]
