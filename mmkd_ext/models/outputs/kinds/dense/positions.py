"""What a dense head says at positions, read while it runs. N images, S positions, K classes, A priors (anchors or points) in each cell."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmkd_ext.models.outputs.forward_hooks import shadowed
from mmkd_ext.models.outputs.tower import Tower

Cells = tuple[Tensor, ...]  # (S,) image, row, column and prior of each


class Places(NamedTuple):
    """Where a network's positives are.

    Attributes:
        priors: A of its head.
        cells: Those of each stride, in the order of the head's maps.
    """

    priors: int
    cells: Mapping[int, Cells]


class HeadPass:
    """What was seen of one pass; each list has an entry for each map, shallow first.

    Attributes:
        entered: (N, D, H, W), what entered the last convolution of the classification.
        scores: (N, A * K, H, W), what it gave.
        edges: (N, A * 4 * B, H, W), distributions of the edges of boxes over B places; empty where they are not asked for.
        features: (N, D, H, W), what entered the convolution of the tower before; empty where the tower is not asked for.
        ends: That convolution of the tower and the last one.
        left: What that convolution of the tower gave.
        targets: What each call of the head's `get_targets` gave, or for each image (P,) its labels of all priors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.entered: list[Tensor] = []
        self.scores: list[Tensor] = []
        self.edges: list[Tensor] = []
        self.features: list[Tensor] = []
        self.ends: list[nn.Module] = []
        self.left: list[Tensor] = []
        self.targets: list[Any] = []

    def check(self, scores: Sequence[Tensor]) -> None:
        """Raise a `ValueError` where the head's class scores are not what these convolutions gave."""
        if len(scores) != len(self.scores) or any(a is not b for a, b in zip(scores, self.scores, strict=True)):
            raise ValueError(
                f'Distillation of dense detectors needs a head whose class scores are those of its last convolution, got {self.name}, '
                'which makes something else of them.')

    def positives(self, priors: int, classes: int) -> tuple[list[Cells], Tensor]:
        """The positives of each map, and the labels (S,) of all, map after map.

        Raises:
            ValueError: There were no labels of every prior of every map.
        """
        of_image = [priors * x.shape[2:].numel() for x in self.scores]
        sizes = [len(x) * size for x, size in zip(self.scores, of_image, strict=True)]
        labels = self.targets if _are_labels(self.targets) else _labels(self.targets[0]) if len(self.targets) == 1 else []
        if len(labels) == 1 and labels[0].numel() == sum(sizes):  # FoveaBox: those of all maps in one row
            labels = list(labels[0].flatten().split(sizes))
        elif self.scores and [x.numel() for x in labels] == len(self.scores[0]) * [sum(of_image)]:  # PAA, YOLOX: in a row for each image
            labels = list(torch.stack(labels).split(of_image, dim=1))
        if [x.numel() for x in labels] != sizes:
            raise ValueError(
                f'Distillation of dense detectors needs a head whose get_targets gives, once a step, the labels of all priors of each map, '
                f'got {self.name}.')
        cells, found = [], []
        for each, scores in zip(labels, self.scores, strict=True):
            grid = each.reshape(len(scores), *scores.shape[2:], priors)
            cells.append(((grid >= 0) & (grid < classes)).nonzero().unbind(dim=1))
            found.append(grid[cells[-1]])
        return cells, torch.cat(found)

    def at(self, places: Places, strides: Sequence[int], priors: int) -> tuple[Tensor, Tensor]:
        """Embedding (S, D) and logits (S, K) at places; zeros at a stride that is none of `strides`, those of the maps.

        Args:
            places: Of another head, perhaps, whose A is the same, or 1 here or there.
            strides: Of the maps.
            priors: A of this head.
        """
        levels = dict(zip(strides, zip(self.entered, self.scores, strict=True), strict=True))
        embeddings, logits = [], []
        for stride, (image, row, column, prior) in places.cells.items():
            entered, scores = levels.get(stride, (self.entered[0], self.scores[0]))
            by_prior = scores.unflatten(1, (priors, -1))
            if places.priors != priors:
                by_prior, prior = by_prior.amax(dim=1, keepdim=True), torch.zeros_like(prior)
            if stride in levels:
                embeddings.append(entered[image, :, row, column])
                logits.append(by_prior[image, prior, :, row, column])
            else:
                embeddings.append(entered.new_zeros(len(image), entered.shape[1]))
                logits.append(scores.new_zeros(len(image), by_prior.shape[2]))
        return torch.cat(embeddings), torch.cat(logits)


    def edges_at(self, places: Places, strides: Sequence[int], priors: int) -> Tensor | None:
        """(S, 4, B) at places, as `at`; None where there are none, or at another number of priors."""
        if not self.edges or places.priors != priors:
            return None
        levels, found = dict(zip(strides, self.edges, strict=True)), []
        for stride, (image, row, column, prior) in places.cells.items():
            by_edge = levels.get(stride, self.edges[0] * 0).unflatten(1, (priors, 4, -1))
            found.append(by_edge[image, prior, :, :, row, column])
        return torch.cat(found)


    def tower(self, last: Sequence[nn.Module]) -> Tower | None:
        """The end of the classification; None where what entered its last convolutions `last` is not what the tower gave."""
        if not self.left or len(self.left) != len(self.entered) or any(a is not b for a, b in zip(self.left, self.entered, strict=True)):
            return None
        each = last if len(last) == len(self.ends) else list(last) * len(self.ends)
        ends = tuple(nn.Sequential(*pair) for pair in zip(self.ends, each, strict=True))
        return Tower(tuple(self.features), tuple(self.scores), ends)


@contextmanager
def watching_head(head: Any, asked: Collection[str] = ()) -> Iterator[HeadPass]:
    """Watch one call of a head, or of its `loss`, and what is asked for of 'edges' and 'tower'; nothing stays on it.

    Raises:
        ValueError: The class scores are not those of its `class_convs`.
    """
    seen = HeadPass(f'a {type(head).__name__}')

    def read(_: nn.Module, args: tuple, out: Tensor) -> None:
        seen.entered.append(args[0])
        seen.scores.append(out)

    def read_tower(conv: nn.Module, args: tuple, out: Tensor) -> None:
        seen.ends.append(conv)
        seen.features.append(args[0])
        seen.left.append(out)

    with ExitStack() as stack:
        for conv in class_convs(head):
            stack.callback(conv.register_forward_hook(read).remove)
        stack.callback(head.register_forward_hook(lambda _, __, out: seen.check(out[0])).remove)
        if 'edges' in asked and has_edges(head):
            stack.callback(head.register_forward_hook(lambda _, __, out: seen.edges.extend(out[1])).remove)
        for module in tower_convs(head) if 'tower' in asked else ():
            stack.callback(module.register_forward_hook(read_tower).remove)
        stack.enter_context(_watching_targets(head, seen.targets.append))
        yield seen


def num_priors(head: Any) -> int:
    """A of a head."""
    return int(getattr(head, 'num_base_priors', None) or head.prior_generator.num_base_priors[0])


def has_targets(head: Any) -> bool:
    """Whether a head has positives: it asks for them by `get_targets`, or image by image by its assigner, as YOLOX's."""
    return hasattr(head, 'prior_generator') and (hasattr(head, 'get_targets') or hasattr(head, '_get_targets_single'))


@contextmanager
def _watching_targets(head: Any, told: Callable[[Any], Any]) -> Iterator[None]:
    """Tell what a head's `get_targets` gives, or, image by image, the labels of all priors that its assigner gives."""
    name = next((each for each in ('get_cls_targets', 'get_targets') if hasattr(head, each)), None)  # DDOD has both, and asks the first
    if name is not None:
        with shadowed(head, name, told):
            yield
        return
    found: list[Any] = []

    def label(targets: Any) -> None:
        is_positive = targets[0]  # (P,); an image without boxes asks no assigner
        nothing = is_positive.new_full(is_positive.shape, head.num_classes, dtype=torch.long)
        told(torch.where(is_positive, found.pop().labels, nothing) if found else nothing)

    with shadowed(head, '_get_targets_single', label), ExitStack() as stack:
        if hasattr(head, 'assigner'):
            stack.enter_context(shadowed(head.assigner, 'assign', found.append))
        yield


def has_edges(head: Any) -> bool:
    """Whether a head predicts a distribution for each edge of a box, as GFL's."""
    return isinstance(getattr(head, 'integral', None), nn.Module) and hasattr(head, 'reg_max')


def tower_convs(head: Any) -> list[nn.Module]:
    """The last convolutions of a head's classification tower: one for all maps, or one for each; none without a tower."""
    convs: Any = getattr(head, 'cls_convs', getattr(head, 'multi_level_cls_convs', None))
    if not isinstance(convs, nn.ModuleList) or not len(convs):
        return []
    parts: list[Any] = list(convs)
    if isinstance(parts[0], nn.ModuleList | nn.Sequential):
        return list(dict.fromkeys(part[-1] for part in parts if len(part)))
    return parts[-1:]


def class_convs(head: nn.Module) -> list[nn.Conv2d]:
    """The last convolutions of a head's classification: one for all maps, or one for each."""
    named = [module for name, module in head.named_children() if name.endswith('_cls')]
    each = [x for module in named for x in (module if isinstance(module, nn.ModuleList) else [module])]
    return [x for x in dict.fromkeys(each) if isinstance(x, nn.Conv2d)]


def assigned(head: Any, said: Sequence[Any], samples: Sequence[Any]) -> tuple[list[Cells], Tensor]:
    """The positives that a head's assigner finds for what was said; see `HeadPass.positives`.

    The loss itself is left: it is not needed, and its mean over processes would wait for one with fewer images.
    """
    from mmdet.models.utils import unpack_gt_instances

    truth, ignored, metas = unpack_gt_instances(samples)
    seen = HeadPass(f'a {type(head).__name__}')
    seen.scores = list(said[0])

    def stop(out: Any) -> None:
        seen.targets.append(out)
        if not isinstance(out, Tensor) or len(seen.targets) == len(samples):
            raise _AssignedError

    with _watching_targets(head, stop), suppress(_AssignedError):
        head.loss_by_feat(*said, truth, metas, ignored)
    return seen.positives(num_priors(head), head.num_classes)


class _AssignedError(Exception):
    """Enough was seen."""


def _labels(targets: Any) -> list[Tensor]:
    """Of what a head's `get_targets` gave, the labels: its first whole numbers, in a list or in one tensor."""
    for each in targets if isinstance(targets, tuple | list) else ():
        each = [each] if isinstance(each, Tensor) else each
        if _are_labels(each):
            return list(each)
    return []


def _are_labels(values: Any) -> bool:
    return isinstance(values, list | tuple) and len(values) > 0 and all(isinstance(x, Tensor) and x.dtype == torch.long for x in values)
