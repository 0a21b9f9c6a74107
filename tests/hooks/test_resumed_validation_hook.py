"""Schedulers and hooks that follow the validation's numbers, resumed from checkpoints that mmengine writes before it validates."""

import pytest
from mmengine.hooks import EarlyStoppingHook
from mmengine.registry import PARAM_SCHEDULERS
from support.tiny_runs import same, tiny_run

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint

FOLLOWING = [name for name, kind in PARAM_SCHEDULERS.module_dict.items() if getattr(kind, 'need_val_args', False)]


def scheduler(name, **options):
    extra = dict(param_name='lr') if name.endswith('ParamScheduler') else {}
    return dict(type=name, **(dict(monitor='error', factor=0.5, rule='greater', patience=0) | options), **extra)


def groups(runner):
    return runner.optim_wrapper.state_dict()['param_groups']


@pytest.mark.parametrize('options', [{}, dict(patience=1), dict(cooldown=1), dict(begin=2), dict(end=3)], ids=str)
@pytest.mark.parametrize('name', FOLLOWING)
def test_a_scheduler_that_follows_the_validation_is_resumed_exactly(tmp_path, name, options):
    whole = tiny_run(tmp_path / 'whole', 5, scheduler=scheduler(name, **options))
    key = 'momentum' if name.endswith('Momentum') else 'lr'
    assert groups(whole)[0][key] < groups(whole)[0][f'initial_{key}']  # "greater" of an error that falls: it was reduced
    for epoch in (1, 2, 3):
        resumed = tiny_run(tmp_path / f'from{epoch}', 5, scheduler=scheduler(name, **options), resume=tmp_path / f'whole/epoch_{epoch}.pth')
        assert same(whole.model.state_dict(), resumed.model.state_dict()) and same(groups(whole), groups(resumed))
        assert same(whole.param_schedulers[0].state_dict(), resumed.param_schedulers[0].state_dict())


def test_a_validation_that_the_checkpoint_has_seen_is_not_done_again(tmp_path):
    """With `save_best` mmengine writes an epoch's file a second time, after a better validation."""
    options = dict(scheduler=scheduler('ReduceOnPlateauLR'), save_best='error')
    whole = tiny_run(tmp_path / 'whole', 4, **options)
    assert read_checkpoint(tmp_path / 'whole/epoch_2.pth')['param_schedulers'][0]['num_bad_epochs'] == 0
    resumed = tiny_run(tmp_path / 'resumed', 4, resume=tmp_path / 'whole/epoch_2.pth', **options)
    assert same(whole.model.state_dict(), resumed.model.state_dict()) and same(groups(whole), groups(resumed))


def test_in_an_iteration_loop_too(tmp_path):
    options = dict(scheduler=scheduler('ReduceOnPlateauLR'), by_epoch=False)
    whole = tiny_run(tmp_path / 'whole', 5, **options)
    resumed = tiny_run(tmp_path / 'resumed', 5, resume=tmp_path / 'whole/iter_2.pth', **options)
    assert same(whole.model.state_dict(), resumed.model.state_dict()) and same(groups(whole), groups(resumed))


def stopper(patience=3):
    return EarlyStoppingHook(monitor='error', rule='greater', min_delta=0.0, patience=patience)


def test_early_stopping_counts_on(tmp_path):
    whole = tiny_run(tmp_path / 'whole', 9, hooks=[stopper()])
    assert whole.epoch == 4  # the first, and three without a greater error
    for epoch in (1, 2, 3):
        resumed = tiny_run(tmp_path / f'from{epoch}', 9, hooks=[stopper()], resume=tmp_path / f'whole/epoch_{epoch}.pth')
        assert resumed.epoch == 4 and same(whole.model.state_dict(), resumed.model.state_dict())


def test_a_run_that_was_stopped_early_stays_so_unless_it_has_more_patience(tmp_path):
    tiny_run(tmp_path / 'whole', 9, hooks=[stopper()])
    resumed = tiny_run(tmp_path / 'resumed', 9, hooks=[stopper()], resume=tmp_path / 'whole/epoch_4.pth')
    (log,) = (tmp_path / 'resumed').glob('*/*.log')
    assert resumed.epoch == 4 and 'raise its patience' in log.read_text()
    longer = tiny_run(tmp_path / 'longer', 9, hooks=[stopper(5)], resume=tmp_path / 'whole/epoch_4.pth')
    assert longer.epoch == 6


def test_other_runs_are_resumed_without_a_validation(tmp_path):
    tiny_run(tmp_path / 'whole', 2)
    resumed = tiny_run(tmp_path / 'resumed', 3, resume=tmp_path / 'whole/epoch_2.pth')
    assert resumed.message_hub.get_scalar('val/error').data[0].size == 2  # of epoch 1 and 3; that of 2 is not in its file


def test_without_a_validation_it_is_said_that_nothing_follows_it(tmp_path):
    for name, options in dict(stop=dict(hooks=[stopper()]), follow=dict(scheduler=scheduler('ReduceOnPlateauLR')), plain={}).items():
        tiny_run(tmp_path / name, 1, validate=False, **options)
        (log,) = (tmp_path / name).glob('*/*.log')
        assert ('neither will ever act' in log.read_text()) == (name != 'plain')


def test_a_number_that_the_validation_does_not_give_is_named(tmp_path):
    with pytest.raises(ValueError, match="needed as a scheduler's monitor, got 'accuracy'; it gives error. Look at monitor"):
        tiny_run(tmp_path, 2, scheduler=scheduler('ReduceOnPlateauLR', monitor='accuracy'))
