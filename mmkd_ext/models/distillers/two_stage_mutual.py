"""`MutualLearningDistiller` of two-stage detectors, by its registered name."""

from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage
from mmkd_ext.registry import MODELS

from .mutual import MutualLearningDistiller


@MODELS.register_module()
class TwoStageMutualLearningDistiller(MutualLearningDistiller):
    """A `MutualLearningDistiller` whose networks are Faster, Mask or Cascade R-CNNs with an FPN, see `TwoStage`; arguments are the same."""

    kind = TwoStage
