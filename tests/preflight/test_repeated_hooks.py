"""A second hook that undoes or doubles what the first does is refused; what differs stays."""

import pytest
from mmengine.hooks import CheckpointHook, EMAHook, IterTimerHook

from mmkd_ext.hooks import LossWarmupHook
from mmkd_ext.preflight.repeated_hooks import check_repeated

TWICE = {
    'ramps of one loss': ([LossWarmupHook('kd', 2), LossWarmupHook('nd', 2), LossWarmupHook('kd', iters=3)], 'the weight of losses.kd'),
    'averages': ([EMAHook(), IterTimerHook(), EMAHook(momentum=0.1)], 'One EMAHook is needed for each thing, got 2: each would average'),
    'checkpoints': ([CheckpointHook(interval=1), CheckpointHook(interval=2)], 'both would write epoch_{}.pth'),
}


@pytest.mark.parametrize(('hooks', 'said'), TWICE.values(), ids=TWICE)
def test_two_for_one_thing_are_refused(hooks, said):
    with pytest.raises(ValueError, match=f'{said}.*Look at custom_hooks and default_hooks'):
        check_repeated({}, hooks)


def test_two_for_two_things_are_not():
    by_iteration, elsewhere = CheckpointHook(by_epoch=False), CheckpointHook(out_dir='other')
    check_repeated({}, [LossWarmupHook('kd', 2), LossWarmupHook('nd', 2), EMAHook(), CheckpointHook(), by_iteration, elsewhere])
    check_repeated(dict(custom_hooks=[dict(type='A', x=1), dict(type='A', x=2), dict(type='B', x=1)]), [])
    check_repeated(dict(custom_hooks=None), [])


def test_the_same_entry_twice_is_named_by_both_places():
    entry = dict(type='EarlyStoppingHook', monitor='accuracy/top1')
    with pytest.raises(ValueError, match='got EarlyStoppingHook twice .* Look at custom_hooks.0 and custom_hooks.2'):
        check_repeated(dict(custom_hooks=[entry, dict(type='B'), dict(entry)]), [])
