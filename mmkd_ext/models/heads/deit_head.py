"""DeiT's two classifiers, trained apart and deployed as their mean. N samples, K classes."""

from collections.abc import Sequence
from typing import Any

from mmpretrain.models.heads import DeiTClsHead
from torch import Tensor

from mmkd_ext.registry import MODELS


@MODELS.register_module()
class DeiTHead(DeiTClsHead):
    """The host's head of a DeiT with a distillation token, which the host itself cannot train.

    In train mode it returns what the class token says, so that the labels teach that classifier alone; the distillation
    token's is run too and is read by `recording` as `token_logits`, for `HardKDLoss`. In eval mode it is the host's.

    Args:
        **kwargs: As `DeiTClsHead`.

    Shapes:
        feats: What `DistilledVisionTransformer` gives; the last stage's class and distillation tokens (N, D) are read.
        returns: (N, K) logits.
    """

    @classmethod
    def plain_cfg(cls, cfg: dict) -> dict:
        """The host's head, which has the same keys and says the same in eval mode."""
        return {**cfg, 'type': 'DeiTClsHead'}

    def forward(self, feats: Sequence[Any]) -> Tensor:
        """Return logits (N, K)."""
        class_token, distillation_token = self.pre_logits(feats)
        says, token_says = self.layers.head(class_token), self.layers.head_dist(distillation_token)
        return says if self.training else (says + token_says) / 2
