"""Every method pairs networks of several sources before any training; the deepest stages where one has more."""

from pathlib import Path

import pytest

from mmkd_ext.errors import PreflightError
from mmkd_ext.journey.image_folder import Images
from mmkd_ext.journey.methods import METHODS
from mmkd_ext.journey.networks import chosen_network
from mmkd_ext.journey.settings import settings_for
from mmkd_ext.journey.step_configs import check_pair

IMAGES = Images(Path(), ('a', 'b', 'c'), [('x', 0)] * 24, [('y', 0)], 32)


PAIRS = [('timm/resnet18', 'cifar/resnet14'), ('mmpretrain::mobilenet-v2_8xb32_in1k', 'timm/resnet18')]


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize(('student', 'teacher'), PAIRS)
def test_a_pair_can_be_compared_by_every_method(student, teacher, method):
    pair = chosen_network(student, 3, '--student', True), chosen_network(teacher, 3, '--teacher', True)
    check_pair(*pair, settings_for(IMAGES, *pair), method)


def test_a_pair_that_cannot_be_compared_is_one_sentence_before_any_training(monkeypatch):
    monkeypatch.setattr('mmkd_ext.journey.step_configs.count_stages', lambda model, side: 1)  # leaves all stages of both
    pair = chosen_network('timm/resnet18', 3, '--student', True), chosen_network('cifar/resnet14', 3, '--teacher', True)
    match = '--method reviewkd can compare are needed, got timm/resnet18 and cifar/resnet14: .* per student level'
    with pytest.raises(PreflightError, match=match):
        check_pair(*pair, settings_for(IMAGES, *pair), 'reviewkd')
