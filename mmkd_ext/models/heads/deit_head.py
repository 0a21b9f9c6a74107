"""Head of a DeiT with a distillation token: two classifiers, deployed as their mean. N samples, K classes."""

from collections.abc import Sequence
from typing import Any

from mmpretrain.models.heads import DeiTClsHead
from torch import Tensor

from mmkd_ext.registry import MODELS


@MODELS.register_module()
class DeiTHead(DeiTClsHead):
    """mmpretrain's head of a DeiT with a distillation token, which mmpretrain itself cannot train.

    In train mode it returns the class token's logits, so that the labels teach that classifier alone; the distillation
    token's is run too and is read by `recording` as `token_logits`, for `HardKDLoss`. In eval mode it is mmpretrain's.

    Args:
        **kwargs: As `DeiTClsHead`.

    Shapes:
        feats: What `DistilledVisionTransformer` gives; the last stage's class and distillation tokens (N, D) are read.
        returns: (N, K) logits.

    Example:
        >>> import torch
        >>> head = DeiTHead(num_classes=10, in_channels=16)
        >>> class_token, distillation_token = torch.randn(2, 16), torch.randn(2, 16)
        >>> head([(class_token, distillation_token)]).shape
        torch.Size([2, 10])
    """

    @classmethod
    def plain_cfg(cls, cfg: dict) -> dict:
        """The head of mmpretrain, which has the same keys and predicts the same in eval mode."""
        return {**cfg, 'type': 'DeiTClsHead'}

    def forward(self, feats: Sequence[Any]) -> Tensor:
        """Return logits (N, K)."""
        class_token, distillation_token = self.pre_logits(feats)
        says, token_says = self.layers.head(class_token), self.layers.head_dist(distillation_token)
        return says if self.training else (says + token_says) / 2
