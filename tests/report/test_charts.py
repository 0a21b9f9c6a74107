"""Which term is drawn in which figure, with every run in its group's colour."""

from pathlib import Path

import numpy as np
import pytest

from mmkd_ext.evaluation.run_logs import Curve, Run
from mmkd_ext.report.calibration import reliability
from mmkd_ext.report.charts import colours, confusion_figure, curve_figures, metric_figure, reliability_figure
from mmkd_ext.report.groups import TRAINED, Group
from mmkd_ext.report.scores import over_seeds
from mmkd_ext.report.trained_runs import TrainedRun


def group(name, *logs):
    return Group(name, TRAINED, [TrainedRun(Path(name), log=log) for log in logs], False, None)


def log(points=3, **terms):
    keys = {'loss': 1.0, 'loss_kd': 0.5, 'kd_norm': 2.0, 'student_top1': 50.0, 'lr': 0.1, **terms}
    curves = {Curve(key): [(i, value / i) for i in range(1, points + 1)] for key, value in keys.items()}
    return Run({**curves, Curve('accuracy/top1', True): [(1, 30.0), (2, 40.0)], Curve('fixed'): [(1, 5.0), (2, 5.0)]}, 1.0)


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_each_term_has_a_panel_in_the_figure_of_its_kind():
    figures = curve_figures([group('a', log(), log()), group('b', log(loss_extra=1.0))])
    assert {name: titles(figure) for name, figure in figures.items()} == {
        'Losses': ['loss', 'loss_kd', 'loss_extra'], 'Validation': ['accuracy/top1'], 'Accuracy while training': ['student_top1'],
        'Other terms': ['kd_norm'], 'Learning rate': ['lr']}
    first, second = colours([group('a'), group('b')])
    assert [line.get_color() for line in figures['Losses'].axes[0].get_lines()] == [first, first, second]
    assert figures['Losses'].axes[0].get_lines()[0].get_ydata().tolist() == [1.0, 0.5, pytest.approx(1 / 3)]


def test_a_long_curve_is_thinned_to_means_of_neighbours():
    (line,) = curve_figures([group('a', log(points=9000))])['Losses'].axes[0].get_lines()
    assert len(line.get_xdata()) == 300 and line.get_ydata()[-1] == pytest.approx(np.mean([1 / i for i in range(8971, 9001)]))


def test_no_curve_is_no_figure():
    assert curve_figures([group('a', None)]) == {}


def test_metrics_have_a_point_a_seed_and_a_line_where_there_is_an_interval():
    figure = metric_figure([('a $x^$', over_seeds([1.0, 2.0]), '#000000'), ('b', over_seeds([3.0]), '#111111')], 'accuracy')
    (axes,) = figure.axes
    drawn = [line.get_xdata() for line in axes.get_lines()]
    assert [list(each) for each in drawn[1:]] == [[1.5], [1.0, 2.0], [3.0], [3.0]]
    assert (drawn[0][0] + drawn[0][1]) / 2 == pytest.approx(1.5)
    assert [label.get_text() for label in axes.get_yticklabels()] == ['b', r'a \$x^\$']


def test_reliability_has_a_panel_for_each_network_and_a_bar_for_each_bin():
    scores, labels = np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 0])
    figure = reliability_figure({'one': reliability(scores, labels, 10), 'two': reliability(scores, labels, 10)})
    assert titles(figure) == ['one: ECE 35.0 %', 'two: ECE 35.0 %']  # (|1 - 0.9| + |0 - 0.6|) / 2
    assert [bar.get_height() for bar in figure.axes[0].patches[:10]] == [0, 0, 0, 0, 0, 0, 0, 0, 1.0, 0]


def test_a_large_confusion_is_shares_of_the_true_class():
    figure = confusion_figure(np.array([[3, 1], [0, 0]]))
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), [[0.75, 0.25], [0, 0]])
