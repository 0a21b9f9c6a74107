"""`mmkd doctor`: exit codes, its file, and that it leaves neither a trace on the disk nor in the random state."""

import json
import random

import numpy as np
import pytest
import torch
from mmengine.visualization import Visualizer
from support.coloured import trained_teacher, write
from support.runs import one_error

from mmkd_ext.commands import doctor


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / 'run', state=trained_teacher())


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))


def _drawn(work):
    """What is drawn after some work, from one seed."""
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    work()
    return random.random(), np.random.rand(), float(torch.rand(()))


def test_a_sound_run_exits_with_0_and_leaves_nothing(tmp_path, config, capsys):
    before, text, codes = files(tmp_path), config.read_text(), []
    assert _drawn(lambda: None) == _drawn(lambda: codes.append(doctor.main([str(config), '--device', 'cpu']))) and codes == [0]
    assert files(tmp_path) == before and config.read_text() == text
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f'{config}, 4 training batches on cpu' and out[-1].endswith('0 LOOK, 0 WRONG')
    assert all(line.startswith('OK ') for line in out[1:-1])
    assert not [name for name in Visualizer._instance_dict if 'mmkd_doctor' in name]


def test_what_is_wrong_exits_with_1_and_stands_in_the_file(tmp_path, config, capsys):
    words = [str(config), '--device', 'cpu', '--batches', '2', '--out', 'found/doctor.json', '--cfg-options']
    assert doctor.main([*words, 'model.losses.kd.loss_weight=0.0']) == 1
    assert 'WRONG  loss kd' in capsys.readouterr().out
    found = json.loads((tmp_path / 'found/doctor.json').read_text())
    assert (found['batches'], found['device']) == (2, 'cpu')
    rows = {row['check']: row for row in found['rows']}
    assert rows['loss kd']['status'] == 'WRONG' and len(rows['loss kd']['figures']['values']) == 2


@pytest.mark.parametrize(('option', 'words'), [
    ('model.losses.kd.type=mmkd_ext.KDLos', 'KDLos'), ('model.losses.kd.loss_weight=auto:x', "'auto:SHARE'"),
    ('model.teacher.checkpoint=absent.pth', 'absent.pth, which is not there'),
    ('model.student.head.num_classes=3', 'The student has 3 classes and the teacher')])
def test_a_config_that_cannot_be_built_is_the_sentence_of_training(config, capsys, option, words):
    assert doctor.main([str(config), '--device', 'cpu', '--cfg-options', option]) == 2
    assert words in one_error(capsys.readouterr().err)
    assert not [name for name in Visualizer._instance_dict if 'mmkd_doctor' in name]  # whose threads would write into a folder that went


@pytest.mark.parametrize(('words', 'said'), [
    (['--device', 'warp'], '--device needs'), (['--out', '/proc/none/x.json'], 'Look at --out')])
def test_flags_that_cannot_be(config, capsys, words, said):
    assert doctor.main([str(config), *words]) == 2
    assert said in one_error(capsys.readouterr().err)


def test_batches_are_counted(config, capsys):
    with pytest.raises(SystemExit):
        doctor.main([str(config), '--batches', '0'])
    assert 'a whole number of 1 or more' in capsys.readouterr().err
