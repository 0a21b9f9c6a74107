"""DSKDHead, the DSKD loss: deep supervision of a student's shallow stages by the teacher. L layers, N samples, K classes."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmkd_ext.errors import check_numbers, check_wholes
from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs
from .dskd_branches import MapRegressor, PredictionBranch, shape_of
from .dskd_loss import common_size, layer_kd_losses, layer_map_losses, pooled
from .layer_weights import STRATEGIES, loss_based_weights
from .numerics import at_least_float32, check_tau

BN = {'type': 'BN'}


@MODELS.register_module()
class DSKDHead(DistillationLoss):
    r"""The teacher's prediction and feature map, taught to every shallow stage of the student.

    .. math:: \alpha \sum_l w_l \tau^2 \mathrm{KL}(q \,\|\, p_l) + \beta \sum_l v_l \mathrm{MSE}(r_l(F_l), F_t)

    One of the `losses` of `OfflineDistiller`. p_l is what a branch on stage l predicts, r_l a small network that takes
    its map to the teacher's width; both are made by `build_for`, trained with the student and thrown away. The weights
    w and v come from the batch's losses, over all processes (each batch by itself under `accumulative_counts`) and
    without gradient. The student's own prediction is left to a `KDLoss` beside it.

    Args:
        tau: Temperature > 0 of the predictions.
        alpha: Factor on the class predictions; 0 leaves out the branches (unless `ce_weight`).
        beta: Factor on the feature maps; 0 leaves out their networks.
        strategy: Weights of the layers; see `loss_based_weights`.
        feature_target: 'last': every layer follows the teacher's last map; 'same': the map of the same stage.
        include_last: Whether the last stage is one of the layers, its prediction the student's own.
        ce_weight: Factor on the mean cross-entropy of the branches with the labels.
        loss_weight: Factor on everything.
        student_stages: Which of the student's stages to use, shallow first; the last of them is not shallow. None: all.
        teacher_stages: Which of the teacher's, in the same order; None: all.
        norm_cfg: The branches' normalisation; a BatchNorm takes one value per channel (a map of one place of a batch of
            one) by its running statistics, which that does not change.

    Shapes:
        student, teacher: `Outputs` with stages (N, C, H, W) and logits (N, K).
        target: (N,) labels or (N, K) soft ones; read with `ce_weight` only.
        returns: the terms `cls`, `feat` and `ce`, each (), those whose factor is not 0.

    Raises:
        ValueError: An option that is not one, or networks whose stages or classes do not fit.
        RuntimeError: Called before `build_for`.

    Source: a reading of arXiv:2202.07846, whose authors published no code; the choices are in configs/dskd/README.md.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student = Outputs((torch.randn(2, 8, 8, 8), torch.randn(2, 16, 4, 4)), torch.randn(2, 16), torch.randn(2, 3))
        >>> teacher = Outputs((torch.randn(2, 32, 8, 8), torch.randn(2, 64, 4, 4)), torch.randn(2, 64), torch.randn(2, 3))
        >>> head = MODELS.build(dict(type='mmkd_ext.DSKDHead', tau=4.0))
        >>> rows = head.build_for(student, teacher)  # a distiller does this
        >>> sorted(head(student, teacher))
        ['cls', 'feat']
    """

    has_branches = True

    def __init__(
        self,
        tau: float = 4.0,
        alpha: float = 1.0,
        beta: float = 1.0,
        strategy: str = 'softmax',
        feature_target: str = 'last',
        include_last: bool = False,
        ce_weight: float = 0.0,
        loss_weight: float | str = 1.0,
        student_stages: Sequence[int] | None = None,
        teacher_stages: Sequence[int] | None = None,
        norm_cfg: dict = BN,
    ) -> None:
        super().__init__(loss_weight)
        check_tau('DSKDHead', tau)
        check_numbers('DSKDHead', alpha=alpha, beta=beta, ce_weight=ce_weight)
        check_wholes('DSKDHead', student_stages=student_stages, teacher_stages=teacher_stages)
        if strategy not in STRATEGIES or feature_target not in ('last', 'same'):
            raise ValueError(
                f"DSKDHead needs a strategy of {', '.join(STRATEGIES)} and feature_target='last' or 'same', got "
                f'{strategy!r} and {feature_target!r}.')
        self.tau = tau
        self.alpha = alpha
        self.beta = beta
        self.strategy = strategy
        self.feature_target = feature_target
        self.include_last = include_last
        self.ce_weight = ce_weight
        self.student_stages = student_stages
        self.teacher_stages = teacher_stages
        self.norm_cfg = norm_cfg
        self.branches = nn.ModuleList()
        self.regressors = nn.ModuleList()
        self.layers: list[int] | None = None  # numbers of the student's stages that are supervised
        self.compares = ('stages', 'logits') if self._with_branches else ('stages',)
        self.scores = ('softmax',) if self._with_branches else None

    @property
    def _with_branches(self) -> bool:
        return bool(self.alpha or self.ce_weight)

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[tuple[str, str, str, str]]:
        """Size the branches by one output of each network; once, before the optimizer is made.

        Returns:
            Rows (stage, student's shape, teacher's shape, adapter) for the distiller's table.

        Raises:
            ValueError: Fewer than two student stages, other classes, or stages that cannot be paired.
        """
        classes = student.logits.shape[1], teacher.logits.shape[1]
        if self._with_branches and classes[0] != classes[1]:
            raise ValueError(
                f'DSKDHead needs a student and a teacher of the same classes, got {classes[0]} and {classes[1]}; '
                'alpha=0 and ce_weight=0 follow feature maps alone.')
        shapes = [shape_of(x) for x in _chosen('student', student.stages, self.student_stages)]
        if len(shapes) < 2:
            raise ValueError(
                f'DSKDHead needs two or more stages of the student, of which the last is not shallow, got {shapes}. '
                'Set out_indices of its backbone.')
        count = len(shapes) - (not self.include_last)
        numbers = self.student_stages or range(len(shapes))
        self.layers = [i % len(student.stages) for i in numbers][:count]
        rows = []
        if self._with_branches:
            branches = [PredictionBranch(shapes[i:], classes[0], self.norm_cfg) for i in range(len(shapes) - 1)]
            self.branches = nn.ModuleList(branches)
            says = [branch.describe() for branch in branches] + ['none: its own logits']
            rows += [(i, shapes[i], f'logits {classes[1]}', says[i]) for i in range(count)]
        if self.beta:
            targets = [shape_of(x) for x in self._targets(teacher, count)]
            self.regressors = nn.ModuleList(
                MapRegressor(shapes[i][0], targets[i][0], self.norm_cfg) for i in range(count))
            says = [f'conv 1x1, 3x3, 1x1 ({2 * channels})' for channels, _, _ in targets]
            rows += [(i, shapes[i], _size(targets[i]), says[i]) for i in range(count)]
        return [(f'stage {self.layers[i]}', _size(shape), theirs, adapter) for i, shape, theirs, adapter in rows]

    def _targets(self, teacher: NetworkOutputs, count: int) -> list[Tensor]:
        maps = _chosen('teacher', teacher.stages, self.teacher_stages)
        if not maps:
            raise ValueError('DSKDHead needs a map of the teacher, got none; beta=0 follows its predictions alone.')
        if self.feature_target == 'last':
            return [maps[-1]] * count
        if len(maps) != count + (not self.include_last):
            raise ValueError(
                f"DSKDHead with feature_target='same' needs as many stages of the teacher as of the student, got "
                f'{len(maps)} and {count + (not self.include_last)}. Choose them by out_indices, or by teacher_stages.')
        return maps[:count]

    def supervised(self, student: NetworkOutputs, teacher: NetworkOutputs) -> tuple[list[Tensor], list[Tensor]]:
        """The branches' logits (N, K) and maps in the teacher's width, by layer.

        Raises:
            RuntimeError: There are no branches yet.
        """
        if self.layers is None:
            raise RuntimeError('DSKDHead needs its branches before the first step: call build_for first.')
        maps = _chosen('student', student.stages, self.student_stages)
        logits: list[Tensor] = []
        if self._with_branches:
            logits = [branch(x) for branch, x in zip(self.branches, maps, strict=False)]
            logits += [student.logits] if self.include_last else []
        if not self.beta:
            return logits, []
        pairs = zip(self.regressors, maps, self._targets(teacher, len(self.layers)), strict=False)
        return logits, [regressor(pooled(x, common_size(x, t))) for regressor, x, t in pairs]

    def forward(
        self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the weighted terms."""
        logits, maps = self.supervised(student, teacher)
        self.diagnostics = {}
        terms = {}
        if self.alpha:
            losses = layer_kd_losses(logits, teacher.logits, self.tau)
            terms['cls'] = self.loss_weight * self.alpha * self._weighted(losses, 'cls', 'kl')
        if self.beta:
            losses = layer_map_losses(maps, self._targets(teacher, len(maps)))
            terms['feat'] = self.loss_weight * self.beta * self._weighted(losses, 'feat', 'distance')
        if self.ce_weight:
            terms['ce'] = self.loss_weight * self.ce_weight * _cross_entropy(logits[: len(self.branches)], target)
        return terms

    def _weighted(self, losses: Tensor, term: str, measure: str) -> Tensor:
        measured = losses.detach().clone()
        if torch.is_grad_enabled():  # a look at one batch may be one process's own
            all_reduce(measured, 'mean')
        weights = loss_based_weights(measured, self.strategy)
        for name, values in ((f'weight_{term}', weights), (measure, measured)):
            numbered = zip(self.layers or (), values.unbind(), strict=True)
            self.diagnostics.update({f'{name}_{layer}': value for layer, value in numbered})
        return (weights * losses).sum()

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return (
            f'tau={self.tau}, alpha={self.alpha}, beta={self.beta}, strategy={self.strategy!r}, '
            f'feature_target={self.feature_target!r}, layers={self.layers}, loss_weight={self.loss_weight}')


def _cross_entropy(logits: Sequence[Tensor], target: Tensor | None) -> Tensor:
    if target is None:
        raise ValueError('DSKDHead with ce_weight needs labels (N,) or (N, K) as target, got none.')
    repeated = target.repeat(len(logits), *[1] * (target.ndim - 1))
    return F.cross_entropy(at_least_float32(torch.cat(list(logits))), repeated)


def _size(shape: tuple[int, ...]) -> str:
    return 'x'.join(map(str, shape))


def _chosen(who: str, stages: Sequence[Tensor], wanted: Sequence[int] | None) -> list[Tensor]:
    """The wanted stages, shallow first."""
    numbers = range(len(stages)) if wanted is None else wanted
    absent = [i for i in numbers if not -len(stages) <= i < len(stages)]
    chosen = [] if absent else [stages[i] for i in numbers]
    if absent or any(x.ndim != 4 for x in chosen):
        raise ValueError(
            f'DSKDHead needs stages {list(numbers)} of the {who}, maps (N, C, H, W), which has {len(stages)}: '
            f'{[tuple(x.shape[1:]) for x in stages]}. Check {who}_stages and the out_indices of its backbone.')
    return chosen
