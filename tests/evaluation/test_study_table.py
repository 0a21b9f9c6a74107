"""A study's table and picture: numbers by hand."""

import pytest

from mmkd_ext.evaluation.study_table import differences_table, paired_difference, picture, table


def test_the_table_has_means_and_sample_deviations():
    runs = [
        dict(last=80.0, best=81.0, seconds=10),
        dict(last=82.0, best=82.0, seconds=20),
        dict(last=87.0, best=87.5, seconds=33),
    ]
    lines = table(dict(plain=runs[:1], teskd=runs), 'top1').splitlines()
    assert lines[0].startswith('| variant | top1, last epoch | top1, best epoch | seeds')
    # One run has no deviation. By hand: 83 and sqrt((9 + 1 + 16) / 2); 83.5 and sqrt((6.25 + 2.25 + 16) / 2).
    assert lines[2] == '| plain | 80.00 | 81.00 | 1 | 10 |'
    assert lines[3] == '| teskd | 83.00 ± 3.61 | 83.50 ± 3.50 | 3 | 21 |'
    assert {line.count('|') for line in lines} == {6}


def test_the_picture_has_a_bar_for_each_variant_with_its_deviation_and_seeds():
    runs = [dict(last=80.0, best=81.0), dict(last=82.0, best=82.0), dict(last=87.0, best=87.5)]
    figure = picture(dict(plain=runs[:1], teskd=runs), 'accuracy/top1')
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ['teskd', 'plain']  # the first on top
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([83.0, 80.0])
    segments = [part.get_segments() for part in axes.collections]
    assert len(segments) == 1 and segments[0][0][:, 0] == pytest.approx([83 - 13**0.5, 83 + 13**0.5])  # of one run there is none
    points = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) and line.get_marker() == 'o']
    assert [list(p) for p in points] == [[80.0, 82.0, 87.0], [80.0]]
    assert [text.get_text() for text in axes.texts] == ['83.00 ± 3.61', '80.00']
    low, high = axes.get_xlim()
    assert 70 < low < 80 and 87 < high < 90 and 'does not start at 0' in axes.get_xlabel()


def test_paired_differences_by_hand():
    # differences 1, 2, 6: mean 3, sample deviation sqrt(7), t(0.975, 2) = 4.302653
    mean, half = paired_difference([11.0, 12.0, 16.0], [10.0, 10.0, 10.0])
    assert mean == pytest.approx(3.0) and half == pytest.approx(4.302652729911275 * 7**0.5 / 3**0.5, rel=1e-9)
    assert paired_difference([2.0], [1.5]) == (0.5, float('inf'))
    with pytest.raises(ValueError, match='got 2 and 1'):
        paired_difference([1.0, 2.0], [1.0])
    results = {
        'a': [dict(seed=1, last=0.11), dict(seed=0, last=0.12), dict(seed=2, last=0.16)],
        'b': [dict(seed=0, last=0.10), dict(seed=1, last=0.10), dict(seed=2, last=0.10), dict(seed=3, last=0.9)],
    }
    last = differences_table(results, {'a': 'b'}, scale=100).splitlines()[-1]
    assert last == '| a - b | +3.00 | -3.57 to +9.57 | no | 3 |'


def test_differences_to_several_baselines_and_of_the_other_columns():
    results = {
        name: [dict(seed=seed, last=last + seed, also=dict(one=one - seed)) for seed in (0, 1)]
        for name, last, one in (('a', 5.0, 9.0), ('b', 3.0, 8.0), ('c', 6.0, 2.0))}
    assert differences_table(results, {'a': ['b', 'c'], 'b': 'c'}).splitlines()[2:] == [
        f'| {label} | {mean} | {mean} to {mean} | yes | 2 |'
        for label, mean in (
            ('a - b', '+2.00'), ('a - c', '-1.00'), ('b - c', '-3.00'),
            ('a - b: one', '+1.00'), ('a - c: one', '+7.00'), ('b - c: one', '+6.00'))]
