"""A run's networks have its checkpoint's weights; without the teacher's file the student is there alone."""

import shutil

import pytest
import torch

from mmkd_ext.report.loaded_models import load_run
from mmkd_ext.report.trained_runs import read_trained_run


@pytest.fixture
def run(root, tmp_path):
    shutil.copytree(root / 'runs/kd_seed1', tmp_path / 'run')
    return read_trained_run(tmp_path / 'run')


def test_the_student_has_the_weights_of_the_checkpoint_and_its_teacher_stands_beside(run):
    loaded, saved = load_run(run), torch.load(run.checkpoint)['state_dict']
    assert list(loaded.teachers) == ['teacher'] and loaded.problem is None and loaded.network is loaded.model.student
    for key, value in loaded.network.state_dict().items():
        torch.testing.assert_close(value, saved[key], rtol=0, atol=0)
    alone = load_run(run, teachers=False)
    assert alone.teachers == {} and not any(key.startswith('distill.') for key in alone.model.state_dict())


def test_without_the_teachers_file_the_student_is_loaded_and_the_loss_is_said(run):
    run.cfg.model.teacher.checkpoint = 'gone/teacher0.pth'
    loaded = load_run(run)
    assert loaded.teachers == {} and 'The teacher of' in loaded.problem and 'teacher0.pth' in loaded.problem
    assert not loaded.network.training


def test_a_checkpoint_that_is_none_or_of_another_network_is_one_sentence(run):
    run.checkpoint.write_bytes(b'x')
    with pytest.raises(ValueError, match='A whole checkpoint is needed'):
        load_run(run)
    torch.save({'state_dict': {'a': torch.zeros(1)}}, run.checkpoint)
    with pytest.raises(ValueError, match='A checkpoint of this network is needed'):
        load_run(run)
    run.checkpoint = None
    with pytest.raises(ValueError, match='needed, got none in'):
        load_run(run)
