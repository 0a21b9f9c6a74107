"""Parts at the top of a config that are of another kind than what they are for are named, with what was needed."""

import pytest

from mmkd_ext.config.top_level import check_loops, check_parts


@pytest.mark.parametrize(('key', 'value', 'said'), [
    ('model_wrapper_cfg', 'x', 'A dict is needed as model_wrapper_cfg'),
    ('model_wrapper_cfg', 5, 'A dict is needed as model_wrapper_cfg'),
    ('train_dataloader', dict(dataset=[1]), r'A dict with a `type` is needed as train_dataloader.dataset, got \[1\]'),
    ('val_dataloader', dict(dataset=[]), 'A dict with a `type` is needed as val_dataloader.dataset'),
    ('train_dataloader', dict(sampler=[1]), 'A dict with a `type` is needed as train_dataloader.sampler'),
    ('randomness', 5, 'A dict is needed as randomness, got 5'),
    ('randomness', None, 'A dict is needed as randomness, got None'),
    ('auto_scale_lr', 5, 'A dict is needed as auto_scale_lr, got 5'),
    ('default_hooks', dict(checkpoint=5), 'A dict with a `type` is needed as default_hooks.checkpoint, got 5'),
    ('default_hooks', dict(checkpoint=[1]), r'A dict with a `type` is needed as default_hooks.checkpoint, got \[1\]'),
    ('default_hooks', dict(mine=dict(type='CheckpointHook', out_dir=4)), 'A folder is needed as out_dir, got 4: look at default_hooks.m'),
    ('custom_hooks', [dict(type='LoggerHook', out_dir=[4])], r'A folder is needed as out_dir, got \[4\]: look at custom_hooks.0'),
    ('custom_hooks', 5, 'A list of dicts, each with a `type`, is needed as custom_hooks, got 5'),
    ('custom_hooks', dict(type='EMAHook'), 'A list of dicts, each with a `type`, is needed as custom_hooks'),
    ('custom_hooks', ['EMAHook'], "A dict with a `type` is needed as custom_hooks.0, got 'EMAHook'"),
    ('custom_hooks', [None], 'A dict with a `type` is needed as custom_hooks.0, got None'),
    ('val_evaluator', [5], 'A list of dicts, each with a `type`, is needed as val_evaluator'),
])
def test_parts_of_another_kind_are_named(key, value, said):
    cfg = dict(val_dataloader={}, val_cfg={}, val_evaluator=[dict(type='Accuracy')])
    check_parts(cfg, 'c.py')
    with pytest.raises(ValueError, match=said):
        check_parts({**cfg, key: value}, 'c.py')


@pytest.mark.parametrize('name', ['val', 'test'])
def test_a_loop_has_all_its_parts_or_none(name):
    parts = {f'{name}_dataloader': {}, f'{name}_cfg': {}, f'{name}_evaluator': []}
    check_loops(parts, 'c.py')
    check_loops(dict.fromkeys(parts), 'c.py')
    for key in parts:
        with pytest.raises(ValueError, match=f'all or none of them, got no {key}: look at c.py'):
            check_loops({**parts, key: None}, 'c.py')
