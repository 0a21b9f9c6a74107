"""Data sets: digits that need no files, small images in memory, images without labels, and checks of what data sets list."""

from mmkd_ext.datasets.cifar import CIFAR10, CIFAR100
from mmkd_ext.datasets.digits import Digits
from mmkd_ext.datasets.in_memory import InMemory, whole_batches
from mmkd_ext.datasets.unlabelled_folder import UnlabelledFolder
from mmkd_ext.datasets.zoo_in_memory import CustomDataset, FashionMNIST

__all__ = ['CIFAR10', 'CIFAR100', 'CustomDataset', 'Digits', 'FashionMNIST', 'InMemory', 'UnlabelledFolder', 'whole_batches']
