"""What the command lines share, and that an option which fits nothing is one sentence in each of them."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from support.runs import REPO, one_error, write_config

from mmkd_ext.commands import (
    benchmark,
    compute_class_means,
    demo,
    doctor,
    draw_detections,
    export_student,
    study,
    test,
    train,
)
from mmkd_ext.running import launch
from mmkd_ext.running.launch import leave_processes

BAD = 'train_dataloader.dataset.pipeline.9.type=X'


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ('tool', 'arguments'),
    [
        (train, ()),
        (test, ('absent.pth',)),
        (export_student, ('absent.pth', 'a.pth')),
        (benchmark, ()),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_options_that_do_not_fit_are_one_sentence_in_every_tool(tmp_path, capsys, tool, arguments):
    config = str(write_config(tmp_path))
    assert tool.main([config, *arguments, '--cfg-options', BAD]) == 2
    text = one_error(capsys.readouterr().err)
    assert '--cfg-options need' in text and 'pipeline.9' in text and config in text


TOOLS = {
    train: ('CONFIG',), test: ('CONFIG', 'a.pth'), export_student: ('CONFIG', 'a.pth', 'b.pth'), benchmark: ('CONFIG',),
    compute_class_means: ('CONFIG',), doctor: ('CONFIG',), draw_detections: ('CONFIG', 'a.pth'), demo: ('--config', 'CONFIG')}


@pytest.mark.parametrize('tool', TOOLS, ids=lambda tool: tool.__name__)
@pytest.mark.parametrize('option', ['X', '=3', 'model..a=3', 'a=[(1,2]', ''])
def test_an_option_that_cannot_be_read_is_one_sentence_in_every_tool(tmp_path, capsys, tool, option):
    config = str(write_config(tmp_path))
    arguments = [config if each == 'CONFIG' else each for each in TOOLS[tool]]
    assert tool.main([*arguments, '--cfg-options', 'randomness.seed=1', option]) == 2
    text = one_error(capsys.readouterr().err)
    assert '--cfg-options needs KEY=VALUE' in text and repr(option) in text


def test_every_tool_with_options_is_among_them():
    commands = [*(REPO / 'mmkd_ext/commands').glob('*.py'), *(REPO / 'tools').rglob('*.py')]
    files = {path.stem for path in commands if re.search(r'OptionsAction|add_common_arguments', path.read_text())}
    assert files == {tool.__name__.rpartition('.')[2] for tool in TOOLS}
    assert not [path for path in commands if 'DictAction' in path.read_text()]


@pytest.mark.parametrize('key', ['optim_wrapper', 'train_cfg', 'train_dataloader', 'model'])
def test_a_part_that_an_option_takes_away_is_named(tmp_path, capsys, key):
    assert train.main([str(write_config(tmp_path)), '--cfg-options', f'{key}=None']) == 2
    assert f'got one without {key}' in one_error(capsys.readouterr().err)


def test_options_of_a_study_that_do_not_fit_are_one_sentence(tmp_path, capsys):
    config = str(write_config(tmp_path))
    key, value = BAD.split('=')
    plan = tmp_path / 'study_bad.py'
    plan.write_text(f'study = {dict(metric="m", seeds=[0], variants=dict(a=dict(config=config, options={key: value})))!r}')
    assert study.main([str(plan), '--out', 'out']) == 2
    text = one_error(capsys.readouterr().err)
    assert 'options of a variant' in text and key in text and config in text


@pytest.mark.parametrize('option', ['train_dataloader=3', 'optim_wrapper=SGD', 'default_hooks=none', 'train_cfg=5'])
def test_a_part_that_is_no_dict_is_one_sentence(tmp_path, capsys, option):
    assert train.main([str(write_config(tmp_path)), '--work-dir', 'work', '--cfg-options', option]) == 2
    text = one_error(capsys.readouterr().err)
    assert f'A dict is needed as {option.split("=")[0]}, got' in text


def test_nobody_is_left_in_a_group_whose_work_is_done(tmp_path):
    leave_processes()  # without one nothing happens
    torch.distributed.init_process_group('gloo', f'file://{tmp_path}/group', rank=0, world_size=1)
    leave_processes()
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize('wrong', ['moon', 5, True, ['pytorch']])
@pytest.mark.parametrize('tool', [train, test], ids=['train', 'test'])
def test_a_launcher_of_a_config_that_is_none_is_refused(tmp_path, capsys, tool, wrong):
    words = [] if tool is train else ['a.pth']
    assert tool.main([str(write_config(tmp_path, f'launcher = {wrong!r}')), *words, '--work-dir', 'work']) == 2
    text = one_error(capsys.readouterr().err)
    assert 'none, pytorch, slurm, mpi' in text and f'launcher={wrong!r}' in text and not Path('work').exists()


def test_one_that_is_not_followed_is_told(tmp_path, capsys):
    args = train.parse_args([str(write_config(tmp_path, "launcher = 'pytorch'"))])
    assert launch.common_config(args, ()).launcher == 'none'
    assert "launcher='pytorch' of the config is not followed" in capsys.readouterr().out


def test_a_type_of_runner_that_is_no_name_is_refused(tmp_path, capsys):
    assert train.main([str(write_config(tmp_path, 'runner_type = 5')), '--work-dir', 'work']) == 2
    assert 'runner_type' in one_error(capsys.readouterr().err)


def test_a_run_that_starts_in_the_second_of_another_has_a_log_folder_of_its_own(tmp_path):
    taken = tmp_path / launch.time.strftime('%Y%m%d_%H%M%S')
    taken.mkdir()
    runner = launch.build_runner(Config.fromfile(str(write_config(tmp_path, extra=f"work_dir = '{tmp_path}'"))))
    assert runner.timestamp > taken.name and Path(runner.log_dir) != taken


def test_two_runs_of_one_process_and_one_second_write_into_folders_of_their_own(tmp_path):
    config = str(write_config(tmp_path, extra='train_cfg = dict(max_epochs=1)'))
    assert train.main([config, '--work-dir', 'first']) == 0 == train.main([config, '--work-dir', 'second'])
    assert [len(list(Path(each).glob('*/vis_data/scalars.json'))) for each in ('first', 'second')] == [1, 1]
