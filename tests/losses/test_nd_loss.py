"""ND against its formula, its limits and the golden numbers; its module's projection and class means."""

import copy

import pytest
import torch
from support import golden
from torch import Tensor, nn
from witnesses.naive_nd import naive_nd

from mmkd_ext.losses.nd_loss import NDLoss, nd_loss
from mmkd_ext.models.outputs.outputs import Outputs


def drawn(rng: torch.Generator, n: int = 6, k: int = 4, d: int = 5) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    student, teacher = torch.randn(2, n, d, generator=rng, dtype=torch.float64)
    target = torch.randint(k, (n,), generator=rng)
    return student, teacher, target, torch.randn(k, d, generator=rng, dtype=torch.float64)


@pytest.mark.parametrize('length', [0.1, 1.0, 10.0])
def test_equals_the_formula(rng, length):
    student, teacher, target, means = drawn(rng)
    expected = naive_nd(length * student, teacher, target, means)
    torch.testing.assert_close(nd_loss(length * student, teacher, target, means), expected)


@pytest.mark.parametrize('case', golden.load('losses')['nd'], ids=lambda case: f'salt={case["salt"]}')
def test_equals_the_golden_numbers(case):
    shape = (case['B'], case['D'])
    student = (golden.uniform(shape, case['salt']) * case['student_scale']).requires_grad_()
    teacher = golden.uniform(shape, case['salt'] + 1)
    means = golden.uniform((case['C'], case['D']), case['salt'] + 2)
    assert int((student.norm(dim=1) > teacher.norm(dim=1)).sum()) == case['n_student_longer']
    loss = nd_loss(student, teacher, torch.tensor(case['target']), means)
    loss.backward()
    assert loss.item() == pytest.approx(case['nd'], rel=1e-9)
    assert student.grad.norm().item() == pytest.approx(case['grad_norm'], rel=1e-9)


def test_is_zero_for_the_right_direction_and_length_and_grows_as_it_shortens(rng):
    _, teacher, target, means = drawn(rng)
    direction = means[target] / means[target].norm(dim=1, keepdim=True)
    length = teacher.norm(dim=1, keepdim=True)
    for factor, expected in ((3.0, 0.0), (1.0, 0.0), (0.25, 0.75), (-1.0, 2.0)):
        loss = nd_loss(factor * length * direction, teacher, target, means)
        assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_length_is_pulled_up_to_the_teacher_s_and_no_further(rng):
    student, teacher, target, means = drawn(rng)
    student = student * (student * means[target]).sum(1, keepdim=True).sign()  # all within 90 degrees of their class
    for factor, is_pulled in ((0.5, True), (1.0, False), (2.0, False)):
        # the same entries in another order have the same norm to the last bit of a sum in that order: a tie
        s = (factor * teacher.norm(dim=1, keepdim=True) * student / student.norm(dim=1, keepdim=True)).requires_grad_()
        if factor == 1.0:
            s = teacher.clone().requires_grad_()
        nd_loss(s, teacher, target, means).backward()
        radial = (s.grad * s.detach()).sum(dim=1)
        assert bool((radial < -1e-3).all()) is is_pulled
        assert is_pulled or radial.abs().max() < 1e-12


def test_does_not_change_with_the_length_of_the_class_means_or_a_common_scale(rng):
    student, teacher, target, means = drawn(rng)
    expected = nd_loss(student, teacher, target, means)
    torch.testing.assert_close(nd_loss(student, teacher, target, 1e-20 * means), expected)
    torch.testing.assert_close(nd_loss(1e30 * student, 1e30 * teacher, target, means), expected)
    single = nd_loss(1e30 * student.float(), 1e30 * teacher.float(), target, 1e-15 * means)
    torch.testing.assert_close(single, expected.float())


@pytest.mark.parametrize('zero', ['student', 'both', 'class mean'])
def test_a_zero_vector_counts_1_and_sends_no_nan(rng, zero):
    student, teacher, target, means = drawn(rng, n=1)
    student = torch.zeros_like(student) if zero != 'class mean' else student
    teacher = torch.zeros_like(teacher) if zero == 'both' else teacher
    means = torch.zeros_like(means) if zero == 'class mean' else means
    student.requires_grad_()
    loss = nd_loss(student, teacher, target, means)
    loss.backward()
    expected = torch.zeros_like(student)
    if zero == 'student':  # it still learns where to go
        expected = -means[target] / means[target].norm() / teacher.norm()
    torch.testing.assert_close(loss.item(), 1.0)
    torch.testing.assert_close(student.grad, expected)


def test_soft_labels_mix_the_class_means(rng):
    student, teacher, target, means = drawn(rng)
    soft = torch.rand(6, 4, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(nd_loss(student, teacher, soft, means), naive_nd(student, teacher, soft, means))
    one_hot = nn.functional.one_hot(target, 4)
    torch.testing.assert_close(
        nd_loss(student, teacher, one_hot.float(), means), nd_loss(student, teacher, target, means))


@pytest.mark.parametrize('label', [-1, 4])
def test_a_label_without_a_class_mean_is_refused_and_not_taken_from_the_end(rng, label):
    student, teacher, target, means = drawn(rng)
    target[2] = label
    with pytest.raises((IndexError, RuntimeError), match='range|index'):
        nd_loss(student, teacher, target, means)


@pytest.mark.parametrize('means', [torch.ones(4, 6), torch.ones(5)], ids=['another width', 'a vector'])
def test_class_means_of_another_width_are_refused(rng, means):
    student, teacher, target, _ = drawn(rng)
    with pytest.raises(ValueError, match=r'class means \(K, 5\)') as error:
        nd_loss(student, teacher, target, means)
    assert str(tuple(means.shape)) in str(error.value)


@pytest.mark.parametrize('target', [torch.ones(6), torch.ones(6, 3), torch.ones(5, dtype=torch.long)])
def test_labels_of_another_shape_are_refused(rng, target):
    student, teacher, _, means = drawn(rng)
    with pytest.raises(ValueError, match=r'labels \(6,\) or soft labels \(6, 4\)') as error:
        nd_loss(student, teacher, target, means)
    assert str(tuple(target.shape)) in str(error.value)


def outputs(rng: torch.Generator, width: int) -> Outputs:
    return Outputs((), torch.randn(6, width, generator=rng), torch.randn(6, 4, generator=rng))


def test_projection_is_there_only_where_widths_differ(rng):
    same, wider = NDLoss(), NDLoss()
    assert same.build_for(outputs(rng, 5), outputs(rng, 5)) == [('embedding', '5', '5', 'none')]
    rows = wider.build_for(outputs(rng, 3), outputs(rng, 5))
    assert rows == [('embedding', '3', '5', 'BatchNorm, Dropout(0.5), Linear(3, 5)')]
    assert not list(same.parameters())
    assert [type(layer) for layer in wider.projection] == [nn.BatchNorm1d, nn.Dropout, nn.Linear]
    assert {k: tuple(v.shape) for k, v in wider.projection.named_parameters()} == {
        '0.weight': (3,), '0.bias': (3,), '2.weight': (5, 3), '2.bias': (5,)}


def test_projected_loss_is_the_function_of_the_projection_and_trains_it(rng):
    torch.manual_seed(0)
    loss = NDLoss(2.0, student_channels=3, teacher_channels=5, dropout=0.0)
    loss.set_class_means(torch.randn(4, 5, generator=rng))
    student, teacher, target = outputs(rng, 3), outputs(rng, 5), torch.tensor([0, 1, 2, 3, 0, 1])
    x = student.embedding
    normed = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()
    projected = normed @ loss.projection[2].weight.T + loss.projection[2].bias
    value = loss(student, teacher, target)
    torch.testing.assert_close(value, 2 * nd_loss(projected, teacher.embedding, target, loss.class_means))
    value.backward()
    assert all(p.grad.abs().sum() > 0 for p in loss.projection[2].parameters())


def test_building_twice_keeps_the_projection_and_other_networks_are_refused(rng):
    loss = NDLoss(student_channels=3, teacher_channels=5)
    projection = loss.projection
    loss.build_for(outputs(rng, 3), outputs(rng, 5))
    assert loss.projection is projection
    with pytest.raises(ValueError, match=r'student_channels=3.*\(6, 4\) and \(6, 5\)'):
        loss.build_for(outputs(rng, 4), outputs(rng, 5))


def test_one_width_alone_is_refused():
    with pytest.raises(ValueError, match='student_channels and teacher_channels or neither, got 3 and None'):
        NDLoss(student_channels=3)


def test_without_class_means_it_says_where_they_come_from(rng):
    with pytest.raises(RuntimeError, match='ClassMeansHook'):
        NDLoss()(outputs(rng, 5), outputs(rng, 5), torch.zeros(6, dtype=torch.long))


def test_classes_without_a_mean_are_named(rng):
    means = torch.randn(9, 5, generator=rng)
    means[3] = 0
    means[7, 1] = float('nan')
    with pytest.raises(ValueError, match=r'none for 3, 7\. Are these in the training data'):
        NDLoss().set_class_means(means)


@pytest.mark.parametrize('means', [torch.ones(4, 6), torch.ones(5), torch.ones(4, 5, dtype=torch.long)])
def test_class_means_that_do_not_fit_the_teacher_are_refused(means):
    with pytest.raises(ValueError, match=r'\(K, 5\)'):
        NDLoss(student_channels=3, teacher_channels=5).set_class_means(means)


def test_class_means_are_part_of_the_state_of_a_fresh_loss_too(rng):
    saved = NDLoss(student_channels=3, teacher_channels=5)
    saved.set_class_means(torch.randn(4, 5, generator=rng, dtype=torch.float64))
    fresh = NDLoss(student_channels=3, teacher_channels=5)
    fresh.load_state_dict(copy.deepcopy(saved.state_dict()))
    torch.testing.assert_close(fresh.class_means, saved.class_means, rtol=0, atol=0)
    assert fresh.class_means is not saved.class_means
    fresh.set_class_means(torch.ones(7, 5))
    fresh.load_state_dict(saved.state_dict())
    torch.testing.assert_close(fresh.class_means, saved.class_means, rtol=0, atol=0)


def test_class_means_are_copied(rng):
    means = torch.randn(4, 5, generator=rng)
    loss = NDLoss()
    loss.set_class_means(means)
    expected = means.clone()
    means.zero_()
    torch.testing.assert_close(loss.class_means, expected)


@pytest.mark.parametrize(
    'target', [torch.tensor([0, 1, 3, 3, 1, 0]), torch.arange(30.0).reshape(6, 5) * torch.tensor([1, 1, 0, 1, 0])], ids=['hard', 'soft'])
def test_a_class_that_never_occurs_changes_nothing_for_the_others(rng, target):
    means = torch.randn(5, 4, generator=rng, dtype=torch.float64)
    loss, student, teacher = NDLoss(), outputs(rng, 4), outputs(rng, 4)
    loss.set_class_means(means)
    expected = loss(student, teacher, target)
    means[[2, 4]] = torch.nan
    loss.set_class_means(means, ['cat', 'dog', 'hen', 'owl', 'emu'])
    torch.testing.assert_close(loss(student, teacher, target), expected, rtol=0, atol=0)
    assert all(torch.isfinite(each) for each in loss.diagnostics.values())
    assert loss.class_means.isfinite().all()  # a checkpoint has to be


@pytest.mark.parametrize('soft', [False, True])
def test_a_sample_of_a_class_without_a_mean_is_named_and_on_a_gpu_nan(rng, soft, monkeypatch):
    means = torch.randn(5, 4, generator=rng)
    means[[2, 4]] = torch.nan
    made = NDLoss()
    made.set_class_means(means, ['cat', 'dog', 'hen', 'owl', 'emu'])
    read = NDLoss()  # from a checkpoint, which has no names
    read.load_state_dict(copy.deepcopy(made.state_dict()))
    target = torch.tensor([0, 1, 4, 3, 1, 0])
    target = nn.functional.one_hot(target, 5).float() if soft else target
    for loss, name in ((made, r'4 \(emu\)'), (read, '4'), (copy.deepcopy(made), r'4 \(emu\)')):
        with pytest.raises(ValueError, match=f'got a sample of {name} in a batch'):
            loss(outputs(rng, 4), outputs(rng, 4), target)
    monkeypatch.setattr('mmkd_ext.losses.base.refuse_samples_without_mean', lambda *_, **__: None)  # as where a look would wait
    assert made(outputs(rng, 4), outputs(rng, 4), target).isnan()
    assert made(outputs(rng, 4), outputs(rng, 4), target[:2].repeat(3, 1) if soft else target[:2].repeat(3)).isfinite()


def test_no_class_with_a_mean_is_refused():
    with pytest.raises(ValueError, match='each of 3 classes; got none for 0, 1, 2'):
        NDLoss().set_class_means(torch.full((3, 4), torch.nan))
