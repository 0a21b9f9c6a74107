"""TwoStageDistiller, a name of OfflineDistiller for configs; what is particular of detectors lies in models/outputs/kinds/two_stage."""

from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage
from mmkd_ext.registry import MODELS

from .offline import OfflineDistiller


@MODELS.register_module()
class TwoStageDistiller(OfflineDistiller):
    """An `OfflineDistiller` whose networks are Faster, Mask or Cascade R-CNNs with an FPN, see `TwoStage`; arguments are the same.

    Example:
        >>> from mmengine.registry import DefaultScope
        >>> narrow = dict(backbone=dict(depth=18), neck=dict(in_channels=[64, 128, 256, 512]))
        >>> student = dict(model='mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', options=narrow)
        >>> teacher = dict(student, checkpoint=None, allow_random=True)  # in earnest: checkpoint=FILE
        >>> losses = dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0))
        >>> with DefaultScope.overwrite_default_scope('mmdet'):  # a config's default_scope
        ...     model = MODELS.build(dict(
        ...         type='mmkd_ext.TwoStageDistiller', student=student, teacher=teacher, losses=losses, input_size=64))
        >>> model.num_classes, list(model.distill)
        (80, ['kd'])
    """

    kind = TwoStage
