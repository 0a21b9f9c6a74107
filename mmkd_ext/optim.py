"""Mixed precision where there is no GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmkd_ext.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """bfloat16 autocast on a CPU; the host's `AmpOptimWrapper` insists on a GPU.

    bfloat16 has float32's range, so the loss needs no scaling and the checkpoint holds no scaler.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """The host's context, with autocast inside."""
        with super().optim_context(model), torch.autocast('cpu', dtype=torch.bfloat16):
            yield
