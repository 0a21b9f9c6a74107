"""BackboneModel: a backbone without neck and head as a model of mmpretrain. N images, D channels."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmpretrain.models import ImageClassifier
from torch import Tensor

from mmkd_ext.models.outputs.features import features_of, with_features
from mmkd_ext.registry import MODELS


@MODELS.register_module()
class BackboneModel(ImageClassifier):
    """What `FeatureDistiller` trains and deploys: a backbone whose predictions are embeddings.

    Its checkpoints have the keys `backbone.*`, which a classifier or detector with the same backbone takes by
    `init_cfg=dict(type='Pretrained', checkpoint=FILE, prefix='backbone.')`. `mode='tensor'` gives what the backbone returns,
    `mode='predict'` samples with an `embedding` (see `features_of`), which `KNNAccuracy` and `ProbeAccuracy` take.

    Args:
        backbone: Config of a backbone of mmpretrain, or with its prefix of mmdet or of ours.
        data_preprocessor: As for `ImageClassifier`.
        init_cfg: For mmengine.

    Example:
        >>> import torch
        >>> model = MODELS.build(dict(type='mmkd_ext.BackboneModel', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8)))
        >>> images = torch.zeros(2, 3, 32, 32)
        >>> model(images)[-1].shape, model(images, mode='predict')[0].embedding.shape
        (torch.Size([2, 64, 8, 8]), torch.Size([64]))
    """

    def __init__(
        self, backbone: Mapping[str, Any], data_preprocessor: Mapping[str, Any] | None = None, init_cfg: dict | None = None
    ) -> None:
        super().__init__(backbone=backbone, data_preprocessor=data_preprocessor, init_cfg=init_cfg)

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """There is none: `FeatureDistiller` adds those that compare it with a teacher."""
        raise NotImplementedError('A BackboneModel has no loss of its own: train it as the student of an mmkd_ext.FeatureDistiller.')

    def predict(self, inputs: Tensor, data_samples: Sequence[Any] | None = None, **kwargs: Any) -> list[Any]:
        """The samples with their embeddings."""
        return with_features(features_of(self, inputs), data_samples)
