"""Every method pairs networks of several sources before any training; the deepest stages where one has more."""

from pathlib import Path

import pytest

from mmkd_ext.errors import PreflightError
from mmkd_ext.journey.image_folder import Images
from mmkd_ext.journey.methods import METHODS, losses_of
from mmkd_ext.journey.networks import chosen_network, with_stages
from mmkd_ext.journey.settings import settings_for
from mmkd_ext.journey.step_configs import check_pair

IMAGES = Images(Path(), ('a', 'b', 'c'), [('x', 0)] * 24, [('y', 0)], 32)


PAIRS = [('timm/resnet18', 'cifar/resnet14'), ('mmpretrain::mobilenet-v2_8xb32_in1k', 'timm/resnet18')]


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize(('student', 'teacher'), PAIRS)
def test_a_pair_can_be_compared_by_every_method(student, teacher, method):
    pair = chosen_network(student, 3, '--student', True), chosen_network(teacher, 3, '--teacher', True)
    check_pair(*pair, settings_for(IMAGES, *pair), method)


def test_the_head_still_takes_the_last_stage():
    model = chosen_network('mmpretrain::mobilenet-v2_8xb32_in1k', 3, '--student', True).model
    assert with_stages(model).backbone.out_indices == (1, 2, 4, 7)
    assert with_stages(chosen_network('mmpretrain::resnet18_8xb32_in1k', 3, '--student', True).model).backbone.out_indices == (0, 1, 2, 3)


def test_the_deepest_stages_are_paired():
    loss = losses_of('reviewkd', (5, 4))['kd']
    assert loss['student_stages'] == (1, 2, 3, 4) and loss['teacher_stages'] == (0, 1, 2, 3)
    assert 'student_stages' not in losses_of('reviewkd', (4, 4))['kd'] and set(losses_of('dkd++')) == {'kd', 'nd'}


def test_a_pair_that_cannot_be_compared_is_one_sentence_before_any_training(monkeypatch):
    monkeypatch.setattr('mmkd_ext.journey.step_configs.count_stages', lambda model, side: 1)  # leaves all stages of both
    pair = chosen_network('timm/resnet18', 3, '--student', True), chosen_network('cifar/resnet14', 3, '--teacher', True)
    match = '--method reviewkd can compare are needed, got timm/resnet18 and cifar/resnet14: .* per student level'
    with pytest.raises(PreflightError, match=match):
        check_pair(*pair, settings_for(IMAGES, *pair), 'reviewkd')
