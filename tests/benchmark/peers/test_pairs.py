"""The pairs of a comparison: the CIFAR networks compute what ours do, the large ones are torchvision's."""

import torch

from mmkd_ext.benchmark.peers.pairs import PAIRS
from mmkd_ext.models.backbones.cifar_resnet import CIFARResNet


def test_the_cifar_networks_are_ours():
    for depth, name in ((56, 'resnet56'), (20, 'resnet20')):
        network, ours = PAIRS['cifar'].network(name), CIFARResNet(depth)
        assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in ours.parameters()) + 64 * 100 + 100
        weights = [x for x in network.state_dict().values()][:-2]
        ours.load_state_dict(dict(zip(ours.state_dict(), weights, strict=True)))
        images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(depth))
        torch.testing.assert_close(network.eval()(images), network.fc(ours.eval()(images)[-1].mean((2, 3))))


def test_the_large_pair_is_torchvision_s():
    pair = PAIRS['imagenet']
    assert (pair.teacher, pair.student, pair.size, pair.batch_size) == ('resnet34', 'resnet18', 224, 16)
    assert sum(p.numel() for p in pair.network('resnet18').parameters()) == 11_689_512 - 990 * 513
