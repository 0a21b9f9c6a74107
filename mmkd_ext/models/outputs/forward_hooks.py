"""Forward hooks that read the outputs of networks of mmpretrain, timm and others; recording.py uses them."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from .feature_maps import tensors_in
from .outputs import Recording


@torch.compiler.disable  # the hooks of each pass are new functions
def watch_mmpretrain(model: Any, record: Recording, stack: ExitStack) -> None:
    """An mmpretrain classifier with `backbone` and `head`."""
    backbone, head = model.backbone, getattr(model, 'head', None)
    if not isinstance(head, nn.Module):
        raise ValueError(
            f'{record.name} needs a head to read embedding and logits from, got a {type(backbone).__name__} without one. '
            'Is its config that of a backbone to fine-tune? Give it a head, and weights that have one.'
        )
    tasks: Any = getattr(head, 'task_heads', None)
    if tasks is not None:
        raise ValueError(
            f'{record.name} needs one head with logits (N, K) to be compared or joined with other networks, got {type(head).__name__} with '
            f'the tasks {", ".join(tasks)}. Give it the head of one task, such as LinearClsHead.')
    _note_images(backbone, record, stack)
    _watch_inside(backbone, record, stack, getattr(backbone, 'num_extra_tokens', None))
    _after(backbone, lambda out: _returned(record, out), stack)
    cosine = getattr(head, 'norm_product', None)
    if isinstance(cosine, nn.Module):  # ArcFace: the margin of the training loss is no part of what it predicts
        _after(cosine, lambda out: record.logits.append(head.scale * out), stack)
    else:  # Conformer predicts with the sum of its two classifiers' logits
        _after(head, lambda out: record.logits.append(_sum(out)), stack)
    token_head = getattr(getattr(head, 'layers', None), 'head_dist', None)
    if token_head is not None:
        _after(token_head, lambda out: record.token_logits.append(out), stack)
    if any(True for _ in head.parameters()) and hasattr(head, 'pre_logits'):
        stack.enter_context(shadowed(head, 'pre_logits', lambda out: record.embeddings.extend(tensors_in(out))))
    else:  # VGG, Inception-v3: the classifier is in the backbone, the head only has the loss
        _before(_last_linear(backbone, record.name), record, stack)


@torch.compiler.disable  # the hooks of each pass are new functions
def watch_timm(network: Any, record: Recording, stack: ExitStack) -> None:
    """A timm model."""
    classifier = network.get_classifier()
    parts = list(classifier) if isinstance(classifier, tuple | list | nn.ModuleList) else [classifier]
    for part in parts:
        if not isinstance(part, nn.Module) or isinstance(part, nn.Identity):
            raise ValueError(
                f'{type(network).__name__} needs a classifier to read the embedding from, got '
                f'{type(part).__name__}. Was it built with num_classes=0?'
            )
    _note_images(network, record, stack)
    _after(network, lambda out: record.logits.append(_mean(out)), stack)
    for part in parts:
        _before(_classifier(part), record, stack)
    prefix = getattr(network, 'num_prefix_tokens', None)
    stages = [(_called(owner, str(info.get('module', ''))), info) for owner, info in _feature_info(network)]
    for stage, info in stages:
        if stage is not None:
            read = partial(_see_first, network, str(info['module']), record, info.get('num_chs'), prefix)
            _after(stage, read, stack)
    if not stages or any(stage is None for stage, _ in stages):
        _watch_inside(network, record, stack, prefix)


@torch.compiler.disable  # the hooks of each pass are new functions
def watch_plain(network: nn.Module, record: Recording, stack: ExitStack) -> None:
    """Any network from images to logits: torchvision's and transformers'."""
    classifier = _last_linear(network, record.name)
    _note_images(network, record, stack)
    _after(network, lambda out: record.logits.append(_mean(getattr(out, 'logits', out))), stack)
    _before(classifier, record, stack)
    named = [x for name, x in network.named_children() if name.rstrip('0123456789') in ('layer', 'stage')]
    for stage in named:
        if getattr(network, 'pre_activation', False):
            _watch_last_relu(stage, record, stack)
        else:
            _after(stage, record.see_stages, stack)
    if not named:
        _watch_inside(network, record, stack, None)


def _watch_last_relu(stage: Any, record: Recording, stack: ExitStack) -> None:
    """The stage before its last ReLU; a block calls its only ReLU several times, so the last of the inputs is meant."""
    last: dict[str, Tensor] = {}
    stack.callback(stage[-1].relu.register_forward_pre_hook(lambda _, args: last.update(map=args[0])).remove)
    _after(stage, lambda _: record.see_stages(last.pop('map')), stack)


def _returned(record: Recording, out: Any) -> None:
    """Take what an mmpretrain backbone returned: maps are its stages, vectors and tokens are none."""
    record.see_stages([x for x in tensors_in(out) if x.ndim == 4])
    if record.stages:
        record.inner.clear()  # no longer held in memory


def _see_first(
    network: Any, path: str, record: Recording, width: int | None, prefix_tokens: int | None, out: Any
) -> None:
    """Take a timm stage: the first map that it returns, what comes beside it are class tokens, skips or other widths."""
    if hasattr(network, 'reroll'):  # Hiera keeps its tokens in the order of its windows
        out = network.reroll(out, int(path.rpartition('.')[2]))
    for x in tensors_in(out):
        if record.see_stages(x, width, prefix_tokens):
            break


def _watch_inside(network: nn.Module, record: Recording, stack: ExitStack, prefix_tokens: int | None) -> None:
    """See what the network's outermost modules return, and those in its lists and sequences."""
    for module in _outermost(network):

        def hook(_: nn.Module, args: tuple, out: Any) -> None:
            if next(tensors_in(args), None) is not None:  # without: made of no image, as a table of positions
                record.see_inner(out, prefix_tokens)

        stack.callback(module.register_forward_hook(hook).remove)


def _outermost(network: nn.Module) -> Iterator[nn.Module]:
    for child in network.children():
        if isinstance(child, nn.ModuleList | nn.Sequential):
            yield from _outermost(child)
        if not isinstance(child, nn.ModuleList):
            yield child


def _note_images(network: nn.Module, record: Recording, stack: ExitStack) -> None:
    def read(_: nn.Module, args: tuple) -> None:
        images = next(tensors_in(args), None)
        record.images = images.shape if images is not None and images.ndim == 4 else None

    stack.callback(network.register_forward_pre_hook(read).remove)


def _after(module: nn.Module, read: Callable[[Any], Any], stack: ExitStack) -> None:
    def hook(_: nn.Module, __: tuple, out: Any) -> None:
        read(out)  # and return nothing: a hook that does changes the pass

    stack.callback(module.register_forward_hook(hook).remove)


def _before(module: nn.Module, record: Recording, stack: ExitStack) -> None:
    def read(_: nn.Module, args: tuple) -> None:
        record.embeddings.extend(tensors_in(args[0]))

    stack.callback(module.register_forward_pre_hook(read).remove)


@contextmanager
def shadowed(module: Any, method: str, read: Callable[[Any], Any]) -> Iterator[None]:
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


@contextmanager
def shadowed_by_name(module: Any, method: str, read: Callable[[dict[str, Any], Any], None]) -> Iterator[None]:
    """Read a method's arguments by name and what it returns, by an attribute of the instance that hides it for a while."""
    original = getattr(module, method)
    signature = inspect.signature(original)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        out = original(*args, **kwargs)
        read(signature.bind(*args, **kwargs).arguments, out)
        return out

    setattr(module, method, wrapped)
    try:
        yield
    finally:
        delattr(module, method)


def _classifier(part: nn.Module) -> nn.Module:
    """The layer that maps the embedding; a head that pools first has it inside."""
    inside = [module for module in part.modules() if isinstance(module, nn.Linear)]
    return inside[-1] if inside and not isinstance(part, nn.Conv2d) else part


def _last_linear(network: nn.Module, name: str) -> nn.Module:
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f'{name} needs an nn.Linear before its logits to read the embedding from, got none.')
    return linear[-1]


def _feature_info(network: Any) -> list[tuple[nn.Module, dict]]:
    """Its entries, and the module that their paths start from: a wrapper repeats those of its encoder."""
    info = getattr(network, 'feature_info', None) or []
    owners = [x for x in network.children() if getattr(x, 'feature_info', None) is info and x is not network]
    owner = owners[0] if owners else network
    return [(owner, each) for each in getattr(info, 'info', info)]


def _called(network: nn.Module, path: str) -> nn.Module | None:
    """The module at a path, if it runs; a list does not, and some paths name what a plain model lacks."""
    try:
        module = network.get_submodule(path) if path else None
    except AttributeError:
        return None
    return None if isinstance(module, nn.ModuleList) else module


def _sum(out: Any) -> Any:
    return torch.stack(list(out)).sum(dim=0) if isinstance(out, tuple | list) else out


def _mean(out: Any) -> Tensor:
    """Logits; several classifiers' are averaged, as timm's models do in eval mode."""
    return torch.stack(list(out)).mean(dim=0) if isinstance(out, tuple | list) else out
