"""Random stages of a student or teacher, for the losses between maps."""

import torch

from mmkd_ext.models.outputs.outputs import Outputs


def outputs(rng, *shapes, n=2):
    """Random stages (N, C, H, W) in float64, with an embedding and logits that nothing here reads."""
    maps = [torch.randn(n, *shape, generator=rng, dtype=torch.float64).requires_grad_() for shape in shapes]
    return Outputs(tuple(maps), torch.zeros(n, 3), torch.zeros(n, 5))
