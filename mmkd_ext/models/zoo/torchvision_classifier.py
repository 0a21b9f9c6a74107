"""torchvision's classifiers as models of mmpretrain, with the facts about their weights. N samples, K classes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmpretrain.models import BaseClassifier, TimmClassifier
from torch import Tensor, nn

from mmkd_ext.registry import MODELS

_IMAGENET = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}
# torchvision's published DenseNets have names that torch no longer allows
_OLD_DENSENET = re.compile(r'(\.denselayer\d+\.(?:norm|conv))\.([12]\.)')
# of the papers: the losses of the classifiers inside
_AUXILIARY = {'inception_v3': 0.4, 'googlenet': 0.3}


@MODELS.register_module()
class TorchvisionClassifier(TimmClassifier):
    """A network of torchvision, as mmpretrain's `TimmClassifier` is one of timm; its checkpoints are torchvision's own and load there.

    GoogLeNet's and Inception-v3's classifiers inside are trained too, by the weights of their papers.

    Args:
        model_name: Such as 'resnet18', see `torchvision.models.list_models`.
        num_classes: K; None: torchvision's 1000.
        pre_activation: Whether the stages that losses read are those before their last ReLU (ResNets).
        loss: Of classification.
        train_cfg: As for `TimmClassifier`.
        data_preprocessor: As there.
        init_cfg: `dict(type='Pretrained', checkpoint=ADDRESS)` starts from weights; a head of another number of classes stays as it is.
        **options: Of torchvision's builder, such as `dropout`.

    Raises:
        ValueError: A model that torchvision does not know, or `pre_activation` of one that is no ResNet.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import TorchvisionClassifier
        >>> model = TorchvisionClassifier('resnet18', num_classes=10)
        >>> tuple(model(torch.zeros(2, 3, 32, 32)).shape)
        (2, 10)
    """

    def __init__(
        self,
        model_name: str,
        num_classes: int | None = None,
        pre_activation: bool = False,
        loss: Any = None,
        train_cfg: Mapping[str, Any] | None = None,
        data_preprocessor: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
        **options: Any,
    ) -> None:
        prepared = {'type': 'mmpretrain.ClsDataPreprocessor', **(data_preprocessor or {})}
        if train_cfg is not None and 'augments' in train_cfg:
            prepared['batch_augments'] = train_cfg
        BaseClassifier.__init__(self, init_cfg=init_cfg, data_preprocessor=prepared)
        self.model = torchvision_network(model_name, num_classes, pre_activation, options)
        loss = {'type': 'mmpretrain.CrossEntropyLoss'} if loss is None else loss
        self.loss_module = loss if isinstance(loss, nn.Module) else MODELS.build(loss)
        self._auxiliary = _AUXILIARY.get(model_name, 0.0)
        self._register_state_dict_hook(_torchvisions_keys)
        self._register_load_state_dict_pre_hook(_present_names)
        self._register_load_state_dict_pre_hook(self._add_state_dict_prefix)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """There is no such thing: torchvision's networks have no common place before the classifier."""
        raise NotImplementedError(f"Features of torchvision's {type(self.model).__name__} are read by `recording` only.")

    def loss(self, inputs: Tensor, data_samples: Sequence[Any], **kwargs: Any) -> dict[str, Tensor]:
        """Return `loss`, and `loss_auxiliary<i>` of classifiers inside, which run in train mode only."""
        said = self.model(inputs)
        logits, *inside = said if isinstance(said, tuple) else (said,)
        terms = self._get_loss(logits, data_samples, **kwargs)
        for i, each in enumerate(each for each in inside if each is not None):
            terms[f'loss_auxiliary{i}'] = self._auxiliary * self._get_loss(each, data_samples, **kwargs)['loss']
        return terms


def torchvision_network(name: str, num_classes: int | None, pre_activation: bool, options: Mapping[str, Any]) -> nn.Module:
    """The network with random weights.

    Raises:
        ValueError: See `TorchvisionClassifier`.
    """
    import torchvision.models

    kwargs: dict[str, Any] = {**options, **({} if num_classes is None else {'num_classes': num_classes})}
    if name in _AUXILIARY:
        kwargs['init_weights'] = False  # they warn without, and mmengine initialises what trains
    try:
        network = torchvision.models.get_model(name, weights=None, **kwargs)
    except ValueError as error:
        raise ValueError(f'A network that torchvision knows is needed, got torchvision/{name}: {error}.') from error
    if pre_activation:
        _keep_pre_activations(network, name)
    return network


def torchvision_weights(name: str, role: str = 'network') -> tuple[str, dict[str, Any]]:
    """Address of a network's first ImageNet weights, and the normalisation of their images.

    Raises:
        ValueError: A network that torchvision does not know.
    """
    import torchvision.models

    try:
        first = next(iter(torchvision.models.get_model_weights(name)))
    except ValueError as error:
        raise ValueError(f'A {role} that torchvision knows is needed, got torchvision/{name}: {error}.') from error
    own = first.transforms.keywords  # in 0..1, and only where it is not ImageNet's (EfficientNetV2-L)
    return first.url, {**_IMAGENET, **{key: [255 * x for x in own[key]] for key in ('mean', 'std') if key in own}}


def present_name(key: str) -> str:
    """Of a published entry, as the network calls it."""
    return _OLD_DENSENET.sub(r'\1\2', key)


def _torchvisions_keys(_: nn.Module, state_dict: dict[str, Any], prefix: str, __: Any) -> None:
    """In place, which keeps the layers' versions that some layers insist on."""
    for key in [key for key in state_dict if key.startswith(f'{prefix}model.')]:
        state_dict[prefix + key.removeprefix(f'{prefix}model.')] = state_dict.pop(key)


def _present_names(state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    for key in [key for key in state_dict if key.startswith(prefix) and present_name(key) != key]:
        state_dict[present_name(key)] = state_dict.pop(key)


def _keep_pre_activations(module: nn.Module, name: str) -> None:
    """Let `recording` read a torchvision ResNet's stages before their last ReLU."""
    from torchvision.models import ResNet

    if not isinstance(module, ResNet):
        raise ValueError(f"pre_activation=True needs one of torchvision's ResNets, got torchvision/{name}.")
    module.pre_activation = True  # type: ignore[assignment]
    for stage in (module.layer1, module.layer2, module.layer3, module.layer4):
        stage[-1].relu.inplace = False  # or the map would be overwritten
