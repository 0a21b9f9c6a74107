"""CompiledStepHook: the data preprocessor stays outside the compiler while a run with mmengine's `compile` trains."""

import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import ClsDataPreprocessor, ImageClassifier
from support import detection, offline
from support.runs import REPO, write_config

from mmkd_ext.hooks import CompiledStepHook, compiled_step_hook
from tools import train


def runner_of(model, compiled):
    return SimpleNamespace(model=model, cfg=dict(compile=compiled))


def watched(method, seen):
    def call(*args, **kwargs):
        seen.append(torch.compiler.is_compiling())
        return method(*args, **kwargs)

    return call


@pytest.mark.filterwarnings('ignore')  # the compiler's own
def test_the_command_line_gives_the_hook_to_a_config_without_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = {}
    for kind, method in ((ClsDataPreprocessor, 'forward'), (ImageClassifier, 'loss')):
        monkeypatch.setattr(kind, method, watched(getattr(kind, method), seen.setdefault(method, [])))
    config = write_config(
        tmp_path, "train_cfg = dict(max_epochs=1)\ncompile = dict(backend='eager')\n"
        'model = dict(backbone=dict(num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,)), head=dict(in_channels=8))\n'
        "default_hooks = dict(_delete_=True, logger=dict(type='LoggerHook'))")
    assert train.main([str(config), '--work-dir', 'work', '--no-validate']) == 0
    assert len(seen['forward']) >= 5 and not any(seen['forward'])
    assert any(seen['loss'])
    logging.shutdown()


def test_our_configs_have_the_hook():
    hooks = Config.fromfile(REPO / 'configs/_base_/default_runtime.py').default_hooks
    assert hooks.compiled_step.type == 'mmkd_ext.CompiledStepHook'


@pytest.mark.parametrize('wrapped', [False, True])
def test_a_run_that_ended_leaves_the_preprocessor_as_it_was(wrapped):
    model, hook = offline.distiller(), CompiledStepHook()
    runner = runner_of(SimpleNamespace(module=model) if wrapped else model, True)
    hook.before_train(runner)
    assert 'forward' in vars(model.data_preprocessor)
    hook.after_train(runner)
    assert 'forward' not in vars(model.data_preprocessor)


@pytest.mark.parametrize('compiled', [None, False])
def test_without_compile_nothing_is_done(compiled):
    model, hook = offline.distiller(), CompiledStepHook()
    hook.before_train(runner_of(model, compiled))
    assert 'forward' not in vars(model.data_preprocessor)
    hook.after_train(runner_of(model, compiled))


@pytest.mark.det
def test_a_detector_says_that_it_runs_without_the_compiler(monkeypatch):
    said = []
    monkeypatch.setattr(compiled_step_hook, 'print_log', lambda text, *_: said.append(text))
    for model in (detection.pair(), offline.distiller()):
        CompiledStepHook().before_train(runner_of(model, True))
    assert len(said) == 1 and 'TwoStageDistiller runs without torch.compile' in said[0]
