"""Data sets: handwritten digits that need no files, CIFAR in memory, images without labels, and checks of what data sets list."""

from mmkd_ext.datasets.cifar import CIFAR10, CIFAR100
from mmkd_ext.datasets.digits import Digits
from mmkd_ext.datasets.in_memory import InMemory, whole_batches
from mmkd_ext.datasets.unlabelled_folder import UnlabelledFolder

__all__ = ['CIFAR10', 'CIFAR100', 'Digits', 'InMemory', 'UnlabelledFolder', 'whole_batches']
