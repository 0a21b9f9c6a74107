"""Settings of hooks that would lose checkpoints or end a run late are refused before it; those that work are taken."""

from types import SimpleNamespace

import pytest
from mmdet.engine.hooks import PipelineSwitchHook
from mmengine.hooks import CheckpointHook, EarlyStoppingHook

from mmkd_ext.preflight.hook_settings import check_hook_settings

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
