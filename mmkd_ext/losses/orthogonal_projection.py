"""A trained projection that keeps lengths and angles. N samples, D channels."""

import torch
from torch import Tensor, nn

from .numerics import at_least_float32


class OrthogonalProjection(nn.Module):
    """A linear map without bias whose matrix has orthonormal columns, or rows where it narrows: exactly so at every step.

    The matrix is the orthogonal factor of `weight` (QR with a positive diagonal), so that any optimizer trains it, and neither the size
    of the weight nor weight decay changes it. Widening, it keeps every length and angle; narrowing, those within its rows' span.

    Args:
        in_channels: D of what is projected.
        out_channels: D of the result.

    Shapes:
        x: (N, in_channels).
        returns: (N, out_channels), float32 or better, also under autocast.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.orthogonal_(torch.empty(out_channels, in_channels)))

    def matrix(self) -> Tensor:
        """(out_channels, in_channels)."""
        weight = at_least_float32(self.weight)
        wide = weight.shape[0] < weight.shape[1]
        q, r = torch.linalg.qr(weight.T if wide else weight)
        q = q * torch.where(r.diagonal() < 0, -1.0, 1.0).to(q.dtype)
        return q.T if wide else q

    def forward(self, x: Tensor) -> Tensor:
        """Return the projection."""
        with torch.autocast(x.device.type, enabled=False):
            return at_least_float32(x) @ self.matrix().T
