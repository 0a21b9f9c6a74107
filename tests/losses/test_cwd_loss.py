"""CWD against its formula and its limits."""


import pytest
import torch
from support.maps import outputs
from witnesses.naive_maps import naive_cwd

from mmkd_ext.losses.cwd_loss import CWDLoss, cwd_loss
from mmkd_ext.losses.kd_loss import kd_loss


@pytest.mark.parametrize('tau', [0.5, 1.0, 4.0])
@pytest.mark.parametrize('shape', [(2, 3, 4, 5), (1, 1, 2, 1), (3, 2, 1, 1)])
def test_equals_the_formula(rng, shape, tau):
    student, teacher = 2 * torch.randn(2, *shape, generator=rng, dtype=torch.float64)
    expected = naive_cwd(student, teacher, tau)
    torch.testing.assert_close(cwd_loss(student, teacher, tau), expected, rtol=1e-9, atol=1e-12)
    both = cwd_loss([student, teacher], [teacher, student], tau)  # levels are summed
    torch.testing.assert_close(both, expected + naive_cwd(teacher, student, tau), rtol=1e-9, atol=1e-12)


def test_is_kd_whose_classes_are_places_and_whose_samples_are_channels(rng):
    student, teacher = torch.randn(2, 2, 3, 4, 5, generator=rng, dtype=torch.float64)
    expected = kd_loss(student.reshape(6, 20), teacher.reshape(6, 20), 4.0)
    torch.testing.assert_close(cwd_loss(student, teacher, 4.0), expected)


def test_a_channels_level_does_not_matter_and_neither_does_a_map_of_one_place(rng):
    teacher = torch.randn(2, 3, 4, 4, generator=rng, dtype=torch.float64)
    level = torch.randn(2, 3, 1, 1, generator=rng, dtype=torch.float64)
    zero = torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(cwd_loss(teacher + level, teacher, 2.0), zero, rtol=0, atol=1e-12)
    torch.testing.assert_close(cwd_loss(level, -level, 2.0), zero)
    assert cwd_loss(2 * teacher, teacher, 2.0) > 0.01


def test_a_channel_with_one_peak_is_cross_entropy_with_its_place(rng):
    student = torch.randn(2, 3, 2, 3, generator=rng, dtype=torch.float64)
    places = torch.tensor([[0, 5, 3], [2, 2, 1]])
    teacher = 1e4 * torch.nn.functional.one_hot(places, 6).double().reshape(2, 3, 2, 3)
    expected = torch.nn.functional.cross_entropy(student.reshape(6, 6), places.flatten())
    torch.testing.assert_close(cwd_loss(student, teacher, 1.0), expected)


def test_the_module_is_the_formula_of_its_pairs_times_a_weight(rng):
    student, teacher = outputs(rng, (3, 8, 8), (4, 4, 4)), outputs(rng, (3, 8, 8), (4, 4, 4))
    loss = CWDLoss(tau=2.0, loss_weight=10.0)
    loss.build_for(student, teacher)
    expected = sum(naive_cwd(s.detach(), t.detach(), 2.0) for s, t in zip(student.stages, teacher.stages, strict=True))
    torch.testing.assert_close(loss(student, teacher), 10 * expected, rtol=1e-9, atol=0)
    assert not list(loss.parameters())


def test_maps_of_logits_are_compared_where_it_is_asked_for(rng):
    maps = [torch.randn(2, 3, side, side, generator=rng, dtype=torch.float64) for side in (4, 8)]
    student, teacher = (outputs(rng)._replace(logit_map=x) for x in maps)
    loss = CWDLoss(tau=4.0, loss_weight=3.0, of='logits')
    assert loss.reads('logit_map') and not loss.reads('stages') and CWDLoss().reads('stages') and not CWDLoss().reads('logit_map')
    assert loss.build_for(student, teacher) == [('stage 0 -> 0', '3x4x4', '3x8x8', 'bilinear')]
    larger = torch.nn.functional.interpolate(student.logit_map, (8, 8), mode='bilinear', align_corners=False)
    torch.testing.assert_close(loss(student, teacher), 3 * naive_cwd(larger, teacher.logit_map, 4.0), rtol=1e-4, atol=1e-6)
    for wrong in (dict(of='maps'), dict(of='logits', student_stages=[0])):
        with pytest.raises(ValueError, match="CWDLoss needs of to be 'stages' or 'logits'"):
            CWDLoss(**wrong)
