"""Checkpoints whose weights are none, or another network's, by every command that reads one."""

import re
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from support.runs import one_error, write_config
from torch import nn

from mmkd_ext.checkpoints.checkpoint_files import newest_readable_checkpoint
from mmkd_ext.checkpoints.weights import check_entries, check_weights, weights_of
from mmkd_ext.commands import export_student, test, train
from mmkd_ext.models.build import build_model

NO_WEIGHTS = {
    'a list': ([1, 2], 'of type list'),
    'nothing': (None, 'of type NoneType'),
    'an empty dict': ({}, 'empty'),
    'numbers': ({'backbone.conv1.weight': 3.0}, "'backbone.conv1.weight' is of type float"),
    'nested dicts': ({'model': {'weight': torch.zeros(2)}}, "'model' is of type dict"),
    'keys that are no words': ({3: torch.zeros(2)}, 'entry 3'),
}
each_kind = pytest.mark.parametrize(('state', 'said'), NO_WEIGHTS.values(), ids=NO_WEIGHTS)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save(state, name: str = 'bad.pth') -> str:
    torch.save(dict(state_dict=state, meta={}, message_hub={}), name)
    return name


@each_kind
@pytest.mark.parametrize('command', ['test', 'export', 'resume', 'load_from'])
def test_a_checkpoint_without_weights_is_one_sentence(tmp_path, capsys, command, state, said):
    config, bad = str(write_config(tmp_path)), save(state)
    code = {
        'test': lambda: test.main([config, bad, '--work-dir', 'work']),
        'export': lambda: export_student.main([config, bad, 'student.pth']),
        'resume': lambda: train.main([config, '--resume', bad, '--work-dir', 'work']),
        'load_from': lambda: train.main([config, '--work-dir', 'work', '--cfg-options', f'load_from={bad}']),
    }[command]()
    text = one_error(capsys.readouterr().err)
    assert code == 2 and bad in text and said in text
    assert sorted(path.name for path in Path().glob('**/*.pth')) == ['bad.pth']


def test_a_run_goes_on_from_the_newest_checkpoint_that_has_weights():
    save({'weight': torch.zeros(2)}, 'epoch_1.pth')
    save({}, 'epoch_2.pth')
    assert newest_readable_checkpoint('.') == Path('epoch_1.pth')


def test_the_weights_are_the_state_dict_or_the_whole():
    state = OrderedDict(weight=torch.ones(2), layer_extra_state=b'whatever a layer keeps')
    assert weights_of(dict(state_dict=state, meta={}), 'a.pth') == state == weights_of(dict(state), 'a.pth')


def test_a_checkpoint_of_another_network_says_what_differs():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    state = {key: value for key, value in model.state_dict().items() if key != '1.bias'}
    other = {**state, '0.weight': torch.zeros(5, 3), 'extra': torch.zeros(1)}
    with pytest.raises(ValueError, match=r'2 of 4 entries fit: first wrong 0.weight, needs \(2, 3\), got \(5, 3\).*extra'):
        check_weights(model, dict(state_dict=other), 'a.pth')
    check_weights(model, dict(state_dict=state), 'a.pth', optional=lambda key: key == '1.bias')
    wrapped = {f'module.{key}': value for key, value in model.state_dict().items()}
    check_weights(model, dict(state_dict=wrapped), 'a.pth')


def test_testing_the_checkpoint_of_another_config_names_the_first_wrong_entry(tmp_path, capsys):
    wider = write_config(tmp_path, 'model = dict(head=dict(num_classes=11))')
    save(build_model(Config.fromfile(wider)).state_dict(), 'wider.pth')
    assert test.main([str(write_config(tmp_path)), 'wider.pth', '--work-dir', 'work']) == 2
    text = one_error(capsys.readouterr().err)
    assert 'head.fc.weight, needs (10, 32), got (11, 32)' in text and 'Does the config belong' in text


ENTRIES = {
    'complex numbers': (torch.zeros(10, dtype=torch.complex64), r'head\.fc\.bias is of torch\.complex64 and not of torch\.float32'),
    'whole numbers': (torch.zeros(10, dtype=torch.int8), r'head\.fc\.bias is of torch\.int8 and not of torch\.float32'),
    'NaN': (torch.full((10,), torch.nan), r'10 of 10 in head\.fc\.bias are NaN'),
}


@pytest.mark.parametrize('command', ['test', 'export', 'load_from', 'resume'])
@pytest.mark.parametrize('entry', ENTRIES)
def test_weights_that_are_no_real_numbers_are_refused_by_every_command(tmp_path, capsys, command, entry):
    path = write_config(tmp_path)
    value, said = ENTRIES[entry]
    bad = save({**build_model(Config.fromfile(path)).state_dict(), 'head.fc.bias': value})
    words = {
        'test': (test, bad, '--work-dir', 'work'), 'export': (export_student, bad, 'student.pth'),
        'load_from': (train, '--work-dir', 'work', '--cfg-options', f'load_from={bad}'),
        'resume': (train, '--work-dir', 'work', '--resume', bad),
    }[command]  # fmt: skip
    assert words[0].main([str(path), *words[1:]]) == 2
    assert re.search(said, one_error(capsys.readouterr().err)) and len(list(Path().rglob('*.pth'))) == 1


def test_half_precision_and_other_whole_numbers_are_taken():
    mine = dict(weight=torch.zeros(2), count=torch.zeros((), dtype=torch.int64))
    check_entries(mine, dict(weight=torch.zeros(2).half(), count=torch.zeros((), dtype=torch.int32), more='text'), 'a.pth')


def test_what_stands_beside_the_weights_has_to_be_dicts_where_it_is_needed(tmp_path, capsys):
    path = write_config(tmp_path)
    state = build_model(Config.fromfile(path)).state_dict()
    for wrong in (dict(meta=5), dict(message_hub=[1])):
        torch.save(dict(state_dict=state, meta={}, message_hub={}) | wrong, 'odd.pth')
        assert train.main([str(path), '--work-dir', 'work', '--resume', 'odd.pth']) == 2
        assert f'with {next(iter(wrong))} is needed' in one_error(capsys.readouterr().err)
        assert export_student.main([str(path), 'odd.pth', 'student.pth']) == 0
    capsys.readouterr()
