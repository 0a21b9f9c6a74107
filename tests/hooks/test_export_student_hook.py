"""The export at the end of a training run."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from support.copies import in_copy
from support.detection import tiny
from support.runs import TESKD, train_once

from mmkd_ext.commands import test
from mmkd_ext.hooks import ExportStudentHook, export_student_hook
from mmkd_ext.models.build import build_model

CONFIG = f"""{TESKD}
train_cfg = dict(max_epochs=2)
custom_hooks = [
    dict(type='mmkd_ext.ExportStudentHook'),
    dict(type='mmkd_ext.ExportStudentHook', out='last.pth', which='last')]
"""


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory) -> Path:
    """Of a real run, two epochs."""
    folder = tmp_path_factory.mktemp('hooked')
    _, printed = train_once(folder, CONFIG)
    assert printed.count('Exported the plain network of') == 2
    return folder / 'work'


def state_of(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=False)['state_dict']


def test_a_run_leaves_the_plain_networks_of_its_best_and_its_last_checkpoint(work_dir):
    (best,) = work_dir.glob('best_*.pth')
    for out, checkpoint in (('student', best), ('last', work_dir / 'epoch_2.pth')):
        plain = build_model(Config.fromfile(work_dir / f'{out}.py'))
        plain.load_state_dict(state_of(work_dir / f'{out}.pth'))
        of_checkpoint = state_of(checkpoint)
        torch.testing.assert_close(
            plain.state_dict(), {k: of_checkpoint[k] for k in plain.state_dict()}, rtol=0, atol=0
        )
        assert not any('students' in key or key.startswith('neck.') for key in plain.state_dict())


def test_a_test_run_of_the_same_config_exports_nothing(work_dir):
    config = next(path for path in work_dir.parent.glob('*.py') if path.name != 'base.py')
    ended = in_copy(test.main, config, work_dir / 'epoch_2.pth', '--work-dir', work_dir.parent / 'tested', cwd=work_dir.parent)
    assert ended.returncode == 0, ended.stderr
    assert 'found no checkpoint' not in ended.stdout + ended.stderr
    assert not list((work_dir.parent / 'tested').rglob('*.pth'))


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """What the hook asks to be exported."""
    calls: list[tuple] = []

    def export_student(cfg, checkpoint, out, onnx):
        calls.append((cfg, str(checkpoint), out, onnx))
        return [out]

    monkeypatch.setattr(export_student_hook, 'export_student', export_student)
    return calls


def runner_with(tmp_path: Path, **infos: str) -> SimpleNamespace:
    hub = MessageHub(f'export_{tmp_path}_{len(infos)}')
    for key, name in infos.items():
        (tmp_path / name).touch()
        hub.update_info(key, str(tmp_path / name))
    return SimpleNamespace(
        message_hub=hub, cfg='the config', work_dir=str(tmp_path), logger=logging.getLogger('export_student')
    )


@pytest.mark.parametrize(
    ('which', 'infos', 'expected'),
    [
        ('best', dict(best_ckpt='b.pth', last_ckpt='l.pth'), 'b.pth'),
        ('best', dict(last_ckpt='l.pth'), 'l.pth'),
        ('last', dict(best_ckpt='b.pth', last_ckpt='l.pth'), 'l.pth'),
    ],
)
def test_best_is_the_chosen_one_or_else_the_last(tmp_path, asked, which, infos, expected):
    ExportStudentHook(which=which, onnx=True).after_train(runner_with(tmp_path, **infos))
    assert asked == [('the config', str(tmp_path / expected), tmp_path / 'student.pth', True)]


def test_a_run_without_a_checkpoint_is_told_so(tmp_path, asked, caplog):
    ExportStudentHook().after_train(runner_with(tmp_path))
    assert asked == [] and 'found no checkpoint' in caplog.text


def test_only_the_main_process_exports(tmp_path, asked, monkeypatch):
    monkeypatch.setattr(export_student_hook, 'is_main_process', lambda: False)
    ExportStudentHook().after_train(runner_with(tmp_path, last_ckpt='l.pth'))
    assert asked == []


@pytest.mark.parametrize(
    ('options', 'word'),
    [(dict(which='first'), "'first'"), (dict(out='student.onnx'), r'\.pth'), (dict(out='s'), r'\.pth')],
)
def test_options_that_cannot_be_are_refused_before_the_training(options, word):
    with pytest.raises(ValueError, match=word):
        ExportStudentHook(**options)


@pytest.mark.det
def test_onnx_of_a_network_that_has_none_is_refused_before_the_training(tmp_path):
    cfg = Config(dict(default_scope='mmdet', model=tiny()))
    run = SimpleNamespace(cfg=cfg, work_dir=str(tmp_path), hooks=[hook := ExportStudentHook(onnx=True)])
    with pytest.raises(ValueError, match='ONNX export is for classifiers and dense detectors, got a two-stage detector'):
        hook.before_run(run)
    hook.onnx = False
    hook.before_run(run)


def test_two_exports_to_one_file_are_refused_whatever_its_name(tmp_path):
    cfg = Config(dict(model=dict(type='ImageClassifier', backbone=dict(type='LeNet5'))))
    hooks = [ExportStudentHook(out='a.pth'), ExportStudentHook(out='./b/../a.pth', which='last')]
    with pytest.raises(ValueError, match=r'Each ExportStudentHook needs an out of its own, .* a\.pth would be written 2 times'):
        hooks[0].before_run(SimpleNamespace(cfg=cfg, work_dir=str(tmp_path), hooks=hooks))
    hooks[1].out = 'b.pth'
    hooks[0].before_run(SimpleNamespace(cfg=cfg, work_dir=str(tmp_path), hooks=hooks))
