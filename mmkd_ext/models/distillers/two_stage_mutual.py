"""TwoStageMutualLearningDistiller, a name of MutualLearningDistiller for configs; detection lies in models/outputs/kinds/two_stage."""

from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage
from mmkd_ext.registry import MODELS

from .mutual import MutualLearningDistiller


@MODELS.register_module()
class TwoStageMutualLearningDistiller(MutualLearningDistiller):
    """A `MutualLearningDistiller` whose networks are Faster, Mask or Cascade R-CNNs with an FPN, see `TwoStage`; arguments are the same.

    Example:
        >>> from mmengine.registry import DefaultScope
        >>> narrow = dict(backbone=dict(depth=18), neck=dict(in_channels=[64, 128, 256, 512]))
        >>> student = dict(model='mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', options=narrow)
        >>> losses = dict(peers=dict(type='mmkd_ext.MutualLearningLoss'))
        >>> with DefaultScope.overwrite_default_scope('mmdet'):  # a config's default_scope
        ...     model = MODELS.build(dict(
        ...         type='mmkd_ext.TwoStageMutualLearningDistiller', students=dict(a=student, b=student), losses=losses, input_size=64))
        >>> list(model.networks)
        ['a', 'b']
    """

    kind = TwoStage
