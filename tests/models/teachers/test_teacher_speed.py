"""A teacher in half precision or compiled: the same answers, whatever the student's precision, and never a stop."""


import pytest
import torch

from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher

SPEC = dict(model='cifar/resnet8', num_classes=10, checkpoint=None, allow_random=True)


def teacher(**kwargs):
    torch.manual_seed(0)
    return FrozenTeacher({**SPEC, 'options': dict(backbone=dict(out_indices=(1, 2, 3))), **kwargs})


@pytest.fixture
def images(rng):
    return torch.randn(3, 3, 16, 16, generator=rng)


def test_half_precision_is_the_teachers_own(images):
    full = teacher()(images)
    half = teacher(precision='bf16')(images)
    assert {x.dtype for x in (*half.stages, half.logits)} == {torch.bfloat16}
    assert [x.shape for x in half.stages] == [x.shape for x in full.stages]
    difference = (half.logits.float() - full.logits).abs().max() / full.logits.abs().max()
    assert 0 < difference < 0.05
    assert half.stages[0].is_contiguous(memory_format=torch.channels_last)


def test_full_precision_stays_within_the_students_autocast(images):
    full = teacher()(images)
    with torch.autocast('cpu', torch.bfloat16):
        as_student, own = teacher()(images), teacher(precision='fp32')(images)
    assert as_student.logits.dtype == torch.bfloat16
    torch.testing.assert_close(own, full, rtol=0, atol=0)


def test_weights_and_so_the_fingerprint_do_not_depend_on_how_it_runs():
    assert teacher().fingerprint() == teacher(precision='bf16').fingerprint()


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="None or one of fp32, bf16, fp16, got 'half'"):
        teacher(precision='half')


def test_on_a_cpu_a_float32_teacher_sees_channels_last_images_and_a_float64_one_as_they_come(images):
    for each, last in ((teacher(), True), (teacher(), False)):
        if not last:
            each.network.double()
        own = each.as_its_own(images)
        assert own.is_contiguous(memory_format=torch.channels_last) == last and own.is_contiguous() != last
        torch.testing.assert_close(own.float(), images, rtol=0, atol=0)
