"""A step of mutual learning beside each network's own step."""

import pytest
from mmengine.config import Config

from mmkd_ext.benchmark.mutual import mutual_parts
from mmkd_ext.benchmark.sum_of_parts import TeacherAlone

SMALL = dict(model='cifar/resnet8', num_classes=3)


@pytest.mark.parametrize('frozen', [False, True])
def test_each_network_that_trains_has_a_part_and_a_frozen_teacher_one_pass(frozen):
    losses = dict(ml=dict(type='mmkd_ext.MutualLearningLoss'), kd=dict(type='mmkd_ext.KDLoss', tau=2.0))
    teacher = dict(SMALL, checkpoint='absent.pth') if frozen else SMALL
    cfg = Config(dict(default_scope='mmpretrain', model=dict(
        type='mmkd_ext.MutualLearningDistiller', students=dict(a=SMALL, b=SMALL), teacher=teacher,
        freeze_teacher=frozen, losses=losses, input_size=8)))  # fmt: skip
    parts = mutual_parts(cfg)
    assert list(parts) == ['a', 'b', 'teacher', 'ours']
    ours = parts['ours']
    assert all(parts[name] is ours.networks[name] for name in ('a', 'b'))
    assert isinstance(parts['teacher'], TeacherAlone) is frozen and bool(list(parts['teacher'].parameters())) is not frozen
