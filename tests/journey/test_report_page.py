"""The page that a journey ends with: its numbers by hand, its commands, and what is not known."""

from pathlib import Path

import pytest

from mmkd_ext.journey.report_page import report_page
from mmkd_ext.journey.step_configs import steps_of

SIZES = dict(teacher=1234567, student=890)


@pytest.fixture
def shipped(tmp_path):
    (tmp_path / 'student.pth').write_bytes(b'x' * 1_230_000)
    return [tmp_path / 'student.pth']


def page(accuracies, seeds, shipped, teacher=True, alone=True):
    steps = steps_of(Path('out'), seeds, teacher, alone)
    return report_page('mmkd distill --data x', steps, accuracies, SIZES, shipped, ['a remark'])


def test_means_deviations_and_the_difference_are_those_of_the_seeds(shipped):
    accuracies = dict(
        teacher=90.0, alone_seed0=80.0, alone_seed1=82.0, alone_seed2=87.0, distil_seed0=81.0, distil_seed1=84.0, distil_seed2=93.0)
    text = page(accuracies, range(3), shipped)
    assert '| teacher | 90.00 | 1 | 1,234,567 |' in text
    assert '| student alone | 83.00 ± 3.61 | 3 | 890 |' in text and '| student distilled | 86.00 ± 6.24 | 3 | 890 |' in text
    # differences 1, 2, 6: mean 3, deviation sqrt(7), t(0.975, 2) = 4.3027: 3 +- 6.57
    assert 'Distillation: +3.00 points over the student alone (95 % interval -3.57 to +9.57, 3 paired seeds).' in text
    assert '- `student.pth` (1.23 MB)' in text and '- a remark' in text and '`mmkd distill --data x`' in text


def test_one_seed_has_no_interval_and_a_teacher_that_was_given_no_row(shipped):
    text = page(dict(alone_seed0=80.0, distil_seed0=79.5), [0], shipped, teacher=False)
    assert 'Distillation: -0.50 points over the student alone, one seed, so without an interval' in text
    assert '| teacher |' not in text and '| student alone | 80.00 | 1 | 890 |' in text


def test_without_the_student_alone_nothing_is_said_of_a_gain(shipped):
    text = page(dict(teacher=90.0, distil_seed0=81.0), [0], shipped, alone=False)
    assert 'what distillation gave is not known' in text and 'student alone |' not in text and 'points' not in text


def test_the_commands_repeat_every_training_and_test_and_export_the_last(shipped):
    text = page(dict(alone_seed0=80.0, distil_seed0=81.0), [0], shipped, teacher=False)
    assert text.split('```bash\n')[1].split('```')[0].splitlines() == [
        'mmkd train out/alone_seed0.py', 'mmkd train out/distil_seed0.py',
        'mmkd test out/distil_seed0.py out/runs/distil_seed0/epoch_N.pth',
        'mmkd export out/distil_seed0.py out/runs/distil_seed0/epoch_N.pth student.pth']
