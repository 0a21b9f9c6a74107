"""The model inside of DistributedDataParallel or another wrapper."""

from typing import Any

from mmengine.model import is_model_wrapper


def unwrapped(model: Any) -> Any:
    """The model itself, out of DDP's or another wrapper."""
    return model.module if is_model_wrapper(model) else model
