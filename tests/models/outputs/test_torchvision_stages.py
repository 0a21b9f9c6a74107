"""A torchvision ResNet's stages before their last ReLU, as ReviewKD takes them from the teacher."""

import pytest
import torch

from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher
from mmkd_ext.models.zoo.frozen_network import build_network


def said(name, images, **options):
    torch.manual_seed(0)
    teacher = FrozenTeacher(dict(model=name, checkpoint=None, allow_random=True, num_classes=7, options=options))
    return teacher, teacher(images)


@pytest.mark.parametrize('name', ['torchvision/resnet18', 'torchvision/resnet50'])
def test_they_become_the_stages_by_a_relu_and_nothing_else_changes(rng, name):
    images = torch.randn(2, 3, 64, 64, generator=rng)
    _, after = said(name, images)
    teacher, before = said(name, images, pre_activation=True)
    assert len(before.stages) == len(after.stages) == 4
    for raw, stage in zip(before.stages, after.stages, strict=True):
        assert (raw < 0).any() and (stage >= 0).all()
        torch.testing.assert_close(raw.relu(), stage, rtol=0, atol=0)
    torch.testing.assert_close(before.logits, after.logits, rtol=0, atol=0)
    torch.testing.assert_close(before.embedding, after.embedding, rtol=0, atol=0)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in teacher.network.modules())


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match="one of torchvision's ResNets, got torchvision/squeezenet1_1"):
        build_network(dict(
            model='torchvision/squeezenet1_1', checkpoint=None, allow_random=True, options=dict(pre_activation=True)))
