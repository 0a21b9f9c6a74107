"""Settings of hooks that would lose checkpoints or end a run late are refused before it; those that work are taken."""

from types import SimpleNamespace

import pytest
from mmdet.engine.hooks import PipelineSwitchHook
from mmengine.hooks import CheckpointHook, EarlyStoppingHook

from mmkd_ext.preflight.hook_settings import check_hook_settings
from mmkd_ext.preflight.watched_numbers import check_watched
from mmkd_ext.running import launch

DATA = SimpleNamespace(pipeline=None)


@pytest.mark.parametrize('template', ['epoch.pth', 'e_{}_{}.pth', '../e_{}.pth', 'sub/e_{}.pth', '{}/e.pth', 5, 'e_{x}.pth', 'e_{', ''])
def test_checkpoints_have_a_name_each_in_their_folder(template):
    for good in (None, 'e_{}.pth', 'e_{:03d}.pth', 'my epoch {}'):
        check_hook_settings([CheckpointHook(filename_tmpl=good)], DATA)
    with pytest.raises(ValueError, match=r'one \{\} for the epoch.*got .*default_hooks.checkpoint.filename_tmpl'):
        check_hook_settings([CheckpointHook(filename_tmpl=template)], DATA)


@pytest.mark.parametrize('patience', [-1, 1.5, True, float('nan')])
def test_patience_counts_validations(patience):
    check_hook_settings([EarlyStoppingHook('accuracy/top1', patience=0), EarlyStoppingHook('accuracy/top1')], DATA)
    with pytest.raises(ValueError, match='patience to be a whole number of validations, 0 or more, got'):
        check_hook_settings([EarlyStoppingHook('accuracy/top1', patience=patience)], DATA)


def test_a_pipeline_to_switch_to_is_built_before_the_run():
    check_hook_settings([PipelineSwitchHook(90, [dict(type='mmcv.RandomFlip', prob=0.5)])], DATA)
    with pytest.raises(ValueError, match='needs a pipeline that can be built, got .*RandomFlipp.*switch_pipeline'):
        check_hook_settings([PipelineSwitchHook(90, [dict(type='mmcv.RandomFlipp', prob=0.5)])], DATA)
    with pytest.raises(ValueError, match='needs a data set with a pipeline of its own, got SimpleNamespace'):
        check_hook_settings([PipelineSwitchHook(90, [])], SimpleNamespace(dataset=DATA))


def test_a_best_checkpoint_needs_a_number():
    check_watched([CheckpointHook()], [], [])
    with pytest.raises(ValueError, match='number is needed to choose the best checkpoint, got none.*val_evaluator'):
        check_watched([CheckpointHook(save_best='auto')], [], [])


@pytest.mark.parametrize(('key', 'value', 'said'), [
    ('model_wrapper_cfg', 'x', 'A dict is needed as model_wrapper_cfg'),
    ('model_wrapper_cfg', 5, 'A dict is needed as model_wrapper_cfg'),
    ('train_dataloader', dict(dataset=[1]), r'A dict with a `type` is needed as train_dataloader.dataset, got \[1\]'),
    ('val_dataloader', dict(dataset=[]), 'A dict with a `type` is needed as val_dataloader.dataset'),
    ('train_dataloader', dict(sampler=[1]), 'A dict with a `type` is needed as train_dataloader.sampler'),
    ('val_evaluator', [5], 'A list of dicts, each with a `type`, is needed as val_evaluator'),
])
def test_parts_of_another_kind_are_named(key, value, said):
    cfg = dict(val_dataloader={}, val_cfg={}, val_evaluator=[dict(type='Accuracy')])
    launch._check_kinds(cfg, 'c.py')
    with pytest.raises(ValueError, match=said):
        launch._check_kinds({**cfg, key: value}, 'c.py')


@pytest.mark.parametrize('name', ['val', 'test'])
def test_a_loop_has_all_its_parts_or_none(name):
    parts = {f'{name}_dataloader': {}, f'{name}_cfg': {}, f'{name}_evaluator': []}
    launch._check_loops(parts, 'c.py')
    launch._check_loops(dict.fromkeys(parts), 'c.py')
    for key in parts:
        with pytest.raises(ValueError, match=f'all or none of them, got no {key}: look at c.py'):
            launch._check_loops({**parts, key: None}, 'c.py')
