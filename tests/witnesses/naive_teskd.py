"""TESKD as it is described, without a thought for speed: a witness for the tests, a baseline for the benchmark.

Written from the description of arXiv:2110.00329 alone, without a look at the package's neck and head.
N samples, K classes, W channels of the students, T1..Tn the backbone's maps (shallow first).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 1, bias: bool = False) -> nn.Sequential:
    """Patches do not overlap and are not padded."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=kernel, bias=bias), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class NaiveTESKD(nn.Module):
    """The students and both kinds of classifiers; students are numbered as the stage that they read, shallow first."""

    def __init__(
        self,
        in_channels: Sequence[int] = (64, 128, 256, 512),
        num_classes: int = 100,
        channels: int | None = None,
        branch_strides: Sequence[int] = (8, 4, 2),
    ) -> None:
        super().__init__()
        last = in_channels[-1]
        width = last if channels is None else channels
        self.kernels = tuple(branch_strides)
        self.laterals = nn.ModuleList(conv_bn_relu(c, width) for c in in_channels)
        self.ups = nn.ModuleList(conv_bn_relu(width, width) for _ in branch_strides)
        self.fuses = nn.ModuleList(conv_bn_relu(2 * width, width) for _ in branch_strides)
        self.branches = nn.ModuleList(
            nn.Sequential(conv_bn_relu(width, width, k, bias=True), conv_bn_relu(width, last, bias=True))
            for k in branch_strides
        )
        self.classifiers = nn.ModuleList(nn.Linear(last, num_classes) for _ in branch_strides)
        self.fc = nn.Linear(last, num_classes)

    def forward(self, stages: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        """Student logits, student pooled features (both shallow first), teacher logits, teacher pooled feature."""
        laterals = [conv(stage) for conv, stage in zip(self.laterals, stages, strict=True)]
        top = laterals[-1]
        features: list[Tensor] = []
        for i in reversed(range(len(self.kernels))):
            # Twice the size; where that is not the lateral's size (odd maps), the lateral's.
            enlarged = F.interpolate(top, size=laterals[i].shape[-2:], mode='bilinear', align_corners=True)
            up = self.ups[i](enlarged)
            top = self.fuses[i](torch.cat([up + laterals[i], up], dim=1))
            kernel = self.kernels[i]
            missing_rows, missing_columns = (max(kernel - size, 0) for size in top.shape[-2:])
            padded = F.pad(top, (0, missing_columns, 0, missing_rows))  # right and below
            features.insert(0, self.branches[i](padded).mean(dim=(2, 3)))
        teacher_feature = stages[-1].mean(dim=(2, 3))
        logits = [classifier(feature) for classifier, feature in zip(self.classifiers, features, strict=True)]
        return logits, features, self.fc(teacher_feature), teacher_feature


def naive_teskd_loss(
    student_logits: Sequence[Tensor],
    student_features: Sequence[Tensor],
    teacher_logits: Tensor,
    teacher_feature: Tensor,
    target: Tensor,
    tau: float = 4.0,
    weights: tuple[float, float, float] = (0.2, 0.8, 1e-7),
    detach_teacher: bool = False,
) -> dict[str, Tensor]:
    """The three unweighted sums (`ce`, `kl`, `feature`) and the weighted `total`; target: class indices (N,)."""
    samples = len(target)
    ce = sum(
        -F.log_softmax(z, dim=1)[torch.arange(samples), target].sum() / samples
        for z in (*student_logits, teacher_logits)
    )
    p = torch.softmax((teacher_logits.detach() if detach_teacher else teacher_logits) / tau, dim=1) + 1e-7
    kl = sum(tau**2 * (p * (p.log() - F.log_softmax(z / tau, dim=1))).sum() / samples for z in student_logits)
    feature = sum((f - teacher_feature.detach()).square().sum() for f in student_features)
    total = weights[0] * ce + weights[1] * kl + weights[2] * feature
    return {'ce': ce, 'kl': kl, 'feature': feature, 'total': total}


class _Classifier(nn.Module):
    """The witness behind a backbone of mmpretrain, called as mmengine calls its models."""

    def __init__(self, backbone: nn.Module, students: NaiveTESKD) -> None:
        super().__init__()
        self.backbone, self.students = backbone, students

    def forward(self, inputs: Tensor, data_samples: list | None = None, mode: str = 'tensor') -> Tensor | dict:
        logits, features, teacher, feature = self.students(self.backbone(inputs))
        if mode == 'tensor':
            return teacher
        target = torch.cat([sample.gt_label for sample in data_samples or []]).to(inputs.device)
        return {'loss': naive_teskd_loss(logits, features, teacher, feature, target)['total']}


def build_witness(cfg: dict) -> nn.Module:
    """The model of a TESKD config with the students as they are described (`tools/benchmark.py --witness`)."""
    from mmengine.registry import DefaultScope
    from mmpretrain.registry import MODELS

    neck, head = cfg['model']['neck'], cfg['model']['head']
    strides = neck.get('branch_strides') or [2**i for i in range(len(neck['in_channels']) - 1, 0, -1)]
    students = NaiveTESKD(neck['in_channels'], head['num_classes'], neck.get('channels'), strides)
    with DefaultScope.overwrite_default_scope('mmpretrain'):  # whatever scope a run before left
        return _Classifier(MODELS.build(cfg['model']['backbone']), students)
