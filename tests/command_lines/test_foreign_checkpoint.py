"""A checkpoint of another network is refused before anything is tested or trained with it."""

import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import test as test_tool
from mmkd_ext.commands import train as train_tool

CONFIG = 'configs/teskd/r18_digits.py'


@pytest.fixture
def foreign(tmp_path):
    path = tmp_path / 'foreign.pth'
    torch.save(dict(state_dict={'foo': torch.zeros(3)}, meta={}), path)
    return str(path)


def test_testing_a_foreign_checkpoint_is_one_sentence(foreign, tmp_path, capfd):
    assert test_tool.main([CONFIG, foreign, '--work-dir', str(tmp_path / 'w')]) == 2
    error = capfd.readouterr().err.strip().splitlines()[-1]
    assert error.startswith('error: A checkpoint of this network is needed') and 'backbone.conv1.weight' in error
    assert 'first unexpected foo' in error


def test_training_from_a_foreign_checkpoint_is_one_sentence(foreign, tmp_path, capfd):
    options = ['--cfg-options', f'load_from={foreign}']
    assert train_tool.main([CONFIG, '--work-dir', str(tmp_path / 'w'), *options]) == 2
    assert '0 of' in capfd.readouterr().err.strip().splitlines()[-1]
    assert not list((tmp_path / 'w').glob('*.pth'))


def test_reading_leaves_what_others_registered_as_safe(foreign):
    torch.serialization.add_safe_globals([HistoryBuffer])
    read_checkpoint(foreign)
    assert HistoryBuffer in torch.serialization.get_safe_globals()
