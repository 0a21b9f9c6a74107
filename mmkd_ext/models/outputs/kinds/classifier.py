"""Classifiers of mmpretrain, timm and torchvision as a kind of network. N images, K classes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmkd_ext.config.named_types import type_name
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.recording import recording
from mmkd_ext.models.outputs.scores import SIGMOID, label_shares, multi_hot, scores_of

from .base import Kind, Pass

_OTHERS = {'BaseDetector': 'a detector', 'BaseSegmentor': 'a segmentor'}  # of mmdet and mmseg, which need not be installed
_POOLS = ('None', 'GlobalAveragePooling', 'GeneralizedMeanPooling')


class Classifier(Kind):
    """A classifier: its samples are the images, and it is read in one pass."""

    class_heads = ('head', 'model', 'backbone')  # timm's networks are called model, and VGG's classifier is in its backbone

    @staticmethod
    def is_config(cfg: Mapping[str, Any]) -> bool:
        """Whatever is of no other kind."""
        return True

    @staticmethod
    def is_network(network: nn.Module) -> bool:
        """Whatever is of no other kind."""
        return True

    @staticmethod
    def deployed(plain: ConfigDict) -> ConfigDict:
        """Without the stages that only losses read."""
        neck = plain.get('neck') or {}
        indices = (plain.get('backbone') or {}).get('out_indices')
        # these read the last stage only; a list of necks may read more
        pools = isinstance(neck, Mapping) and type_name(neck.get('type')) in _POOLS
        if pools and isinstance(indices, Sequence) and min(indices) >= 0 and 'mmkd_ext.TESKD' not in str(plain):
            plain.backbone.out_indices = (max(indices),)
        return plain

    @staticmethod
    def set_classes(plain: ConfigDict, classes: int) -> bool:
        """In its head, with what else counts classes: mixed labels, label smoothing and top-k."""
        head: Any = plain.get('head') or {}
        counting: tuple[Any, ...] = plain.get('data_preprocessor') or {}, head.get('loss') or {}
        for part in counting:
            if part.get('num_classes') is not None:
                part.num_classes = classes
        if type_name(plain.get('type')) in ('TimmClassifier', 'TorchvisionClassifier'):
            plain.num_classes = classes
        elif 'num_classes' in head:
            head.num_classes = classes
            if 'topk' in head:
                head.topk = tuple(k for k in ([head.topk] if isinstance(head.topk, int) else head.topk) if k <= classes)
        elif 'num_classes' in (plain.get('backbone') or {}):  # VGG's classifier
            plain.backbone.num_classes = classes
        else:
            return False
        return True

    def check(self) -> None:
        """Whether it is no detector and no segmentor."""
        called = next((_OTHERS[base.__name__] for base in type(self.network).__mro__ if base.__name__ in _OTHERS), None)
        if called:
            raise ValueError(
                f'A student that classifies is compared with classifiers, got {type(self.network).__name__}, {called}, as {self.who}. '
                'Look at model.teacher.')

    def train(self, inputs: Tensor, samples: Sequence[Any], preprocessor: Any) -> Pass:
        """As `Kind`; the outputs are those of the very pass that the loss is computed in."""
        with recording(self.network) as record:
            terms = self.network.loss(inputs, samples)
        outputs = record.outputs()
        target = target_of(samples, preprocessor, outputs)
        return Pass(terms, outputs, target, target, None, outputs)

    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, keep: bool = True) -> Outputs:
        """What it says of the images."""
        with recording(self.network) as record:
            self.network(inputs)
        return record.outputs()

    def answer(self, features: Outputs, places: Any) -> Outputs:
        """The same: every image is a sample."""
        return features

    def example(self, shape: tuple[int, int, int]) -> tuple[Tensor, Any]:
        """Two images, since LeNet squeezes one away."""
        return torch.zeros(2, *shape), None

    def class_mean_samples(self, teacher: Any, data: Mapping[str, Any], classes: int) -> tuple[Outputs, Tensor]:
        """Of all images, with labels (N,), or (N, K) where images may have several."""
        return teacher(data['inputs']), self.labels(data['data_samples'], classes)

    def labels(self, samples: Sequence[Any], classes: int) -> Tensor:
        """(N,) labels, or (N, K) where images may have several."""
        return multi_hot(samples, classes) if scores_of(self.network) == SIGMOID else torch.cat([x.gt_label for x in samples])

    def predict(self, teacher: Any, inputs: Tensor, samples: list[Any]) -> list[Any]:
        """By softmax, or by the thresholds of a head for several labels."""
        said: Outputs = teacher(inputs)
        logits = said.logits.float()
        if said.scores is not None:
            return self.network.head._get_predictions(logits, samples)
        for sample, scores in zip(samples, logits.softmax(dim=1), strict=True):
            sample.set_pred_score(scores).set_pred_label(scores.argmax())
        return samples

    def raw(self, images: Tensor, samples: Sequence[Any] | None) -> Tensor:
        """Logits (N, K)."""
        return self.look(images).logits

    @staticmethod
    def joined_raw(said: Mapping[str, Tensor], several: bool) -> Tensor:
        """The logarithm of the mean of the probabilities (N, K)."""
        if not several:
            return next(iter(said.values()))
        logs = torch.stack([logits.float().log_softmax(dim=1) for logits in said.values()])
        return logs.logsumexp(dim=0) - math.log(len(logs))

    @staticmethod
    def joined(samples: Sequence[Any] | None, said: Mapping[str, list[Any]], members: Mapping[str, Any]) -> list[Any]:
        """By the mean of the members' probabilities."""
        given = list(samples or (DataSample() for _ in next(iter(said.values()))))
        for n, sample in enumerate(given):
            scores = torch.stack([said[name][n].pred_score.float() for name in members]).mean(dim=0)
            sample.set_pred_score(scores).set_pred_label(scores.argmax(dim=0, keepdim=True))
            sample.set_field({name: each[n] for name, each in said.items()}, 'networks')
        return given

    @classmethod
    @torch.no_grad()
    def raw_predictions(cls, model: nn.Module, images: Tensor) -> Tensor:
        """Logits (N, K)."""
        return model(images, mode='tensor')

    def example_samples(self, images: Tensor, classes: int) -> Tensor:
        """Labels (N,)."""
        return torch.arange(len(images)) % classes


def target_of(data_samples: Sequence[Any], preprocessor: Any, student: Outputs) -> Tensor:
    """(N,) labels, or (N, K) scores where images are mixed or may have several labels."""
    if student.scores == SIGMOID:
        return label_shares(data_samples, student.logits.shape[1])
    mixed = getattr(preprocessor, 'batch_augments', None) is not None
    if 'gt_score' in data_samples[0] and (mixed or 'gt_label' not in data_samples[0]):
        return torch.stack([sample.gt_score for sample in data_samples])
    return torch.cat([sample.gt_label for sample in data_samples])
