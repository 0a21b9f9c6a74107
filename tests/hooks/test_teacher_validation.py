"""A teacher's validation: whose numbers count, and where its copied metrics write."""

from types import SimpleNamespace

import pytest

from mmkd_ext.hooks import teacher_validation
from mmkd_ext.models.zoo.teacher_record import Record


@pytest.mark.parametrize(('scored', 'size', 'warns'), [(29.2, 10000, True), (54.0, 10000, False), (40.0, 16, False)])
def test_a_teacher_far_below_its_own_record_is_warned_of(monkeypatch, scored, size, warns):
    said = []
    monkeypatch.setattr(teacher_validation, 'print_log', lambda text, *_: said.append(text))
    teacher = SimpleNamespace(name='t', record=Record(metrics={'accuracy/top1': 55.3}))
    teacher_validation.compare_with_record(teacher, {'accuracy/top1': scored}, size)
    assert [f'{scored:.2f} on the validation data, where its checkpoint says 55.30' in text for text in said] == [True] * warns
