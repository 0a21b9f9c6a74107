"""ND without a source of its class means ends in one sentence before the run; with one it trains."""

import logging
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from support.distillation_runs import extra
from support.runs import one_error, write_config

from mmkd_ext.commands import train

WITHOUT = 'custom_hooks = []\n'
MUTUAL = """
model = dict(
    _delete_=True, type='mmkd_ext.MutualLearningDistiller', input_size=8, freeze_teacher=True,
    students=dict(a=dict(model='cifar/resnet8', num_classes=10), b=dict(model='cifar/resnet8', num_classes=10)),
    teacher=dict(model='cifar/resnet8', num_classes=10, checkpoint=None, allow_random=True),
    losses=dict(means=dict(type='mmkd_ext.NDLoss')))
train_dataloader = dict(batch_size=16, dataset=dict(samples_per_class=4))
"""


@HOOKS.register_module(force=True)
class OwnMeansHook(Hook):
    """Somebody's way to class means."""

    def before_run(self, runner):
        runner.model.distill.nd.set_class_means(torch.ones(10, 64))


@HOOKS.register_module(force=True)
class OtherHook(Hook):
    """Somebody's that sets none."""


def trained(folder, text, *options):
    config = write_config(folder, text)
    code = train.main([str(config), '--work-dir', 'work', '--no-validate', '--cfg-options', 'train_cfg.max_epochs=1', *options])
    logging.shutdown()
    return code


@pytest.mark.parametrize('kind', ['one student', 'several students', 'after a checkpoint of the student alone'])
def test_without_them_one_sentence_names_the_loss_and_the_hook(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.chdir(tmp_path)
    offline = extra(tmp_path) + WITHOUT
    options = [f'load_from={tmp_path / "teacher0.pth"}'] if 'after' in kind else []
    assert trained(tmp_path, MUTUAL if kind == 'several students' else offline, *options) == 2
    error = one_error(capsys.readouterr().err)
    name = 'means' if kind == 'several students' else 'nd'
    assert f"model.losses.{name} (NDLoss) needs the teacher's class means, got no ClassMeansHook" in error
    assert "Add dict(type='mmkd_ext.ClassMeansHook') to custom_hooks." in error
    assert not list(Path('work').rglob('*.pth'))


@pytest.mark.parametrize('hook', ['mmkd_ext.ClassMeansHook', 'OwnMeansHook'])
def test_a_hook_brings_them_and_a_checkpoint_too(tmp_path, monkeypatch, hook):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path)
    assert trained(tmp_path, f"{text}custom_hooks = [dict(type='{hook}')]\n") == 0
    assert trained(tmp_path, text + WITHOUT, 'load_from=work/epoch_1.pth') == 0


def test_a_hook_of_somebody_that_brings_none_ends_in_one_sentence_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert trained(tmp_path, extra(tmp_path) + "custom_hooks = [dict(type='OtherHook')]\n") == 2
    assert "NDLoss needs the teacher's class means and has none" in one_error(capsys.readouterr().err)


def test_a_loss_that_is_left_out_needs_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert trained(tmp_path, extra(tmp_path) + WITHOUT, 'model.losses.nd=None') == 0
