"""The two pairs of a comparison: their networks as plain torch modules, and their training images. N images, K classes."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import Tensor, nn
from torchvision import transforms

from mmkd_ext.datasets.cifar import CIFAR100, read_class_folders
from mmkd_ext.models.backbones.cifar_resnet import CIFARResNet

TAU, KD_WEIGHT, LABEL_WEIGHT = 4.0, 0.9, 0.1  # the KD field's on CIFAR-100
LR, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 5e-4


@dataclass(frozen=True)
class Pair:
    """Who teaches whom, of what.

    Attributes:
        teacher, student: Names of networks.
        classes: K.
        size: Of an image, pixels.
        mean, std: Of the channels, RGB, for images of 0 to 1.
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
        """torchvision's transforms of an image, those before it becomes a tensor."""
        crop = transforms.RandomCrop(32, padding=4) if self.size == 32 else transforms.RandomResizedCrop(self.size)
        return [crop, transforms.RandomHorizontalFlip()]

    def transform(self) -> Callable:
        """All of them."""
        return transforms.Compose([*self.augmentation(), transforms.ToTensor(), transforms.Normalize(self.mean, self.std)])

    def images(self, folder: str, transform: Callable | None) -> Any:
        """torchvision's data set of the training images in a folder: CIFAR-100's archive, or class folders."""
        if self.size != 32:
            return torchvision.datasets.ImageFolder(folder, transform)
        return _UncheckedCIFAR100(folder, transform=transform)


PAIRS = {
    'cifar': Pair('resnet56', 'resnet20', 100, 32, (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761), 128),
    'imagenet': Pair('resnet34', 'resnet18', 10, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 16),
}


class _CIFARNetwork(nn.Module):
    """A CIFAR ResNet (N, 3, 32, 32) -> (N, K)."""

    def __init__(self, depth: int, classes: int) -> None:
        super().__init__()
        self.backbone = CIFARResNet(depth)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.pool(self.backbone(images)[-1]).flatten(1))


class _UncheckedCIFAR100(torchvision.datasets.CIFAR100):
    """CIFAR-100's training archive, whose digest need not be the published file's."""

    train_list, test_list = [['train', None]], []
    meta = {**torchvision.datasets.CIFAR100.meta, 'md5': None}


def write_archive(folder: Path, out: Path) -> Path:
    """CIFAR-100's training images as the published archive has them, in `out`, from class folders in `folder / 'train'`.

    Returns:
        The folder that holds `cifar-100-python/`: `folder` itself, where the archive is there.
    """
    if (folder / 'cifar-100-python').is_dir():
        return folder
    archive = out / 'cifar-100-python'
    if not (archive / 'meta').is_file():
        listed = read_class_folders(folder / 'train', CIFAR100.METAINFO['classes'], 'The comparison')
        rows = np.stack([each['img'].transpose(2, 0, 1).reshape(-1) for each in listed])
        archive.mkdir(parents=True, exist_ok=True)
        content = {'data': rows, 'fine_labels': [each['gt_label'] for each in listed]}
        (archive / 'train').write_bytes(pickle.dumps(content))
        (archive / 'meta').write_bytes(pickle.dumps({'fine_label_names': list(CIFAR100.METAINFO['classes'])}))
    return out


def sgd(parameters: Any) -> torch.optim.Optimizer:
    """The KD field's optimizer."""
    return torch.optim.SGD(parameters, LR, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True)
