"""Data sets decoded once into memory and augmented by batch. N images (N, C, H, W)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dataset import default_collate
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.utils.data import get_worker_info

from mmkd_ext.registry import FUNCTIONS

from .batch_transforms import by_batch as split_pipeline

_MOST_ON_GPU = 2**31  # bytes of images that go to a GPU unasked


@FUNCTIONS.register_module()
def whole_batches(data: Any) -> Any:
    """Collate: a batch that the dataset made as a whole stays as it is, samples are stacked.

    Example:
        >>> import torch
        >>> batch = dict(inputs=torch.zeros(4, 3, 32, 32), data_samples=[])
        >>> whole_batches(batch) is batch
        True
    """
    return data if isinstance(data, Mapping) else default_collate(data)


class InMemory:
    """A mixin that makes a data set of mmpretrain give whole batches; it goes first among the bases.

    The images are decoded once and lie in one tensor. A batch is gathered from it, and the pipeline's random crops and flips, with
    the same distribution, are done for the batch as a whole: no work for each image, no worker processes. The loader needs
    `collate_fn=dict(type='mmkd_ext.whole_batches')`; the preprocessor is mmpretrain's.

    The numbers are drawn on the CPU from numpy's random state, so a CPU and a GPU draw the same ones, and `EpochSeedHook` makes a
    resumed run draw them again. On a GPU no batch waits for the device.

    Args:
        by_batch: Whether to; False: the pipeline image by image.
        device: Of the tensor; None: the GPU, where there is one and the images take less than 2 GB, otherwise the CPU.
        channels_last: Give batches whose channels lie innermost in memory, which the convolutions then keep: faster on a CPU and,
            in mixed precision, on a GPU.

    Raises:
        ValueError: A pipeline with other transforms than LoadImageFromFile, RandomCrop, RandomFlip and PackInputs, images of
            several sizes, or images on a GPU with worker processes.

    Example:
        >>> import torch
        >>> from mmkd_ext.datasets.digits import Digits  # one of them
        >>> pipeline = [dict(type='mmpretrain.RandomCrop', crop_size=12), dict(type='mmpretrain.PackInputs')]
        >>> data = Digits(samples_per_class=2, pipeline=pipeline, by_batch=True)
        >>> batch = data.__getitems__([0, 1, 2, 3])
        >>> batch['inputs'].shape, batch['inputs'].dtype
        (torch.Size([4, 3, 12, 12]), torch.uint8)
    """

    def __init__(
        self, *args: Any, by_batch: bool = False, device: str | None = None, channels_last: bool = False, **kwargs: Any
    ) -> None:
        self.by_batch, self.device, self.channels_last = by_batch, device, channels_last
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Read the data, and hold the images."""
        done = self._fully_initialized  # type: ignore[attr-defined]
        super().full_init()  # type: ignore[misc]
        if self.by_batch and not done:
            self._hold()

    def get_subset_(self, indices: int | Sequence[int]) -> None:
        """Keep some of the images."""
        super().get_subset_(indices)  # type: ignore[misc]
        if self.by_batch:
            self._hold()

    def get_subset(self, indices: int | Sequence[int]) -> Any:
        """Another dataset of some of the images."""
        subset = super().get_subset(indices)  # type: ignore[misc]
        if self.by_batch:
            subset._hold()
        return subset

    def __getitems__(self, indices: Sequence[int]) -> dict[str, Any] | list[Any]:
        """A batch: `inputs` (N, C, h, w), uint8, and `data_samples`; or, without `by_batch`, samples."""
        if not self.by_batch:
            return [self[i] for i in indices]  # type: ignore[index]
        drawn = [transform.draw(len(indices)) for transform in self._transforms]
        rows = torch.from_numpy(np.stack([np.asarray(indices, dtype=np.int64), *(row for each in drawn for row in each)]))
        images, labels = self._on_device()
        if images.is_cuda:
            rows = rows.pin_memory().to(images.device, non_blocking=True)
        batch, labels, at = images.index_select(0, rows[0]), labels.index_select(0, rows[0]), 1
        for transform, each in zip(self._transforms, drawn, strict=True):
            batch = transform.apply(batch, rows[at : at + len(each)].unbind())
            at += len(each)
        batch = batch.permute(0, 3, 1, 2)
        if not self.channels_last:
            batch = batch.contiguous()
        shape = tuple(batch.shape[-2:])
        samples = [_sample(label, i, shape) for label, i in zip(labels.split(1), indices, strict=True)]
        return dict(inputs=batch, data_samples=samples)

    def _hold(self) -> None:
        """Decode the images, on the CPU."""
        loads, self._transforms = split_pipeline(self.pipeline.transforms)  # type: ignore[attr-defined]
        images, labels = [], []
        for i in range(len(self)):  # type: ignore[arg-type]
            info = self.get_data_info(i)  # type: ignore[attr-defined]
            for transform in loads:
                info = transform(info)
            image = np.asarray(info['img'])
            images.append(image if image.ndim == 3 else image[..., None])
            labels.append(np.asarray(info.get('gt_label')))
        name = type(self).__name__
        shapes = sorted({image.shape for image in images})
        if len(shapes) != 1 or not all(label.ndim == 0 and label.dtype.kind in 'iu' for label in labels):
            raise ValueError(
                f'{name} with by_batch needs images of one size with one label each, got '
                f'{f"shapes {shapes[:3]}" if len(shapes) != 1 else "other labels"}. Set dataset.by_batch=False.'
            )
        if images[0].dtype != np.uint8:
            raise ValueError(f'{name} with by_batch needs images of 8 bits, got {images[0].dtype}. Set dataset.by_batch=False.')
        self._images = torch.from_numpy(np.stack(images))  # (N, H, W, C)
        self._labels = torch.from_numpy(np.stack(labels).astype(np.int64))
        size = self._images.shape[1:3]
        for transform in self._transforms:
            size = transform.fit(*size)

    def _on_device(self) -> tuple[Tensor, Tensor]:
        """Images and labels where batches are made; moved when the first one is."""
        worker = get_worker_info() is not None
        device = self.device
        if device is None:
            fits = torch.cuda.is_available() and self._images.nbytes < _MOST_ON_GPU
            device = 'cuda' if fits and not worker else 'cpu'
        if self._images.device.type != torch.device(device).type:
            if worker:
                raise ValueError(
                    f'{type(self).__name__} with images on {device} needs a loader without worker processes, got some: '
                    'set num_workers=0.'
                )
            self._images, self._labels = self._images.to(device), self._labels.to(device)
        return self._images, self._labels


def _sample(label: Tensor, i: int, shape: tuple[int, ...]) -> DataSample:
    """A sample as `PackInputs` makes it, without its checks of each field, which would cost more than the batch."""
    sample = DataSample.__new__(DataSample)
    sample.__dict__.update(
        _metainfo_fields={'sample_idx', 'img_shape'}, _data_fields={'gt_label'}, gt_label=label, sample_idx=i, img_shape=shape
    )
    return sample
