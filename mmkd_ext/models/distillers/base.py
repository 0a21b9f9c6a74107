"""ByKind, the base class of the distillers: a step, compiled or not, and class means, by the kind of network."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.models.outputs.kinds.base import Kind
from mmkd_ext.models.outputs.outputs import Outputs


class ByKind:
    """A distiller of networks of one kind.

    Attributes:
        kind: Of its networks; None of the class: as a config tells.
        reader: The student (the first one), read as that kind.
        num_classes: K.
    """

    kind: type[Kind] = None  # type: ignore[assignment]
    reader: Kind
    num_classes: Any

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """Return the networks' own terms, those of `losses`, and diagnostics, whose names have no `loss` in them."""
        return self._terms(inputs, data_samples) if self.kind.compiles else self._uncompiled(inputs, data_samples)

    @torch.compiler.disable
    def _uncompiled(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        return self._terms(inputs, data_samples)

    @abstractmethod
    def _terms(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """See `loss`."""

    def class_mean_names(self, classes: Sequence[str] | None) -> list[str]:
        """Of the rows of the class means, by the data's names of the classes; a `ValueError` for another number than the student's."""
        return self.reader.class_mean_names(classes, self.num_classes)

    def class_mean_samples(self, teacher: Any, data: Mapping[str, Any]) -> tuple[Outputs, Tensor]:
        """A frozen teacher's outputs for the samples of a batch, and the row of each."""
        return self.reader.class_mean_samples(teacher, data, self.num_classes)

    @property
    def class_mean_provenance(self) -> str | None:
        """What the choice of the samples depends on besides the data; None where on nothing."""
        return self.reader.class_mean_provenance()
