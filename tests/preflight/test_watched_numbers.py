"""What hooks and schedulers wait for is a number that the evaluators give."""

import pytest
from mmengine.hooks import CheckpointHook, EarlyStoppingHook

from mmkd_ext.preflight.watched_numbers import check_watched


def test_a_best_checkpoint_needs_a_number():
    check_watched([CheckpointHook()], [], [])
    with pytest.raises(ValueError, match='number is needed to choose the best checkpoint, got none.*val_evaluator'):
        check_watched([CheckpointHook(save_best='auto')], [], [])


NAMES = ['accuracy/top1', 'accuracy/top5']


def test_a_number_that_is_given_or_cannot_be_known_is_taken():
    plateau = dict(type='mmengine.ReduceOnPlateauLR', monitor='accuracy/top5')
    hooks = [CheckpointHook(save_best='accuracy/top1', rule='greater'), EarlyStoppingHook('accuracy/top5')]
    check_watched(hooks, [plateau, dict(type='MultiStepLR', monitor='x')], NAMES)
    check_watched([EarlyStoppingHook('anything', rule='less')], None, None)
    check_watched([CheckpointHook(save_best='auto')], {}, NAMES)


@pytest.mark.parametrize(('hooks', 'schedulers', 'said'), [
    ([CheckpointHook(save_best='accuracy/top2', rule='greater')], [], 
     r"got 'accuracy/top2'\. Did you mean accuracy/top[15]\? Look at save_best"),
    ([CheckpointHook(save_best=['accuracy/top1', 'x'], rule='greater')], [], "got 'x'. Look at save_best of the CheckpointHook"),
    ([EarlyStoppingHook('coco/bbox_mAP')], [], "got 'coco/bbox_mAP'. Look at monitor of the EarlyStoppingHook"),
    ([], dict(type='ReduceOnPlateauLR'), "got 'loss'. Look at monitor in param_scheduler"),
    ([], [dict(type='ReduceOnPlateauMomentum', monitor='y')], "got 'y'. Look at monitor in param_scheduler"),
])  # fmt: skip
def test_a_number_that_no_evaluator_gives_is_named_with_those_that_are_given(hooks, schedulers, said):
    with pytest.raises(ValueError, match=f'one of accuracy/top1, accuracy/top5, {said}'):
        check_watched(hooks, schedulers, NAMES)


def test_whether_more_of_a_number_is_better_has_to_be_known():
    for rule in ('greater', 'less'):
        check_watched([CheckpointHook(save_best='auto', rule=rule)], [], ['strange'])
    hook = CheckpointHook(save_best='auto')
    with pytest.raises(ValueError, match="rule='greater' or rule='less' is needed to choose a checkpoint by strange, got None"):
        check_watched([hook], [], ['strange'])
    assert hook.key_indicators == ['auto']  # the run's own hook has not been touched
