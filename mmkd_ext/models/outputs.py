"""What a network says about a batch, read while it runs. N samples, K classes, D embedding width."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Outputs(NamedTuple):
    """What a network says about a batch; a loss compares the student's with the teacher's.

    Attributes:
        stages: Maps (N, C_i, H_i, W_i), shallow first; empty where a network has none.
        embedding: (N, D), what enters the classifier.
        logits: (N, K), raw.
        token_logits: (N, K), what a distillation token alone says (DeiT); None for the others.

    In two-stage detection N counts RoIs for `embedding` (the box head's) and `logits`, and images for `stages` (the
    FPN's maps).
    """

    stages: tuple[Tensor, ...]
    embedding: Tensor
    logits: Tensor
    token_logits: Tensor | None = None


class Recording:
    """What was seen of one forward pass; `outputs()` once it has ended."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stages: list[Tensor] = []
        self.embeddings: list[Tensor] = []
        self.logits: list[Tensor] = []
        self.token_logits: list[Tensor] = []

    def outputs(self) -> Outputs:
        """The pass as `Outputs`.

        Raises:
            RuntimeError: Not exactly one forward pass was seen.
            ValueError: The network's embedding or logits are not (N, D) and (N, K).
        """
        if len(self.logits) != 1:
            raise RuntimeError(
                f'Exactly one forward pass of {self.name} is needed inside `recording`, got {len(self.logits)}.'
            )
        (logits,) = self.logits
        if not self.embeddings or any(x.ndim != 2 for x in (*self.embeddings, logits)):
            raise ValueError(
                f'{self.name} needs an embedding (N, D) and logits (N, K), got '
                f'{[tuple(x.shape) for x in self.embeddings]} and {tuple(logits.shape)}. '
                'Is it a classifier, with a linear layer before its logits?'
            )
        token = self.token_logits[0] if self.token_logits else None
        return Outputs(tuple(self.stages), _joined(self.embeddings), logits, token)

    def forget(self) -> None:
        """Make ready for another pass."""
        for seen in (self.stages, self.embeddings, self.logits):
            seen.clear()


def _joined(embeddings: Sequence[Tensor]) -> Tensor:
    """One embedding: the mean of tokens of one width (DeiT), side by side where the widths differ (Conformer)."""
    if len({x.shape for x in embeddings}) > 1:
        return torch.cat(list(embeddings), dim=1)
    return embeddings[0] if len(embeddings) == 1 else torch.stack(list(embeddings)).mean(dim=0)


@contextmanager
def recording(model: nn.Module) -> Iterator[Recording]:
    """Watch one forward pass of a classifier, in whatever mode it runs, its own loss included.

    Nothing stays on the model: neither hooks nor attributes, so copies, pickles and state dicts know nothing of it.

    Args:
        model: mmpretrain's classifiers with `backbone` and `head`, `TimmClassifier`, a bare timm model, or any network
            from images to logits whose last `nn.Linear` is its classifier (torchvision's).

    Returns:
        A context; its `Recording` has the `Outputs` after the pass.

    Raises:
        ValueError: No place to read the embedding from.
    """
    inner = getattr(model, 'model', None)
    record = Recording(type(model).__name__)
    with ExitStack() as stack:
        if isinstance(getattr(model, 'backbone', None), nn.Module) and isinstance(
            getattr(model, 'head', None), nn.Module
        ):
            _watch_mmpretrain(model, record, stack)
        elif hasattr(inner, 'get_classifier') or hasattr(model, 'get_classifier'):
            _watch_timm(inner if isinstance(inner, nn.Module) else model, record, stack)
        else:
            _watch_plain(model, record, stack)
        yield record


def _watch_mmpretrain(model: Any, record: Recording, stack: ExitStack) -> None:
    backbone, head = model.backbone, model.head
    _after(backbone, lambda out: record.stages.extend(_maps(out)), stack)
    # Conformer predicts with the sum of its two classifiers' logits
    _after(head, lambda out: record.logits.append(_sum(out)), stack)
    token_head = getattr(getattr(head, 'layers', None), 'head_dist', None)
    if token_head is not None:
        _after(token_head, record.token_logits.append, stack)
    if any(True for _ in head.parameters()) and hasattr(head, 'pre_logits'):
        stack.enter_context(_shadowed(head, 'pre_logits', lambda out: record.embeddings.extend(_vectors(out))))
    else:  # VGG: the classifier is in the backbone, the head only has the loss
        _before(_last_linear(backbone, record.name), record, stack)


def _watch_timm(network: Any, record: Recording, stack: ExitStack) -> None:
    _after(network, lambda out: record.logits.append(_mean(out)), stack)
    classifier = network.get_classifier()
    parts = list(classifier) if isinstance(classifier, tuple | list | nn.ModuleList) else [classifier]
    for part in parts:
        if not isinstance(part, nn.Module) or isinstance(part, nn.Identity):
            raise ValueError(
                f'{type(network).__name__} needs a classifier to read the embedding from, got '
                f'{type(part).__name__}. Was it built with num_classes=0?'
            )
        _before(_classifier(part), record, stack)
    extra = getattr(network, 'num_prefix_tokens', None)
    for info in _feature_info(network):
        stage = _submodule(network, str(info.get('module', '')))
        if stage is not None:
            width = info.get('num_chs')
            read = partial(_maps, width=width, prefix_tokens=extra)
            _after(stage, lambda out, read=read: record.stages.extend(read(out)), stack)  # type: ignore[misc]


def _watch_plain(network: nn.Module, record: Recording, stack: ExitStack) -> None:
    _after(network, lambda out: record.logits.append(_mean(out)), stack)
    _before(_last_linear(network, record.name), record, stack)
    for name, child in network.named_children():
        # torchvision's names: layer1..4 (ResNets), features (most others)
        if name == 'features' or name.rstrip('0123456789') in ('layer', 'stage'):
            if getattr(network, 'pre_activation', False):
                _watch_last_relu(child, record, stack)
            else:
                _after(child, lambda out: record.stages.extend(_maps(out)), stack)


def _watch_last_relu(stage: Any, record: Recording, stack: ExitStack) -> None:
    """The stage before its last ReLU; a block calls its only ReLU several times, so the last of the inputs is meant."""
    last: dict[str, Tensor] = {}
    stack.callback(stage[-1].relu.register_forward_pre_hook(lambda _, args: last.update(map=args[0])).remove)
    _after(stage, lambda _: record.stages.append(last.pop('map')), stack)


def _after(module: nn.Module, read: Callable[[Any], Any], stack: ExitStack) -> None:
    def hook(_: nn.Module, __: tuple, out: Any) -> None:
        read(out)  # and return nothing: a hook that does changes the pass

    stack.callback(module.register_forward_hook(hook).remove)


def _before(module: nn.Module, record: Recording, stack: ExitStack) -> None:
    def read(_: nn.Module, args: tuple) -> None:
        record.embeddings.extend(_vectors(args[0]))

    stack.callback(module.register_forward_pre_hook(read).remove)


@contextmanager
def _shadowed(module: nn.Module, method: str, read: Callable[[Any], Any]) -> Iterator[None]:
    """Read what a method returns, by an attribute of the instance that hides it for a while."""
    original, had = getattr(module, method), module.__dict__.get(method)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        out = original(*args, **kwargs)
        read(out)
        return out

    setattr(module, method, wrapped)
    try:
        yield
    finally:
        delattr(module, method)
        if had is not None:
            setattr(module, method, had)


def _classifier(part: nn.Module) -> nn.Module:
    """The layer that maps the embedding; a head that pools first has it inside."""
    inside = [module for module in part.modules() if isinstance(module, nn.Linear)]
    return inside[-1] if inside and not isinstance(part, nn.Conv2d) else part


def _last_linear(network: nn.Module, name: str) -> nn.Module:
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f'{name} needs an nn.Linear before its logits to read the embedding from, got none.')
    return linear[-1]


def _feature_info(network: Any) -> list[dict]:
    info = getattr(network, 'feature_info', None) or []
    return list(getattr(info, 'info', info))


def _submodule(network: nn.Module, path: str) -> nn.Module | None:
    try:
        return network.get_submodule(path) if path else None
    except AttributeError:  # named after an activation that the plain model has inside a block
        return None


def _sum(out: Any) -> Tensor:
    return torch.stack(list(out)).sum(dim=0) if isinstance(out, tuple | list) else out


def _mean(out: Any) -> Tensor:
    """Logits; several classifiers' are averaged, as timm's models do in eval mode."""
    return torch.stack(list(out)).mean(dim=0) if isinstance(out, tuple | list) else out


def _vectors(out: Any) -> list[Tensor]:
    """Embeddings (N, D) of whatever a classifier takes; maps of one place are flattened."""
    tensors = out if isinstance(out, tuple | list) else [out]
    return [x.flatten(1) if x.ndim == 4 and x.shape[2:] == (1, 1) else x for x in tensors if isinstance(x, Tensor)]


def _maps(out: Any, width: int | None = None, prefix_tokens: int | None = None) -> list[Tensor]:
    """Maps (N, C, H, W) of what a stage returned; vectors have none."""
    tensors = out if isinstance(out, tuple | list) else [out]
    maps = [_map(x, width, prefix_tokens) for x in tensors if isinstance(x, Tensor)]
    return [x for x in maps if x is not None]


def _map(x: Tensor, width: int | None, prefix_tokens: int | None) -> Tensor | None:
    if x.ndim == 4:
        channels_last = width is not None and x.shape[1] != width and x.shape[3] == width
        return x.permute(0, 3, 1, 2) if channels_last else x
    if x.ndim != 3:
        return None
    for extra in (0, 1, 2) if prefix_tokens is None else (prefix_tokens,):
        side = math.isqrt(max(x.shape[1] - extra, 0))
        if side > 0 and side * side == x.shape[1] - extra:
            return x[:, extra:].transpose(1, 2).reshape(len(x), -1, side, side)
    return None
