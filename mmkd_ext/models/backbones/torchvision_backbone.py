"""TorchvisionBackbone: torchvision's classifiers up to their last map. N images, C channels."""

from typing import Any

import torchvision.models
from mmengine.model import BaseModule
from torch import Tensor

from mmkd_ext.registry import MODELS

# where the last map leaves a network, the first of these that it has (Swin's `permute` goes behind its norm)
_LAST = ('layer4', 'trunk_output', 'permute', 'features', 'layers', 'conv5')


@MODELS.register_module()
class TorchvisionBackbone(BaseModule):
    """A convolutional network of torchvision, or a Swin, without pooling and classifier; its keys are torchvision's.

    So a ResNet's weights fit mmpretrain's and mmdet's `ResNet` of that depth too (of 50 layers and more with `style='pytorch'`).

    Args:
        model_name: Such as 'resnet18', see `torchvision.models.list_models`.
        init_cfg: For mmengine; `dict(type='Pretrained', checkpoint=...)` takes torchvision's own files.
        **options: Of torchvision's builder.

    Raises:
        ValueError: A model that torchvision does not know, or that cannot be cut behind its last map (ViT, MaxViT, Inception).

    Example:
        >>> import torch
        >>> backbone = MODELS.build(dict(type='mmkd_ext.TorchvisionBackbone', model_name='resnet18'))
        >>> [x.shape for x in backbone(torch.zeros(2, 3, 64, 64))], next(iter(backbone.state_dict()))
        ([torch.Size([2, 512, 2, 2])], 'conv1.weight')
    """

    def __init__(self, model_name: str, init_cfg: Any = None, **options: Any) -> None:
        super().__init__(init_cfg)
        try:
            network = torchvision.models.get_model(model_name, weights=None, **options)
        except ValueError as error:
            raise ValueError(f'A network that torchvision knows is needed, got torchvision/{model_name}: {error}.') from error
        children = dict(network.named_children())
        last = next((name for name in _LAST if name in children), None)
        if last is None:
            raise ValueError(
                f'A network of torchvision that is a chain up to its last map is needed as a backbone, got torchvision/{model_name}. timm '
                'and mmpretrain have such networks: timm/NAME, or a backbone of mmpretrain.')
        self._order = list(children)[: list(children).index(last) + 1]
        for name in self._order:
            self.add_module(name, children[name])

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Return the last map (N, C, H, W), as mmpretrain's backbones do."""
        for name in self._order:
            x = self.get_submodule(name)(x)
        return (x,)
