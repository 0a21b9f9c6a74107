"""What each method adds to a student: losses and hooks."""

import pytest

from mmkd_ext.journey.methods import METHODS, hooks_of, losses_of
from mmkd_ext.registry import MODELS


def test_the_deepest_stages_are_paired():
    loss = losses_of('reviewkd', (5, 4))['kd']
    assert loss['student_stages'] == (1, 2, 3, 4) and loss['teacher_stages'] == (0, 1, 2, 3)
    assert 'student_stages' not in losses_of('reviewkd', (4, 4))['kd'] and set(losses_of('dkd++')) == {'kd', 'nd'}


@pytest.mark.parametrize('method', METHODS)
def test_a_method_is_its_loss_and_with_two_signs_the_nd_loss_beside_it(method):
    kind = dict(kd='KDLoss', dkd='DKDLoss', dist='DISTLoss', reviewkd='ReviewKDLoss')[method.removesuffix('++')]
    losses, hooks = losses_of(method), [hook['type'] for hook in hooks_of(method, 3)]
    assert losses['kd']['type'] == f'mmkd_ext.{kind}'
    assert (list(losses), hooks) == ((['kd', 'nd'], ['mmkd_ext.ClassMeansHook']) if '++' in method else (['kd'], []))
    for loss in losses.values():
        MODELS.get(loss['type'])(**{key: value for key, value in loss.items() if key != 'type'})  # which takes these options


def test_losses_are_new_ones_every_time():
    losses_of('kd')['kd']['tau'] = 9
    assert losses_of('kd')['kd']['tau'] == 4.0


@pytest.mark.parametrize(('epochs', 'ramp'), [(4, 1), (20, 5), (40, 10), (400, 10)])
def test_the_term_grows_over_a_quarter_of_the_epochs_and_ten_at_most(epochs, ramp):
    assert hooks_of('kd', epochs) == [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=ramp)]
