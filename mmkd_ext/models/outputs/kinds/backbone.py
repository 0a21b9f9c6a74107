"""Backbones without a head as a kind of network: embedding and last map, no classes and no labels. N images."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmkd_ext.config.named_types import type_name
from mmkd_ext.models.images.image_shape import Size
from mmkd_ext.models.outputs.feature_maps import tensors_in
from mmkd_ext.models.outputs.features import features_of, with_features
from mmkd_ext.models.outputs.outputs import Outputs

from .base import Kind, Pass

_MODEL = 'BackboneModel'
_MAPS = (
    "Vectors, as some of mmpretrain's backbones return them, become maps by options of the backbone: out_type='featmap' or 'raw' "
    '(transformers), gap_before_final_norm=False (ConvNeXt)')


class Backbone(Kind):
    """A backbone that trains without labels: its samples are the images, and it has no loss of its own.

    A teacher that is read as one may be any network: a classifier's head is passed over.
    """

    watches_order = False  # without labels nobody can tell which order is right
    no_onnx = 'it has no head'
    has_classes = False
    called = 'a backbone without a head'

    @staticmethod
    def is_config(cfg: Mapping[str, Any]) -> bool:
        """A `BackboneModel`."""
        return type_name(cfg.get('type')) == _MODEL

    @staticmethod
    def is_network(network: nn.Module) -> bool:
        """A `BackboneModel`."""
        return any(base.__name__ == _MODEL for base in type(network).__mro__)

    def input_shape(self, cfg: Mapping[str, Any], size: Size | None) -> tuple[int, int, int]:
        """As `Kind`; where nobody tells the size, that which a transformer of timm was built for."""
        built = getattr(getattr(getattr(self.network.backbone, 'timm_model', None), 'patch_embed', None), 'img_size', None)
        return super().input_shape(cfg, size or (tuple(built) if built else None))

    def train(self, inputs: Tensor, samples: Sequence[Any], preprocessor: Any) -> Pass:
        """As `Kind`; there are no terms, and a target (N, 0) of no classes."""
        outputs = self.look(inputs)
        return Pass({}, outputs, outputs.logits.detach(), outputs.logits.detach(), None, outputs)

    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, keep: bool = True) -> Outputs:
        """Its features of the images, see `features_of`."""
        return features_of(self.network, inputs)

    def answer(self, features: Outputs, places: Any) -> Outputs:
        """The same: every image is a sample."""
        return features

    def example(self, shape: tuple[int, int, int]) -> tuple[Tensor, Any]:
        """Two images."""
        return torch.zeros(2, *shape), None

    @classmethod
    def check_loss(cls, name: str, loss: Any, size: tuple[int, int], student: Outputs, teacher: Outputs) -> None:
        """Whether a loss compares features, and both networks have them.

        Raises:
            ValueError: It reads logits or class means, or maps of a network that has none.
        """
        who = f'losses.{name} ({type(loss).__name__})'
        if loss.needs_class_means:
            raise ValueError(
                f'{who} follows the means of classes and needs labels, which a student without a head has not: give it a head and train it '
                'by OfflineDistiller, or take a loss of features such as EmbeddingLoss.')
        if loss.reads('logits'):
            raise ValueError(
                f'{who} compares logits, which a student without a head has not: give it a head and train it by OfflineDistiller, or take '
                'a loss of features such as EmbeddingLoss, MapLoss or PKDLoss.')
        for whose, said in (('student', student), ('teacher', teacher)):
            if loss.reads('stages') and not said.stages:
                raise ValueError(
                    f'{who} compares maps (N, C, H, W), got only vectors {tuple(said.embedding.shape)} of the {whose} at {size[0]} x '
                    f'{size[1]} pixels. {_MAPS}; EmbeddingLoss takes vectors. Look at model.{whose}.')
            if loss.reads('stages') and said.stages[-1].shape[2:].numel() == 1:
                raise ValueError(
                    f'{who} compares maps place by place, got a map of one place of the {whose} at {size[0]} x {size[1]} pixels. Give it '
                    'larger images or a backbone of fewer strides, or take EmbeddingLoss.')

    def predict(self, teacher: Any, inputs: Tensor, samples: list[Any]) -> list[Any]:
        """The samples with its embeddings."""
        return with_features(teacher(inputs), samples)

    def raw(self, images: Tensor, samples: Sequence[Any] | None) -> Tensor:
        """Embeddings (N, D)."""
        return self.look(images).embedding

    @classmethod
    @torch.no_grad()
    def raw_predictions(cls, model: nn.Module, images: Tensor) -> Tensor:
        """All that the backbone returns, (N, X)."""
        return torch.cat([x.flatten(1) for x in tensors_in(model(images, mode='tensor'))], dim=1)

    def example_samples(self, images: Tensor, classes: int) -> Tensor:
        """None (N, 0): there are no labels."""
        return torch.zeros(len(images), 0)
