"""CIFAR-100's archive, as torchvision reads it, made of class folders."""

import pickle
from pathlib import Path

import numpy as np

from mmkd_ext.datasets.cifar import CIFAR100, read_class_folders


def archive_folder(folder: Path, out: Path) -> Path:
    """A folder that holds `cifar-100-python/` with the training images.

    Args:
        folder: What holds it, or class folders in `train/`.
        out: Where the archive is written in the second case; one that lies there already is taken.

    Returns:
        `folder` or `out`.
    """
    if (folder / 'cifar-100-python').is_dir():
        return folder
    archive = out / 'cifar-100-python'
    if not (archive / 'meta').is_file():
        classes = CIFAR100.METAINFO['classes']
        listed = read_class_folders(folder / 'train', classes, 'The comparison')
        rows = np.stack([each['img'].transpose(2, 0, 1).reshape(-1) for each in listed])
        archive.mkdir(parents=True, exist_ok=True)
        (archive / 'train').write_bytes(pickle.dumps({'data': rows, 'fine_labels': [each['gt_label'] for each in listed]}))
        (archive / 'meta').write_bytes(pickle.dumps({'fine_label_names': list(classes)}))  # last: it tells that all is there
    return out
