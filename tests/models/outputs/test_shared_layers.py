"""The layers that losses share are those of the backbone that train."""

from types import SimpleNamespace

from torch import nn

from mmkd_ext.models.outputs.shared_layers import shared_parameters


def test_frozen_parameters_and_heads_are_left_out():
    backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1))
    backbone[0].requires_grad_(False)
    assert shared_parameters(SimpleNamespace(backbone=backbone, head=nn.Linear(5, 2))) == list(backbone[1].parameters())
