"""What hooks and schedulers wait for is a number that the evaluators give."""

import pytest
from mmengine.hooks import CheckpointHook

from mmkd_ext.preflight.watched_numbers import check_watched


def test_a_best_checkpoint_needs_a_number():
    check_watched([CheckpointHook()], [], [])
    with pytest.raises(ValueError, match='number is needed to choose the best checkpoint, got none.*val_evaluator'):
        check_watched([CheckpointHook(save_best='auto')], [], [])
