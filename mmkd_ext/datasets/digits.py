"""A classification data set without files: the handwritten digits that ship inside scikit-learn."""

from typing import Any

import cv2
import numpy as np
from mmpretrain.datasets import BaseDataset

from mmkd_ext.errors import check_given, check_whole
from mmkd_ext.registry import DATASETS

from .in_memory import InMemory

_TEST_SHARE = 0.4438  # of each class: 797 of 1797 images, which leaves 1000 to train on


@DATASETS.register_module()
class Digits(InMemory, BaseDataset):
    """1797 handwritten digits of 43 people, 8 x 8 pixels, as RGB images; nothing is read from disk or network.

    The test images are a fixed, stratified 797 of them and disjoint from the training images.

    Args:
        split: 'train' or 'test'.
        size: Side in pixels; the 8 x 8 originals are enlarged bilinearly once, when the set is loaded.
        samples_per_class: Training images to keep per class, None for all. A smaller number is a subset of a larger
            one.
        seed: Which training images `samples_per_class` keeps.
        **kwargs: Of `InMemory`, such as `by_batch`, and of mmpretrain's `BaseDataset`, such as `pipeline`.

    Raises:
        ValueError: An unknown split, a size below 8, or more samples per class than there are.

    Example:
        >>> train, test = Digits(samples_per_class=10), Digits(split='test')
        >>> len(train), len(test), test[0]['img'].shape
        (100, 797, (16, 16, 3))
    """

    METAINFO = {'classes': tuple(map(str, range(10)))}

    def __init__(
        self, split: str = 'train', size: int = 16, samples_per_class: int | None = None, seed: int = 0, **kwargs: Any
    ) -> None:
        check_given('Digits', size=size)
        check_whole('Digits', None, size=size, samples_per_class=samples_per_class)
        check_whole('Digits', 0, seed=seed)
        if split not in ('train', 'test'):
            raise ValueError(f"Digits needs split 'train' or 'test', got {split!r}; there is no third part.")
        if size < 8:
            raise ValueError(f'Digits needs size >= 8, the side of its originals, got {size}.')
        if samples_per_class is not None and (split == 'test' or samples_per_class < 1):
            raise ValueError(
                f"Digits needs samples_per_class >= 1 with split='train', got {samples_per_class} with "
                f'{split!r}; the test images are always the same.'
            )
        self.split, self.size, self.samples_per_class, self.seed = split, size, samples_per_class, seed
        super().__init__(ann_file='', test_mode=kwargs.pop('test_mode', split == 'test'), **kwargs)

    def load_data_list(self) -> list[dict]:
        """Images as `img`, uint8 of (size, size, 3), with `gt_label`."""
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        images = images.reshape(-1, 8, 8) * (255 / 16)
        chosen = np.sort(np.concatenate([self._of_class(np.flatnonzero(labels == k)) for k in range(10)]))
        return [dict(img=self._enlarge(images[i]), gt_label=int(labels[i])) for i in chosen]

    def _of_class(self, members: np.ndarray) -> np.ndarray:
        """The members of one class that belong to this set."""
        members = np.random.default_rng(1797).permutation(members)
        n_test = round(_TEST_SHARE * len(members))
        if self.split == 'test':
            return members[:n_test]
        train = members[n_test:]
        if self.samples_per_class is None:
            return train
        if self.samples_per_class > len(train):
            raise ValueError(
                f'Digits needs samples_per_class <= {len(train)}, the training images of its smallest classes, '
                f'got {self.samples_per_class}.'
            )
        return np.random.default_rng(self.seed).permutation(train)[: self.samples_per_class]

    def _enlarge(self, image: np.ndarray) -> np.ndarray:
        large = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        return np.repeat(large.round().astype(np.uint8)[..., None], 3, axis=2)
