"""mmpretrain's data sets of small images, in memory: Fashion-MNIST, and class folders such as TinyImageNet's."""

from mmpretrain.datasets import CustomDataset as FolderDataset
from mmpretrain.datasets import FashionMNIST as ArchiveFashionMNIST

from mmkd_ext.registry import DATASETS

from .in_memory import InMemory


@DATASETS.register_module()
class CustomDataset(InMemory, FolderDataset):
    """mmpretrain's `CustomDataset`, also in memory by batch (see `InMemory`): images of one size in a folder for each class.

    Memory in bytes: images x height x width x 3, twice that while they are read; TinyImageNet takes 1.2 GB.

    Example:
        With `lazy_init` nothing is read before the first image is asked for:

        >>> data = CustomDataset(data_root='data/tiny_imagenet', data_prefix='train', by_batch=True, lazy_init=True)
        >>> data.by_batch
        True
    """


@DATASETS.register_module()
class FashionMNIST(InMemory, ArchiveFashionMNIST):
    """mmpretrain's `FashionMNIST`, also in memory by batch (see `InMemory`): grey images of 28 px.

    Example:
        With `lazy_init` nothing is read before the first image is asked for:

        >>> data = FashionMNIST(data_root='data/fashion_mnist', by_batch=True, lazy_init=True)
        >>> len(data.metainfo['classes'])
        10
    """
