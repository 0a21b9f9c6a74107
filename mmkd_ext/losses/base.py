"""The contract for losses: DistillationLoss, from which every entry of a distiller's `losses` derives. N samples, K classes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mmkd_ext.errors import check_numbers
from mmkd_ext.registry import MODELS

from .auto_weight import read_weight
from .classes_without_mean import any_without_mean, refuse_samples_without_mean, rows_without_mean, zeros_for_absent

READS = ('logits', 'embedding', 'stages', 'edges', 'tower', 'logit_map')


class NetworkOutputs(Protocol):
    """What a loss reads of a network: any object with these three, such as `mmkd_ext.models.Outputs`."""

    @property
    def stages(self) -> Sequence[Tensor]:
        """Maps (N, C_i, H_i, W_i), shallow first."""

    @property
    def embedding(self) -> Tensor:
        """(N, D), what enters the classifier."""

    @property
    def logits(self) -> Tensor:
        """(N, K), raw."""


Row = tuple[str, str, str, str]  # where, student's shape, teacher's shape, adapter


class DistillationLoss(nn.Module):
    """One of the `losses` of a distiller. A class that derives from this one, in any module that a config imports, is all it takes.

    What a subclass says of itself, as attributes of the class or of the object:

    - `compares`: what it reads of both networks: `'logits'`, `'embedding'`, `'stages'`, `'edges'` (the distributions of a box's edges,
      which some detectors predict), `'tower'` (the end of a dense head's classification), `'logit_map'` (a segmentor's logits as a map),
      or a tuple of them. Networks of different numbers of classes are refused where it reads the logits, their map or the tower; in
      detection, logits, embeddings and edges are one for each region or position, in segmentation for each labelled pixel, and stages
      are the FPN's maps, or those that enter the decode head, so that stages cannot be read together with the others.
    - `scores`: which logits it can compare, of `'softmax'` and `'sigmoid'` (several labels); None: any.
    - `takes_unmapped`: False for a loss that makes nothing of a class of which a teacher of other classes says probability 0 (a logit of
      -10,000): z-scores are one.
    - `among_peers`: True for a loss of students among themselves. `forward(students)` then takes a list of outputs and returns a value
      for each.
    - `loss_weight`: the factor that `forward` has multiplied its value with; the log shows the value without it, too. Where the config
      says `'auto:0.1'` it is 1, and the distiller multiplies by what `auto_weight` measures.
    - `diagnostics`: numbers of the last batch that the log shows beside the value, by name.
    - `has_branches`: True where `supervised` makes something of the student that a step's cost is measured with.

    What it may define:

    - `build_for(student, teacher)`: make what it trains beside the student (an adapter) from one output of each network.
    - `forward(student, teacher, target)`: a scalar, or a dict of scalars by name. Nothing may reach the teacher's gradient.

    A loss that follows the mean of the teacher's embeddings in each class derives from `ClassMeansLoss`. Warm-up (`LossWarmupHook`),
    resume and export need nothing more: what a loss trains is saved under `distill.<name>.` and left out of what is shipped.

    Args:
        loss_weight: Factor on the result; or, in a distiller, `'auto:0.1'`: the factor with which the norm of the loss's gradient on the
            student's backbone is a tenth of the task loss's, measured over the first 20 iterations and then fixed (see `AutoWeight`).

    Raises:
        ValueError: `loss_weight` is neither a number of 0 or more nor such a text, or `compares` names something else.

    Example:
        >>> from mmkd_ext.registry import MODELS
        >>> @MODELS.register_module(force=True)
        ... class CosineLoss(DistillationLoss):
        ...     compares = 'embedding'
        ...     def build_for(self, student, teacher):
        ...         self.adapter = nn.Linear(student.embedding.shape[1], teacher.embedding.shape[1])
        ...         return [('embedding', str(student.embedding.shape[1]), str(teacher.embedding.shape[1]), 'Linear')]
        ...     def forward(self, student, teacher, target=None):
        ...         cosine = torch.cosine_similarity(self.adapter(student.embedding), teacher.embedding, dim=1).mean()
        ...         self.diagnostics = {'cosine': cosine.detach()}
        ...         return self.loss_weight * (1 - cosine)
        >>> MODELS.build(dict(type='mmkd_ext.CosineLoss', loss_weight=2.0)).compares
        'embedding'
    """

    compares: str | tuple[str, ...] = 'logits'
    scores: tuple[str, ...] | None = None
    takes_unmapped = True
    among_peers = False
    needs_class_means = False
    has_branches = False
    without_mean: dict[int, str] = {}  # of a loss with class means: the classes that have none

    def __init__(self, loss_weight: float | str = 1.0) -> None:
        super().__init__()
        self.auto_weight = read_weight(type(self).__name__, loss_weight)
        weight: Any = 1.0 if self.auto_weight is not None else loss_weight
        check_numbers(type(self).__name__, loss_weight=weight)
        strange = set((self.compares,) if isinstance(self.compares, str) else self.compares) - set(READS)
        if strange:
            raise ValueError(f'{type(self).__name__} needs compares of {", ".join(READS)}, got {self.compares!r}.')
        self.loss_weight: float = weight
        self.diagnostics: dict[str, Tensor] = {}

    def reads(self, what: str) -> bool:
        """Whether it compares the logits, the embedding, the stages, the edges, the tower or the map of the logits."""
        return what == self.compares or what in self.compares and not isinstance(self.compares, str)

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[Row]:
        """Make what is trained beside the student, by one output of each network; once, before the optimizer is made.

        Returns:
            Rows (where, student's shape, teacher's shape, adapter) for the distiller's table; none for a loss without adapters.
        """
        return []

    def supervised(self, student: NetworkOutputs, teacher: NetworkOutputs) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Logits and maps that branches compute from the student's stages; with `has_branches` only."""
        return (), ()

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'loss_weight={self.loss_weight}'


def built_loss(name: str, cfg: Mapping[str, Any]) -> DistillationLoss:
    """The loss of an entry of `losses`.

    Raises:
        ValueError: A config without a type, or of one that is no loss.
    """
    if not isinstance(cfg.get('type'), str | type) or not cfg['type']:
        raise ValueError(
            f"A loss needs a `type`, such as 'mmkd_ext.KDLoss', got {dict(cfg)}. Look at model.losses.{name}.")
    module = MODELS.build(cfg)
    if not isinstance(module, DistillationLoss):
        raise ValueError(
            f'losses.{name} needs a type that derives from mmkd_ext.losses.DistillationLoss, got {type(module).__name__}. See '
            'mmkd_ext/losses/base.py.')
    return module


class ClassMeansLoss(DistillationLoss):
    """A loss that follows the teacher's class means, which `ClassMeansHook` makes before a run and gives it.

    `class_means` (K, D) is part of the state, so that a resumed run goes on with the very means it began with. `forward` takes it from
    `means_on(device)` and returns `only_with_means(value, target)`.

    Args:
        loss_weight: Factor on the result.

    Example:
        >>> from mmkd_ext.models import Outputs
        >>> class DistanceToMean(ClassMeansLoss):
        ...     def forward(self, student, teacher, target):
        ...         distances = (student.embedding - self.means_on(target.device)[target]).square().mean()
        ...         return self.loss_weight * self.only_with_means(distances, target)
        >>> loss = DistanceToMean()
        >>> loss.set_class_means(torch.tensor([[2.0, 0.0], [0.0, 2.0]]))
        >>> outputs = Outputs((), torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2))
        >>> loss(outputs, outputs, torch.tensor([0]))
        tensor(0.5000)
    """

    compares = 'embedding'
    needs_class_means = True
    class_means: Tensor | None

    def __init__(self, loss_weight: float | str = 1.0) -> None:
        super().__init__(loss_weight)
        self.means_width: int | None = None  # D, once it is known
        self.register_buffer('class_means', None)
        self.without_mean, self._names = dict[int, str](), dict[int, str]()

    def set_class_means(self, means: Tensor, names: Sequence[str] | None = None) -> None:
        """Take the teacher's class means (K, D), on the device of the loss, and for its sentences the names of the classes.

        A row of NaN is a class that never occurs.

        Raises:
            ValueError: Not (K, D) with the teacher's width D, a class whose mean is zero or partly not finite, or no mean at all.
        """
        name = type(self).__name__
        fits = means.ndim == 2 and self.means_width in (None, means.shape[-1])
        if not fits or not means.is_floating_point():
            raise ValueError(
                f'{name} needs class means (K, {self.means_width or "D"}) of floating point, got '
                f'{tuple(means.shape)} of {means.dtype}. Were they made with another teacher?')
        means = zeros_for_absent(means, name)
        self._names = dict(enumerate(names or ()))
        self.without_mean = rows_without_mean(means, self._names)
        device = next((p.device for p in self.parameters()), means.device)
        if self.class_means is not None:
            device = self.class_means.device
        self.class_means = means.to(device, torch.promote_types(means.dtype, torch.float32))

    def means_on(self, device: torch.device) -> Tensor:
        """The class means (K, D) where they are needed.

        Raises:
            RuntimeError: They were not set.
        """
        if self.class_means is None:
            raise RuntimeError(
                f"{type(self).__name__} needs the teacher's class means and has none: add dict(type='mmkd_ext.ClassMeansHook') to "
                'custom_hooks, or call set_class_means.')
        if self.class_means.device != device:
            self.class_means = self.class_means.to(device)
        return self.class_means

    def only_with_means(self, value: Tensor, target: Tensor) -> Tensor:
        """The value of a batch of labels (N,) or soft labels (N, K); a sample of a class without a mean makes it NaN on a GPU.

        Raises:
            ValueError: There is such a sample, on a CPU.
        """
        if not self.without_mean or self.class_means is None:
            return value
        refuse_samples_without_mean(target, self.without_mean, owner=type(self).__name__)
        return value.masked_fill(any_without_mean(target, self.class_means), torch.nan)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        saved = state_dict.get(f'{prefix}class_means')
        if saved is not None and (self.class_means is None or self.class_means.shape != saved.shape):
            device = next((p.device for p in self.parameters()), saved.device)
            self.class_means = torch.empty_like(saved, device=device)
        if saved is not None:
            self.without_mean = rows_without_mean(saved, self._names)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)  # type: ignore[arg-type]
