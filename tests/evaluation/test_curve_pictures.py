"""Curves in axes: which colour each run has, and the scales; what the command draws stands in command_lines/test_plot_curves.py."""

from matplotlib.figure import Figure

from mmkd_ext.evaluation.curve_pictures import colour_of, draw_curves
from mmkd_ext.evaluation.run_logs import Curve, Run


def drawn(runs, curves, **options):
    axes = Figure().add_subplot()
    draw_curves(axes, runs, curves, True, 1, **options)
    return axes


def test_runs_have_colours_of_their_own_or_those_that_are_given():
    loss = Curve('loss')
    runs = {name: Run({loss: [(5, value), (10, value / 2)]}, 5.0) for name, value in (('a', 2.0), ('b', 4.0))}
    lines = drawn(runs, [loss]).get_lines()
    assert [line.get_color() for line in lines] == [colour_of(0, 2), colour_of(1, 2)]
    assert lines[1].get_xdata().tolist() == [1.0, 2.0] and lines[1].get_ydata().tolist() == [4.0, 2.0]
    assert [line.get_color() for line in drawn(runs, [loss], colours=['red', 'red']).get_lines()] == ['red', 'red']


def test_average_precisions_are_drawn_in_percent_and_a_loss_that_falls_a_hundredfold_on_a_log_scale():
    precision, loss = Curve('coco/bbox_mAP', val=True), Curve('loss')
    run = {'a': Run({precision: [(1, 0.25), (2, 0.5)], loss: [(1, 1.0), (2, 0.005)]}, None)}
    axes = drawn(run, [precision])
    assert axes.get_lines()[0].get_ydata().tolist() == [25.0, 50.0] and axes.get_yscale() == 'linear'
    assert drawn(run, [loss]).get_yscale() == 'log'


def test_many_runs_have_as_many_colours():
    assert len({colour_of(i, 12) for i in range(12)}) == 12
