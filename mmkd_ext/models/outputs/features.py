"""What a network says of images without a classifier: its pooled token and its last map. N samples, D channels, H x W cells, L tokens."""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModel, BaseModule
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from .feature_maps import as_map, tensors_in
from .outputs import Outputs
from .recording import recording


def features_of(network: Any, images: Tensor) -> Outputs:
    """Embedding (N, D) and, where there is one, the last map (N, C, H, W) of a network, with or without a classifier behind them.

    Of mmpretrain's and mmdet's models what their backbone returns last; of timm's what `forward_features` returns, pooled as timm pools it
    before its classifier; of others (torchvision's) what enters their last linear layer. Tokens are folded into a map: class and register
    tokens are left out, by timm's `num_prefix_tokens` and mmpretrain's `num_extra_tokens`. A backbone's map is averaged over its places,
    and of its tokens the class token is taken, or without one the mean.

    Args:
        network: Of mmpretrain, mmdet, timm or torchvision; or a model of mmpretrain around one of timm's or torchvision's.
        images: (N, C, H, W), as the network takes them.

    Returns:
        `Outputs` with one stage or none, and logits (N, 0).
    """
    inner = getattr(network, 'model', None)
    inner = inner if isinstance(inner, nn.Module) else network
    if isinstance(getattr(network, 'backbone', None), nn.Module):
        return _of_backbone(network.backbone, images)
    if isinstance(network, BaseModule) and not isinstance(network, BaseModel):  # a backbone of mmpretrain or mmdet itself
        return _of_backbone(network, images)
    if hasattr(inner, 'forward_features') and hasattr(inner, 'forward_head'):
        return _of_timm(inner, images)
    with recording(network) as record:
        network(images)
    return _outputs(record.outputs().embedding, record.outputs().stages[-1:])


def with_features(said: Outputs, samples: Sequence[Any] | None) -> list[Any]:
    """The samples, or new ones, each with its `embedding` (D,) in float32, as `KNNAccuracy` and `ProbeAccuracy` take them."""
    given = list(samples or (DataSample() for _ in said.embedding))
    for sample, embedding in zip(given, said.embedding.float(), strict=True):
        sample.set_field(embedding, 'embedding', dtype=None)
    return given


def _of_backbone(backbone: Any, images: Tensor) -> Outputs:
    *others, last = tensors_in(backbone(images))
    # the others get a gradient of zero, or DDP would wait for that of their norms
    last = last + sum((0.0 * x.mean() for x in others), 0.0) if others and last.requires_grad else last
    if last.ndim not in (3, 4):
        return _outputs(last, ())
    inner = getattr(backbone, 'timm_model', backbone)
    prefix = getattr(inner, 'num_prefix_tokens', getattr(inner, 'num_extra_tokens', None)) or 0
    found = _map(last, images, prefix)
    if last.ndim == 4:
        return _outputs((found[0] if found else last).mean(dim=(2, 3)), found)
    return _outputs(last[:, 0] if prefix else last.mean(dim=1), found)


def _of_timm(network: Any, images: Tensor) -> Outputs:
    seen = network.forward_features(images)
    pooled = next(tensors_in(network.forward_head(seen, pre_logits=True)))
    last = next(tensors_in(seen))
    if hasattr(network, 'reroll'):  # Hiera keeps its tokens in the order of its windows
        last = network.reroll(last, len(network.blocks) - 1)
    pooled = pooled.mean(dim=(2, 3)) if pooled.ndim == 4 else pooled
    return _outputs(pooled, _map(last, images, getattr(network, 'num_prefix_tokens', None) or 0))


def _map(x: Tensor, images: Tensor, prefix: int) -> tuple[Tensor, ...]:
    """The map of tokens that lie in a grid, or of a map; none of vectors and other tokens."""
    # tokens are cut here, where it is known how many go before those of the image
    found = as_map(x[:, prefix:] if x.ndim == 3 else x, images.shape, None, 0)
    return () if found is None else (found,)


def _outputs(embedding: Tensor, stages: Sequence[Tensor]) -> Outputs:
    return Outputs(tuple(stages), embedding, embedding.new_zeros(len(embedding), 0))
