"""TESKD's head: classifiers of the teacher and of its students, and their loss. N samples, K classes, D channels."""

from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size
from mmpretrain.evaluation.metrics import Accuracy
from mmpretrain.models.heads import LinearClsHead, StackedLinearClsHead
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmkd_ext.errors import check_given, check_numbers, check_whole, check_wholes
from mmkd_ext.losses import teskd_feature_loss, teskd_kl
from mmkd_ext.losses.numerics import check_tau
from mmkd_ext.registry import MODELS

_OWN = ('num_students', 'tau', 'ce_weight', 'kl_weight', 'feature_weight', 'detach_teacher')


class _TESKDMixin:
    """The students' part, on top of a head of mmpretrain that is the teacher's."""

    @classmethod
    def plain_cfg(cls, cfg: dict) -> dict:
        """The head of mmpretrain that takes this one's place in the deployed network."""
        stock = next(base for base in cls.__mro__ if base.__module__.startswith('mmpretrain.'))
        return {'init_cfg': None, **{k: v for k, v in cfg.items() if k not in _OWN}, 'type': stock.__name__}

    in_channels: int
    num_classes: int
    topk: Sequence[int]
    cal_acc: bool
    loss_module: nn.Module
    students: nn.ModuleList
    accumulated_batches = 1  # whose gradients make a step; `SummedTermsHook` sets it

    def _add_students(
        self,
        num_students: int,
        tau: float,
        ce_weight: float,
        kl_weight: float,
        feature_weight: float,
        detach_teacher: bool,
    ) -> None:
        check_tau(type(self).__name__, tau)
        check_numbers(type(self).__name__, ce_weight=ce_weight, kl_weight=kl_weight, feature_weight=feature_weight)
        check_given(type(self).__name__, num_students=num_students)
        check_whole(type(self).__name__, num_students=num_students)
        self.tau = tau
        self.ce_weight, self.kl_weight, self.feature_weight = ce_weight, kl_weight, feature_weight
        self.detach_teacher = detach_teacher
        self.students = nn.ModuleList(nn.Linear(self.in_channels, self.num_classes) for _ in range(num_students))

    def loss(self, feats: Sequence[Tensor], data_samples: list[DataSample], **kwargs) -> dict[str, Tensor]:
        """Return the weighted terms `loss_ce`, `loss_kl`, `loss_feature`, and accuracies where `cal_acc` is set.

        Args:
            feats: What `TESKDNeck` gives in train mode: features (N, D) of the students, then of the teacher.
            data_samples: N samples with labels, or scores after mixup.
            **kwargs: For the classification loss.
        """
        logits = self._all_logits(feats)
        if 'gt_score' in data_samples[0]:
            target = torch.stack([sample.gt_score for sample in data_samples])
        else:
            target = torch.cat([sample.gt_label for sample in data_samples])
        *students, teacher = logits
        ce = sum(self.loss_module(z, target, avg_factor=len(z), **kwargs) for z in logits)
        kl = sum(teskd_kl(z, teacher, self.tau, self.detach_teacher) for z in students)
        feature = sum(teskd_feature_loss(f, feats[-1]) for f in feats[:-1])
        losses = dict(
            loss_ce=self.ce_weight * ce,
            loss_kl=self.kl_weight * kl,
            # A sum over the batch, while training averages over processes and over the batches of a step.
            loss_feature=self.feature_weight * get_world_size() * self.accumulated_batches * feature,
        )
        if self.cal_acc and target.ndim == 1:
            for name, z in zip((*(f'_student{i + 1}' for i in range(len(students))), ''), logits, strict=True):
                # No threshold: mmpretrain's default, a score above 0, is meant for probabilities.
                accuracies = Accuracy.calculate(z, target, topk=self.topk, thrs=(None,))
                for k, (accuracy,) in zip(self.topk, accuracies, strict=True):
                    losses[f'accuracy{name}_top-{k}'] = accuracy
        return losses

    def predict(self, feats: Sequence[Tensor], data_samples: list[DataSample] | None = None) -> list[DataSample]:
        """Predict with the teacher; where the neck ran its students too, add their scores (students, K) to each sample."""
        samples = super().predict(feats[-1:], data_samples)  # type: ignore[misc]
        if len(feats) > 1:
            *students, _ = self._all_logits(feats)
            for sample, scores in zip(samples, torch.stack(students, dim=1).softmax(dim=-1), strict=True):
                sample.set_field(scores, 'student_scores')
        return samples

    def _all_logits(self, feats: Sequence[Tensor]) -> list[Tensor]:
        if len(feats) != len(self.students) + 1:
            raise ValueError(
                f'TESKDHead has classifiers for {len(self.students)} students (model.head.num_students), got the features '
                f'of {len(feats) - 1} from the neck. Set num_students to the number of stages minus one.'
            )
        if any(f.shape[1] != self.in_channels for f in feats):
            raise ValueError(
                f'TESKDHead needs features of width {self.in_channels} (model.head.in_channels), got '
                f"{[tuple(f.shape) for f in feats]}. Set it to the last of the neck's in_channels."
            )
        return [fc(f) for fc, f in zip(self.students, feats[:-1], strict=True)] + [self(feats)]  # type: ignore[operator]


@MODELS.register_module()
class TESKDHead(_TESKDMixin, LinearClsHead):
    r"""A linear classifier for the teacher, as mmpretrain's, and one for each student.

    .. math:: w_{ce} (CE(z_T) + \sum_i CE(z_i)) + w_{kl} \sum_i KL_i + w_f \sum_i F_i

    Args:
        num_classes: K.
        in_channels: D, the last stage's width.
        num_students: Stages of the neck minus one.
        tau: Temperature of the divergence.
        ce_weight: On the cross-entropies of teacher and students.
        kl_weight: On the students' divergences from the teacher.
        feature_weight: On the squared feature distances, which are sums over the batch: over that of all processes and, by
            `SummedTermsHook`, of all `accumulative_counts` batches of a step.
        detach_teacher: Whether the divergence stops teaching the teacher, against the paper.
        init_cfg: Default: PyTorch's own initialisation, as the paper.
        **kwargs: As mmpretrain's `LinearClsHead` (`loss`, `topk`, `cal_acc`).

    Raises:
        ValueError: features that do not fit `num_students` or `in_channels`.

    Source: TESKD, arXiv:2110.00329.

    Example:
        >>> import torch
        >>> head = TESKDHead(num_classes=10, in_channels=32, num_students=2)
        >>> feats = [torch.randn(4, 32) for _ in range(3)]  # as TESKDNeck gives them
        >>> sorted(head.loss(feats, [DataSample().set_gt_label(k) for k in range(4)]))
        ['loss_ce', 'loss_feature', 'loss_kl']
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        num_students: int = 3,
        tau: float = 4.0,
        ce_weight: float = 0.2,
        kl_weight: float = 0.8,
        feature_weight: float = 1e-7,
        detach_teacher: bool = False,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        check_given('TESKDHead', num_classes=num_classes, in_channels=in_channels)
        check_whole('TESKDHead', num_classes=num_classes, in_channels=in_channels)
        super().__init__(num_classes, in_channels, init_cfg=init_cfg, **kwargs)
        self._add_students(num_students, tau, ce_weight, kl_weight, feature_weight, detach_teacher)


@MODELS.register_module()
class TESKDStackedHead(_TESKDMixin, StackedLinearClsHead):
    """The same where the teacher's classifier is a multi-layer perceptron (VGG), as mmpretrain's `StackedLinearClsHead`.

    Args:
        num_classes: K.
        in_channels: D, the last stage's width.
        mid_channels: Widths of the teacher's hidden layers. The students' classifiers stay linear.
        num_students: As `TESKDHead`.
        tau: As `TESKDHead`.
        ce_weight: As `TESKDHead`.
        kl_weight: As `TESKDHead`.
        feature_weight: As `TESKDHead`.
        detach_teacher: As `TESKDHead`.
        init_cfg: Default: PyTorch's own initialisation.
        **kwargs: As mmpretrain's `StackedLinearClsHead`.

    Example:
        >>> import torch
        >>> head = TESKDStackedHead(num_classes=10, in_channels=32, mid_channels=[64], num_students=2)
        >>> feats = [torch.randn(4, 32) for _ in range(3)]  # as TESKDNeck gives them
        >>> sorted(head.loss(feats, [DataSample().set_gt_label(k) for k in range(4)]))
        ['loss_ce', 'loss_feature', 'loss_kl']
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        mid_channels: Sequence[int],
        num_students: int = 3,
        tau: float = 4.0,
        ce_weight: float = 0.2,
        kl_weight: float = 0.8,
        feature_weight: float = 1e-7,
        detach_teacher: bool = False,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        check_given('TESKDStackedHead', num_classes=num_classes, in_channels=in_channels, mid_channels=mid_channels)
        check_whole('TESKDStackedHead', num_classes=num_classes, in_channels=in_channels)
        check_wholes('TESKDStackedHead', 1, mid_channels=mid_channels)
        super().__init__(num_classes, in_channels, mid_channels, init_cfg=init_cfg, **kwargs)
        self._add_students(num_students, tau, ce_weight, kl_weight, feature_weight, detach_teacher)
