"""What each method adds to a detector: losses that take their options, and class means where the ND loss is one of them."""

import pytest

from mmkd_ext.journey.detector_methods import DETECTOR_METHODS, detector_hooks, detector_losses
from mmkd_ext.registry import MODELS

KINDS = dict(
    kd='KDLoss', dkd='DKDLoss', dist='DISTLoss', reviewkd='ReviewKDLoss', pkd='PKDLoss', cwd='CWDLoss', mgd='MGDLoss',
    crosskd='CrossKDLoss', ld='LDLoss', nd='NDLoss')


@pytest.mark.parametrize('method', DETECTOR_METHODS)
def test_a_method_is_its_loss_and_with_two_signs_the_nd_loss_beside_it(method):
    losses, plain = detector_losses(method), method.removesuffix('++')
    assert list(losses) == ([plain, 'nd'] if '++' in method else [plain]) and losses[plain]['type'] == f'mmkd_ext.{KINDS[plain]}'
    assert bool(detector_hooks(method)) == ('nd' in losses)
    for loss in losses.values():
        MODELS.get(loss['type'])(**{key: value for key, value in loss.items() if key != 'type'})  # which takes these options
    losses[plain]['type'] = 'other'
    assert detector_losses(method)[plain]['type'] == f'mmkd_ext.{KINDS[plain]}'


def test_every_loss_that_a_kind_of_detector_follows_has_a_method():
    assert {method.removesuffix('++') for method in DETECTOR_METHODS} == set(KINDS)
