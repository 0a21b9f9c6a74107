"""Networks of the CIFAR zoo, and their golden numbers."""

from typing import Any

import mmpretrain.models  # noqa: F401  (registers mmpretrain's classifier)
import pytest
import torch
from mmpretrain.registry import MODELS
from support import golden
from torch import nn

from mmkd_ext.models.zoo.cifar_zoo import CIFAR_ZOO, cifar_zoo_classifier

GOLDEN = golden.load('cifar_zoo')
SMALL = ('resnet8', 'wrn_16_1', 'vgg8', 'MobileNetV2', 'ShuffleV1', 'ShuffleV2')


def build(arch: str, **backbone: Any) -> nn.Module:
    config = cifar_zoo_classifier(arch)
    config['backbone'].update(backbone)
    return MODELS.build(config)


def of_golden_numbers(backbone: str) -> list[str]:
    """Architectures of a backbone whose golden numbers there are."""
    return [arch for arch in GOLDEN['models'] if CIFAR_ZOO[arch]['type'] == backbone]


def check_golden_numbers(arch: str) -> None:
    """Parameters, shapes of the stages, embedding and logits of an architecture are the published network's."""
    expected = GOLDEN['models'][arch]
    stages = len(expected['stage_shapes'])
    net = golden.fill_by_shape(build(arch, out_indices=range(stages + 1))).double().eval()
    with torch.no_grad():
        maps = net.backbone(golden.uniform((2, 3, 32, 32), 7))
        embedding = net.head.pre_logits(net.neck(maps))
        logits = net.head(net.neck(maps))
    assert sum(p.numel() for p in net.parameters()) == expected['params']
    assert [list(m.shape) for m in maps[:-1]] == expected['stage_shapes']
    assert tuple(m.shape[1] for m in maps) == net.backbone.out_channels
    assert embedding.shape == (2, expected['embedding_dim'])
    assert embedding.norm().item() == pytest.approx(expected['embedding_norm'], rel=1e-9)
    assert logits.norm().item() == pytest.approx(expected['logits_norm'], rel=1e-9)
    first = torch.tensor(expected['logits_first8'], dtype=torch.float64)
    torch.testing.assert_close(logits[:, :8], first, rtol=1e-9, atol=1e-12)
