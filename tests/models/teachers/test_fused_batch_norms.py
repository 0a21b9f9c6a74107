"""BatchNorms go into convolutions, and a network of which that would change anything is given back."""

import torch

from mmkd_ext.models.teachers.fused_batch_norms import without_batch_norms


def test_batch_norms_go_into_convolutions_only_where_nothing_changes(rng):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Conv2d(4, 5, 1)).eval()
    network[1].running_mean.uniform_(-1, 1), network[1].running_var.uniform_(0.5, 2)
    fused = without_batch_norms(network)
    assert fused is not network and not any(isinstance(m, torch.nn.BatchNorm2d) for m in fused.modules())
    assert not any(m.training for m in fused.modules()) and not any(p.requires_grad for p in fused.parameters())
    with torch.autocast('cpu', torch.bfloat16):
        assert without_batch_norms(network) is not network
    images = torch.randn(2, 3, 9, 9, generator=rng)
    torch.testing.assert_close(fused(images), network(images))

    class Other(torch.nn.Module):  # normalises first
        def __init__(self):
            super().__init__()
            self.conv, self.norm = torch.nn.Conv2d(3, 3, 1), torch.nn.BatchNorm2d(3)
            self.norm.running_mean.fill_(3.0)

        def forward(self, x):
            return self.conv(self.norm(x))

    other = Other().eval()
    assert without_batch_norms(other) is other
    grey = torch.nn.Conv2d(1, 2, 1).eval()
    assert without_batch_norms(grey) is grey
