"""Growth along an axis: the straight line and what lies off it by hand, and the networks that are added up."""

import pytest
from support.runs import one_thread

from mmkd_ext.benchmark import growth as growth_module
from mmkd_ext.benchmark.growth import AXES, Growth, _parts, measure_growth


def test_the_line_through_medians_and_what_lies_off_it():
    growth = Growth('batch', [1, 2, 3], ours=[[2.0, 2.0, 90.0], [4.0, 4.0], [6.0]], networks=[[1.0], [3.0], [2.0]], peaks=[5.0, 5.0, 5.0])
    assert growth.line('ours') == pytest.approx((2.0, 0.0))
    # nearest to 1, 3, 2: slope 1/2 through the mean 2, so 1.5, 2, 2.5; the middle lies off it by 1 of at most 3
    assert growth.line('networks') == pytest.approx((0.5, 1 / 3))
    assert growth.line('peaks') == pytest.approx((0.0, 0.0))


@pytest.mark.parametrize(('axis', 'place', 'names'), [
    ('students', 3, ['ours', 'student0', 'student1', 'student2']),
    ('teachers', 2, ['ours', 'student', 'teacher0', 'teacher1']),
    ('supervised stages', 2, ['ours', 'student with branches', 'teacher0']),
    ('classes', 1000, ['ours', 'student', 'teacher0']),
])
def test_the_networks_of_a_place(axis, place, names):
    cfg, batch = AXES[axis][1](place)
    parts = _parts(cfg)
    assert sorted(parts) == names and batch == 64
    if axis == 'supervised stages':
        assert len(parts['ours'].distill['dskd'].branches) == 2
    if axis == 'classes':
        assert parts['ours'].student.head.fc.out_features == 1000


def test_the_batch_is_the_place_of_its_axis():
    assert AXES['batch'][1](128)[1] == 128


def test_a_walk_keeps_every_counted_round(monkeypatch):
    title, place = AXES['teachers']
    monkeypatch.setitem(AXES, 'teachers', (title, lambda number: (place(number)[0], 4)))  # images a batch instead of 64
    monkeypatch.setattr(growth_module, '_LOOKED_AT', 8)
    with one_thread():
        growth = measure_growth('teachers', passes=2, rounds=1, places=[1, 2])
    assert [len(each) for each in (*growth.ours, *growth.networks)] == [2] * 4 and min(growth.ours[0]) > 0
    assert len(growth.peaks) == 2 and all(peak < float('inf') for peak in growth.peaks)
