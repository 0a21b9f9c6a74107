"""Reading a classifier's `Outputs` while it runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

from .forward_hooks import watch_mmpretrain, watch_plain, watch_timm
from .outputs import Recording
from .scores import scores_of


@contextmanager
def recording(model: nn.Module) -> Iterator[Recording]:
    """Watch one forward pass of a classifier, in whatever mode it runs, its own loss included.

    Nothing stays on the model: neither hooks nor attributes, so copies, pickles and state dicts know nothing of it.
    Stages are what each package calls so: the maps that mmpretrain's backbone returns (its `out_indices`), the entries of
    timm's `feature_info`, torchvision's `layer1` to `layer4`. Where it returns vectors (transformers with a class
    token, ConvNeXt, VGG, Inception-v3) they are the last map of each resolution, tokens laid out as the image.

    Args:
        model: mmpretrain's classifiers with `backbone` and `head`, `TimmClassifier`, `HuggingFaceClassifier`, a bare timm
            model, or any network from images to logits whose last `nn.Linear` is its classifier (torchvision's).

    Returns:
        A context; its `Recording` has the `Outputs` after the pass.

    Raises:
        ValueError: No place to read the embedding from.

    Example:
        >>> import torch, torchvision
        >>> network = torchvision.models.resnet18(weights=None)
        >>> with recording(network) as record:
        ...     logits = network(torch.zeros(2, 3, 64, 64))
        >>> outputs = record.outputs()
        >>> len(outputs.stages), outputs.embedding.shape, torch.equal(outputs.logits, logits)
        (4, torch.Size([2, 512]), True)
    """
    record = Recording(type(model).__name__, scores_of(model))
    inner = getattr(model, 'model', None)
    network: Any = inner if isinstance(inner, nn.Module) else model
    with ExitStack() as stack:
        if isinstance(getattr(model, 'backbone', None), nn.Module):
            watch_mmpretrain(model, record, stack)
        elif hasattr(network, 'get_classifier'):
            watch_timm(network, record, stack)
        else:
            watch_plain(network, record, stack)
        yield record
