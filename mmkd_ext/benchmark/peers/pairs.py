"""The two pairs of a comparison: their networks as plain torch modules, and their training images. N images, K classes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision import transforms

TAU, KD_WEIGHT, LABEL_WEIGHT = 4.0, 0.9, 0.1  # the KD field's on CIFAR-100
LR, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 5e-4


@dataclass(frozen=True)
class Pair:
    """Who teaches whom, of what.

    Attributes:
        teacher: Name of a network.
        student: Likewise.
        classes: K.
        size: Of an image, pixels.
        mean: Of the channels, RGB, for images of 0 to 1.
        std: Likewise.
        batch_size: N.
    """

    teacher: str
    student: str
    classes: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    batch_size: int

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """Teacher and student, with random weights."""
        return self.network(self.teacher), self.network(self.student)

    def network(self, name: str) -> nn.Module:
        """One of them."""
        if self.size == 32:
            return _CIFARNetwork(int(name.removeprefix('resnet')), self.classes)
        return torchvision.models.get_model(name, num_classes=self.classes)

    def augmentation(self) -> list[Callable]:
        """The transforms of torchvision for an image, those before it becomes a tensor."""
        crop = transforms.RandomCrop(32, padding=4) if self.size == 32 else transforms.RandomResizedCrop(self.size)
        return [crop, transforms.RandomHorizontalFlip()]

    def transform(self) -> Callable:
        """All of them."""
        return transforms.Compose([*self.augmentation(), transforms.ToTensor(), transforms.Normalize(self.mean, self.std)])

    def images(self, folder: str, transform: Callable | None) -> Any:
        """The data set of torchvision for the training images in a folder: CIFAR-100's archive, or class folders."""
        if self.size != 32:
            return torchvision.datasets.ImageFolder(folder, transform)
        return _UncheckedCIFAR100(folder, transform=transform)


PAIRS = {
    'cifar': Pair('resnet56', 'resnet20', 100, 32, (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761), 128),
    'imagenet': Pair('resnet34', 'resnet18', 10, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 16),
}


class _Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a convolution where the width grows."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        stride = 1 if before == width else 2
        self.conv1, self.bn1 = nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class _CIFARNetwork(nn.Module):
    """The CIFAR ResNet that the KD field's repositories share: (N, 3, 32, 32) -> (N, K)."""

    def __init__(self, depth: int, classes: int) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        widths = [16] * blocks + [32] * blocks + [64] * blocks
        self.blocks = nn.Sequential(*(_Block(before, width) for before, width in zip([16, *widths], widths, strict=False)))
        self.fc = nn.Linear(64, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.bn1(self.conv1(images))))
        return self.fc(x.mean((2, 3)))


class _UncheckedCIFAR100(torchvision.datasets.CIFAR100):
    """CIFAR-100's training archive, whose digest need not be the published file's."""

    train_list: list = [['train', None]]
    test_list: list = []
    meta = {**torchvision.datasets.CIFAR100.meta, 'md5': None}


def sgd(parameters: Any) -> torch.optim.Optimizer:
    """The KD field's optimizer."""
    return torch.optim.SGD(parameters, LR, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True)
