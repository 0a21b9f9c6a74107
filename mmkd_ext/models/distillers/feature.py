"""FeatureDistiller: a backbone that follows a frozen teacher's features, on images without labels. N samples, D channels."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import ConfigDict

from mmkd_ext.models.images.image_shape import Size
from mmkd_ext.models.outputs.kinds.backbone import Backbone
from mmkd_ext.models.teachers.teacher_ensemble import is_ensemble, specs_by_name
from mmkd_ext.models.zoo.backbone_config import backbone_spec
from mmkd_ext.registry import MODELS

from .offline import OfflineDistiller


@MODELS.register_module()
class FeatureDistiller(OfflineDistiller):
    """An `OfflineDistiller` of backbones: no head, no labels, no loss of the student's own.

    Teachers, adapters, logs, checkpoints, resume and export are those of `OfflineDistiller`; what differs stands in the kind of network,
    `Backbone`. The teacher may be any network, such as a foundation model of timm (DINOv2, DINOv3, SigLIP, EVA); its head, if it has
    one, is passed over. It sees the images at its own resolution: timm's `input_size` of its weights, or `input_size` of its spec; other
    teachers that take several sizes see them as they come. Labels that a data set gives are not read. The checkpoint holds a
    `BackboneModel`, whose keys `backbone.*` a classifier or detector takes by `init_cfg`.

    Args:
        student: The backbone to train, by the spec of a network with or without a head (see `backbone_spec`): 'timm/resnet18',
            'torchvision/resnet18', a name of mmpretrain or mmdet, or `dict(type='mmdet.ResNet', depth=18)`.
        teacher: As for `OfflineDistiller`.
        losses: As there; those that read `embedding` or `stages`, such as `EmbeddingLoss`, `MapLoss` and `PKDLoss`. The embedding is a
            network's pooled token, the only stage its last map.
        input_size: As there, for both networks to be looked at once.
        channel_order: As there.
        data_preprocessor: As there.
        init_cfg: As there.

    Raises:
        ValueError: As there; a loss that reads logits or class means, a network without a map where a loss reads maps, `num_classes`
            of the student, `classes` of a teacher, or a `TeacherEnsemble`.

    Example:
        >>> import torch
        >>> from mmpretrain.structures import DataSample
        >>> teacher = dict(model='timm/test_vit', checkpoint=None, allow_random=True)  # in earnest 'timm/vit_small_patch14_dinov2.lvd142m'
        >>> losses = dict(token=dict(type='mmkd_ext.EmbeddingLoss'), patches=dict(type='mmkd_ext.MapLoss'))
        >>> student = dict(type='mmkd_ext.CIFARResNet', depth=8)
        >>> model = MODELS.build(dict(
        ...     type='mmkd_ext.FeatureDistiller', student=student, teacher=teacher, losses=losses, channel_order='rgb'))
        >>> sorted(key for key in model(torch.randn(4, 3, 32, 32), [DataSample()] * 4, mode='loss') if 'loss' in key)
        ['loss_patches', 'loss_token']
        >>> next(iter(model.state_dict()))
        'backbone.conv1.weight'
    """

    kind = Backbone

    def __init__(
        self,
        student: str | Mapping[str, Any],
        teacher: str | Mapping[str, Any],
        losses: Mapping[str, Mapping[str, Any]],
        input_size: Size | None = None,
        channel_order: str | None = None,
        data_preprocessor: Mapping[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if any(map(is_ensemble, specs_by_name(teacher).values() if isinstance(teacher, Mapping) else ())):
            raise ValueError(
                'A TeacherEnsemble joins logits, which a student without a head has not: give FeatureDistiller the teachers by name, each '
                'with losses of its own.')
        spec = backbone_spec(student) if isinstance(student, str | Mapping) else student
        super().__init__(spec, teacher, losses, input_size, channel_order, data_preprocessor, init_cfg)

    @classmethod
    def student_spec(cls, cfg: Mapping[str, Any]) -> dict[str, Any]:
        """The spec of the student as it is trained."""
        return backbone_spec(cfg['student'])

    @classmethod
    def plain_cfg(cls, cfg: Mapping[str, Any]) -> ConfigDict:
        """The `BackboneModel`."""
        return super().plain_cfg({**cfg, 'student': backbone_spec(cfg['student'])})
