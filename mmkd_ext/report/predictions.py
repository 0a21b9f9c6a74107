"""What classifiers of a run say of its validation images. N images, K classes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import Subset

from mmkd_ext.datasets.channel_order import loaded_order
from mmkd_ext.datasets.listed_data import build_data
from mmkd_ext.models.outputs.kinds.known import kind_of

from .loaded_models import Loaded

STUDENT = 'student'


class NoClassifier(ValueError):
    """What is asked of classifiers has no answer here; the message says why."""


@dataclass
class Predictions:
    """Probabilities on validation images.

    Attributes:
        names: Of the classes.
        labels: (N,).
        scores: Network -> (N, K) probabilities: `student` the deployed network, teachers and an ensemble's networks by their names.
        places: (N,) of the images in the data set, which has `total` in all.
        total: As said.
        source: The data set, for `pictures`.
        cfg: The run's.
    """

    names: list[str]
    labels: np.ndarray
    scores: dict[str, np.ndarray]
    places: list[int]
    total: int
    source: Any = field(repr=False, default=None)
    cfg: Any = field(repr=False, default=None)

    def right(self, network: str) -> np.ndarray:
        """(N,) whether a network is right."""
        return self.scores[network].argmax(axis=1) == self.labels


def validation_data(cfg: Config) -> tuple[Any, Any]:
    """The loader's config and the data set of a run's validation, or of its test where it has no validation.

    Raises:
        NoClassifier: There is none.
    """
    for name in ('val', 'test'):
        loader = cfg.get(f'{name}_dataloader')
        if loader and loader.get('dataset'):
            with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmpretrain'):
                return loader, build_data(loader['dataset'], name)
    raise NoClassifier('there are no validation images in its config')


def evenly(total: int, limit: int | None) -> list[int]:
    """Places of at most `limit` of `total` images, evenly spaced."""
    count = total if limit is None else min(limit, total)
    return [i * total // count for i in range(count)]


@torch.no_grad()
def predict(loaded: Loaded, cfg: Config, limit: int | None, device: str) -> Predictions:
    """Ask the deployed network, its networks and its frozen teachers about the validation images.

    Args:
        loaded: The networks.
        cfg: The run's.
        limit: Images at most, evenly spaced; None: all.
        device: Where.

    Raises:
        NoClassifier: The network gives no classes, or an image has no or several labels.
    """
    kind = kind_of(loaded.network)
    if kind.boxes or not kind.has_classes:
        raise NoClassifier(f'it is {kind.called}, which gives no class to an image')
    loader, source = validation_data(cfg)
    places = evenly(len(source), limit)
    model = loaded.model.to(device)
    labels: list[int] = []
    scores: dict[str, list[Tensor]] = {}
    for inputs, samples in _batches(cfg, loader, source, places, model):
        labels += [_label(sample) for sample in samples]
        for name, said in _said(loaded, inputs, samples).items():
            scores.setdefault(name, []).extend(_score(sample) for sample in said)
    stacked = {name: torch.stack(each).float().cpu().numpy() for name, each in scores.items()}
    classes = stacked[STUDENT].shape[1]
    if labels and not 0 <= min(labels) <= max(labels) < classes:
        span = f'{min(labels)} to {max(labels)}'
        raise NoClassifier(f'its {classes} classes are not those of the validation images, whose labels go from {span}')
    known = (getattr(source, 'metainfo', None) or {}).get('classes')
    names = list(map(str, known)) if isinstance(known, list | tuple) and len(known) == classes else [str(k) for k in range(classes)]
    return Predictions(names, np.array(labels), stacked, places, len(source), source, cfg)


def pictures(predictions: Predictions, which: Sequence[int]) -> list[np.ndarray]:
    """RGB images (H, W, 3) in 0..255 of some of the predictions, as the pipeline of the validation made them."""
    cfg = predictions.cfg
    loader = cfg.get('val_dataloader') or cfg.get('test_dataloader')
    bgr = loaded_order(loader['dataset'], cfg.get('default_scope') or 'mmpretrain') == 'bgr'
    found = []
    for batch in _raw_batches(cfg, loader, predictions.source, [predictions.places[i] for i in which]):
        for image in batch['inputs']:
            pixels = image.float()
            low, high = float(pixels.min()), float(pixels.max())
            if image.dtype != torch.uint8 and (low < 0 or high <= 1):  # a pipeline that normalises itself
                pixels = (pixels - low) / max(high - low, 1e-6) * 255
            pixels = pixels.clamp(0, 255).byte().permute(1, 2, 0).numpy()
            pixels = pixels[..., :1].repeat(3, axis=2) if pixels.shape[2] != 3 else pixels[..., ::-1] if bgr else pixels
            found.append(np.ascontiguousarray(pixels))
    return found


def _raw_batches(cfg: Config, loader: Any, source: Any, places: Sequence[int]) -> Iterator[dict[str, Any]]:
    size = int(loader.get('batch_size') or 32)
    collate = loader.get('collate_fn') or {'type': 'default_collate' if cfg.get('default_scope') == 'mmpretrain' else 'pseudo_collate'}
    settings = {
        'dataset': Subset(source, places), 'batch_size': min(size, max(len(places), 1)), 'num_workers': 0,
        'sampler': {'type': 'DefaultSampler', 'shuffle': False}, 'collate_fn': collate}
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmpretrain'):
        yield from Runner.build_dataloader(settings, seed=0)


def _batches(cfg: Config, loader: Any, source: Any, places: Sequence[int], model: Any) -> Iterator[tuple[Tensor, list[Any]]]:
    for batch in _raw_batches(cfg, loader, source, places):
        data = model.data_preprocessor(batch, False)
        yield data['inputs'], data['data_samples']


def _said(loaded: Loaded, inputs: Tensor, samples: list[Any]) -> dict[str, list[Any]]:
    said = {STUDENT: loaded.model(inputs, [sample.clone() for sample in samples], mode='predict')}
    for name in getattr(said[STUDENT][0], 'networks', {}):
        said[name] = [sample.networks[name] for sample in said[STUDENT]]
    for name, teacher in loaded.teachers.items():
        theirs = teacher.predict(inputs, [sample.clone() for sample in samples])
        if len(theirs[0].pred_score) == len(said[STUDENT][0].pred_score):  # else of other classes
            said[name] = theirs
    return said


def _label(sample: Any) -> int:
    label = sample.get('gt_label')
    if label is None or label.numel() != 1:
        raise NoClassifier(f'an image has {"no label" if label is None else f"{label.numel()} labels"}, where one is needed')
    return int(label)


def _score(sample: Any) -> Tensor:
    score = sample.get('pred_score')
    if score is None or score.ndim != 1:
        raise NoClassifier('it gives no probability for each class')
    return score
