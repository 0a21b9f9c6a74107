"""What the command lines share, and that an option which fits nothing is one sentence in each of them."""

import pytest
import torch
from mmengine.config import Config
from test_tools.runs import one_error, write_config

from mmkd_ext.launch import leave_processes, merge_options
from mmkd_ext.preflight import PreflightError
from tools import benchmark, export_student, study, test, train

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


def test_options_of_a_study_that_do_not_fit_are_one_sentence(tmp_path, capsys):
    config = str(write_config(tmp_path))
    key, value = BAD.split('=')
    plan = tmp_path / 'study_bad.py'
    plan.write_text(f'study = {dict(metric="m", seeds=[0], variants=dict(a=dict(config=config, options={key: value})))!r}')
    assert study.main([str(plan), '--out', 'out']) == 2
    text = one_error(capsys.readouterr().err)
    assert 'options of a variant' in text and key in text and config in text


@pytest.mark.parametrize('options', [{'model.head.num_classes.deep': 3}, {'train_dataloader.dataset.pipeline.x': 3}])
def test_an_option_below_a_value_is_refused(tmp_path, options):
    cfg = Config.fromfile(write_config(tmp_path))
    with pytest.raises(PreflightError, match=next(iter(options))):
        merge_options(cfg, options, 'some.py')


def test_options_are_merged_and_none_change_nothing(tmp_path):
    cfg = Config.fromfile(write_config(tmp_path))
    before = cfg.to_dict()
    merge_options(cfg, None, 'some.py')
    assert cfg.to_dict() == before
    merge_options(cfg, {'model.head.num_classes': 3}, 'some.py')
    assert cfg.model.head.num_classes == 3 and cfg.model.head.in_channels == 32


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
