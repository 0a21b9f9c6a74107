"""Metrics over seeds: means and intervals by hand, and pairs of the same seeds."""

import math

import pytest
from scipy import stats

from mmkd_ext.evaluation.run_logs import Curve, Run
from mmkd_ext.report.groups import TRAINED, Group, grouped
from mmkd_ext.report.scores import gain, last_and_best, metric_names, of_frozen_teachers, of_group, over_seeds
from mmkd_ext.report.trained_runs import TrainedRun, find_runs


@pytest.fixture(scope='module')
def groups(root):
    return {group.name: group for group in grouped(find_runs([root]))}


def test_the_interval_is_students():
    values = [80.0, 82.0, 87.0]
    over = over_seeds(values)
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (over.mean - over.half, over.mean + over.half) == pytest.approx((low, high)) and over.bounded
    assert math.isinf(over_seeds([80.0]).half) and not over_seeds([80.0]).bounded


def test_a_run_that_diverged_has_no_interval():
    for values in ([80.0, math.nan], [math.inf, 80.0, 82.0]):
        assert not over_seeds(values).bounded and not math.isfinite(over_seeds(values).mean)


def test_the_last_and_the_best_epoch_of_each_seed(groups):
    assert last_and_best(groups['alone'].runs[0], 'accuracy/top1') == (50.0, 55.0)
    assert of_group(groups['alone'], 'accuracy/top1').values == [50.0, 60.0]
    assert of_group(groups['alone'], 'accuracy/top1', best=True).mean == 60.0
    assert of_group(groups['alone'], 'absent') is None


def test_a_gain_is_of_pairs_of_seeds(groups):
    over = gain(groups['kd'], groups['alone'], 'accuracy/top1')
    assert over.values == [3.0, 1.0] and over.mean == 2.0
    assert over.half == pytest.approx(stats.t.ppf(0.975, 1) * math.sqrt(2) / math.sqrt(2))
    one = Group('one', TRAINED, groups['kd'].runs[1:], False, None)
    assert gain(one, groups['alone'], 'accuracy/top1').values == [1.0]
    other = Group('other', TRAINED, groups['kd'].runs[:1], False, None)
    assert gain(one, other, 'accuracy/top1') is None


def test_the_teachers_metrics_are_no_columns(groups):
    both = list(groups.values())
    assert metric_names(both) == ['accuracy/top1'] and of_frozen_teachers(both, 'accuracy/top1') == {'teacher': 70.0}


def test_average_precisions_are_in_percent():
    run = TrainedRun('x', log=Run({Curve('coco/bbox_mAP', True): [(1, 0.25), (2, math.nan), (3, 0.125)]}, None))
    assert last_and_best(run, 'coco/bbox_mAP') == (12.5, 25.0)
    none = TrainedRun('x', log=Run({Curve('coco/bbox_mAP_s', True): [(1, -1.0)]}, None))
    assert last_and_best(none, 'coco/bbox_mAP_s') is None
