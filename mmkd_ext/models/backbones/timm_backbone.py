"""TimmBackbone: mmpretrain's TIMMBackbone with parts that do not learn. N images, C channels."""

from collections.abc import Sequence
from typing import Any

from mmpretrain.models import TIMMBackbone
from torch import nn

from mmkd_ext.registry import MODELS


@MODELS.register_module()
class TimmBackbone(TIMMBackbone):
    """A network of timm as a backbone, some parts of which stay as they are: no gradients, and the statistics of their norms fixed.

    What is frozen costs a forward pass alone where it stands in front, as the stem of a detector's backbone usually does.

    Args:
        *args: Of mmpretrain's `TIMMBackbone`.
        frozen: Names of modules of timm's network, such as 'conv_stem' or 'blocks.0'.
        **kwargs: Likewise.

    Raises:
        ValueError: A name that the network has no module of.

    Example:
        >>> import torch
        >>> backbone = MODELS.build(dict(
        ...     type='mmkd_ext.TimmBackbone', model_name='tf_efficientnet_lite0', features_only=True, feature_cls='getter',
        ...     out_indices=(2, 3), frozen=('conv_stem', 'bn1', 'blocks.0')))
        >>> [x.shape for x in backbone(torch.zeros(1, 3, 64, 64))]
        [torch.Size([1, 40, 8, 8]), torch.Size([1, 112, 4, 4])]
        >>> backbone.train().timm_model.model.bn1.training
        False
    """

    def __init__(self, *args: Any, frozen: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        network: Any = self.timm_model
        network = network.model if hasattr(network, 'model') else network  # timm's wrapper of features_only
        modules = {name: module for name, module in network.named_modules() if name}
        unknown = [name for name in frozen if name not in modules]
        if unknown:
            first = ', '.join(name for name in modules if name.count('.') < 2)
            raise ValueError(f"Names of the network's modules are needed as frozen, got {unknown[0]!r}; there are {first[:300]}.")
        self._frozen: list[nn.Module] = [modules[name] for name in frozen]  # a list: they are registered where they stand
        for module in self._frozen:
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> 'TimmBackbone':
        """As mmpretrain's, but the frozen parts stay in eval mode."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self
