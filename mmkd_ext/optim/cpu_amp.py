"""CPUAmpOptimWrapper: bfloat16 mixed precision on a CPU."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmkd_ext.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """bfloat16 autocast on a CPU; mmengine's `AmpOptimWrapper` insists on a GPU.

    bfloat16 has float32's range, so the loss needs no scaling and the checkpoint holds no scaler.

    Example:
        >>> import torch
        >>> model = nn.Linear(2, 1)
        >>> wrapper = CPUAmpOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
        >>> with wrapper.optim_context(model):
        ...     print(model(torch.ones(1, 2)).dtype)
        torch.bfloat16
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """The context of mmengine's `OptimWrapper`, with autocast inside."""
        with super().optim_context(model), cpu_autocast(model):
            yield


@contextmanager
def cpu_autocast(model: nn.Module) -> Iterator[None]:
    """bfloat16 autocast in which a detector proposes and pools in float32."""
    with torch.autocast('cpu', dtype=torch.bfloat16), proposing_in_float32(model):
        yield


@contextmanager
def proposing_in_float32(model: nn.Module) -> Iterator[None]:
    """Inside, a detector's dense heads and extractors of regions speak float32: mmcv's NMS and RoIAlign know no bfloat16 on a CPU."""
    with ExitStack() as stack:
        for module in model.modules():
            if hasattr(module, 'roi_layers'):  # an extractor of mmdet
                stack.callback(module.register_forward_pre_hook(lambda _, args: (_in_float32(args[0]), *args[1:])).remove)
            elif hasattr(module, 'prior_generator'):  # a dense head of mmdet
                stack.callback(module.register_forward_hook(lambda *args: tuple(map(_in_float32, args[2]))).remove)
        yield


def _in_float32(maps: Sequence[Tensor]) -> list[Tensor]:
    return [x.float().contiguous() for x in maps]
