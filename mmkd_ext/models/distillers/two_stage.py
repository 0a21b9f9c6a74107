"""`OfflineDistiller` of two-stage detectors, by its registered name."""

from typing import Any

from mmkd_ext.models.outputs.kinds.two_stage.kind import TwoStage
from mmkd_ext.registry import MODELS

from .chance import ChanceWatch
from .offline import OfflineDistiller


@MODELS.register_module()
class TwoStageDistiller(OfflineDistiller):
    """An `OfflineDistiller` whose networks are Faster, Mask or Cascade R-CNNs with an FPN, see `TwoStage`; arguments are the same."""

    kind = TwoStage
    teachers: dict[str, Any]

    @property
    def _foreground_chance(self) -> dict[str, ChanceWatch]:
        return self._chance
