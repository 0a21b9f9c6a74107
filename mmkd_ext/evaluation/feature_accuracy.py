"""KNNAccuracy and ProbeAccuracy: what the features of a backbone are worth on labelled images. N images, D channels."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from mmkd_ext.errors import check_numbers, check_whole
from mmkd_ext.registry import METRICS


class FeatureAccuracy(BaseMetric):
    """Accuracy in percent of a classifier that is fitted on the features of some labelled images and asked about others.

    It gives `<prefix>/top1`. A subclass says which classifier, by `fitted(features, labels)`.

    Args:
        bank: How many of the first images of the data are only learned from, the rest being asked about, as with a ConcatDataset of
            training and test images; None: no image is set apart, but each fifth of every class is asked about once, by what is
            learned from the others.
        collect_device: For mmengine.
        prefix: For mmengine.

    Raises:
        ValueError: `bank` is no whole number of 1 or more; later, images without one label each, without an embedding, or too few.
    """

    folds = 5

    def __init__(self, bank: int | None = None, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        check_whole(type(self).__name__, bank=bank)
        super().__init__(collect_device, prefix)
        self.bank = bank

    def fitted(self, features: np.ndarray, labels: np.ndarray) -> Any:
        """A classifier of scikit-learn's, fitted to features (N, D) in float32 and labels (N,)."""
        raise NotImplementedError

    def check_count(self, images: int, loader: str = 'val_') -> None:
        """Whether there are more images than those of the bank.

        Args:
            images: How many there are.
            loader: What stands before `dataloader` and `evaluator`, for the sentence.

        Raises:
            ValueError: There are not.
        """
        if self.bank is not None and self.bank >= images:
            raise ValueError(
                f'{type(self).__name__} needs more images than its bank={self.bank}, got {images}: the first are learned from, the rest '
                f'are asked about. Look at {loader}dataloader.dataset and at bank in {loader}evaluator.')

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep embedding (D,) and label of each sample."""
        for sample in data_samples:
            label, embedding = sample.get('gt_label'), sample.get('embedding')
            if embedding is None:
                raise ValueError(
                    f'{type(self).__name__} needs the embedding of each image, which FeatureDistiller and BackboneModel predict, got '
                    f'samples with {", ".join(sorted(sample))}. Look at val_evaluator and model.type.')
            if label is None or torch.as_tensor(label).numel() != 1:
                raise ValueError(
                    f'{type(self).__name__} needs validation images with one label each, got {"none" if label is None else label}. '
                    'Training images need none; look at val_dataloader.dataset.')
            self.results.append((embedding.float().cpu(), int(torch.as_tensor(label))))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return the accuracy in percent; NaN where a feature is not finite."""
        features, labels = torch.stack([x for x, _ in results]).numpy(), np.array([label for _, label in results])
        if not np.isfinite(features).all():
            return {'top1': float('nan')}
        hits = [self.fitted(features[learned], labels[learned]).predict(features[asked]) == labels[asked]
                for learned, asked in self._splits(labels)]
        return {'top1': 100 * float(np.concatenate(hits).mean())}

    def _splits(self, labels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Which images are learned from and which are asked about, each time."""
        if self.bank is not None:
            self.check_count(len(labels))
            first = np.arange(len(labels)) < self.bank
            yield first, ~first
            return
        places = np.empty(len(labels), dtype=int)  # of each image in its class
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            places[members] = np.arange(len(members))
        for fold in range(min(self.folds, places.max() + 1)):
            asked = places % self.folds == fold
            if asked.all():
                raise ValueError(
                    f'{type(self).__name__} needs two images or more of a class, got {len(labels)} images of as many classes. Look at '
                    'val_dataloader.dataset.')
            yield ~asked, asked


@METRICS.register_module()
class KNNAccuracy(FeatureAccuracy):
    """`knn/top1`: each image has the class that most of the images with the nearest embeddings have, by cosine.

    A neighbour at cosine c counts exp(c / tau).

    Args:
        k: Neighbours; all where there are fewer.
        tau: Temperature > 0 of their weights.
        **kwargs: See `FeatureAccuracy`.

    Raises:
        ValueError: `k` is no whole number of 1 or more, or `tau` not above 0; and as `FeatureAccuracy`.

    Source: weighted nearest neighbours of Wu et al. 2018, arXiv:1805.01978, sec. 3.4; `k` and `tau` as DINO, arXiv:2104.14294.

    Example:
        >>> metric = KNNAccuracy(k=1)
        >>> directions = torch.tensor([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [0.1, 3.0]])
        >>> metric.process(None, [dict(embedding=x, gt_label=torch.tensor([k])) for x, k in zip(directions, (0, 0, 1, 1))])
        >>> metric.evaluate(size=4)
        {'knn/top1': 100.0}
    """

    default_prefix = 'knn'

    def __init__(self, k: int = 20, tau: float = 0.07, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_whole('KNNAccuracy', k=1 if k is None else k)
        check_numbers('KNNAccuracy', tau=tau)
        if k is None or not tau > 0:
            raise ValueError(f'KNNAccuracy needs k of 1 or more and tau > 0, got k={k} and tau={tau}.')
        self.k, self.tau = k, tau

    def fitted(self, features: np.ndarray, labels: np.ndarray) -> Any:
        """The neighbours."""
        from sklearn.neighbors import KNeighborsClassifier  # a second, which the runs without this metric are spared

        neighbours = KNeighborsClassifier(min(self.k, len(labels)), weights=self._weights, metric='cosine', algorithm='brute')
        return neighbours.fit(features, labels)

    def _weights(self, distances: np.ndarray) -> np.ndarray:
        nearest = distances.min(axis=1, keepdims=True)  # a common factor changes no vote, and keeps the numbers in range
        return np.exp((nearest - distances) / self.tau)


@METRICS.register_module()
class ProbeAccuracy(FeatureAccuracy):
    """`probe/top1`: a linear classifier on standardised embeddings, fitted in closed form by ridge regression to -1 and 1.

    Args:
        ridge: Weight > 0 of the squared coefficients, for each image that is learned from.
        **kwargs: See `FeatureAccuracy`.

    Raises:
        ValueError: `ridge` not above 0; and as `FeatureAccuracy`.

    Example:
        >>> metric = ProbeAccuracy()
        >>> numbers = torch.tensor([[1.0, 0.0], [2.0, 0.1], [-1.0, 1.0], [-2.0, 3.0]])
        >>> metric.process(None, [dict(embedding=x, gt_label=torch.tensor([k])) for x, k in zip(numbers, (0, 0, 1, 1))])
        >>> metric.evaluate(size=4)
        {'probe/top1': 100.0}
    """

    default_prefix = 'probe'

    def __init__(self, ridge: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_numbers('ProbeAccuracy', ridge=ridge)
        if not ridge > 0:
            raise ValueError(f'ProbeAccuracy needs ridge > 0, got {ridge}.')
        self.ridge = ridge

    def fitted(self, features: np.ndarray, labels: np.ndarray) -> Any:
        """The linear classifier; of one class alone, that class."""
        from sklearn.linear_model import RidgeClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), RidgeClassifier(self.ridge * len(labels))).fit(features.astype(np.float64), labels)
