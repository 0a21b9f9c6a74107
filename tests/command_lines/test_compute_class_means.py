"""Class means by hand: the ones that training finds afterwards, a report in words, a picture."""

from pathlib import Path

import pytest
import torch
from matplotlib.image import imread
from support.distillation_runs import extra, run
from support.runs import one_error, one_thread, write_config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import compute_class_means


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_config(tmp_path, extra(tmp_path))


def call(*args):
    with one_thread():
        return compute_class_means.main([str(arg) for arg in args])


def test_training_uses_what_was_made_by_hand(tmp_path, config, capsys):
    assert call(config, '--work-dir', 'work', '--plot', 'means.png') == 0
    said = capsys.readouterr().out
    (file,) = (tmp_path / 'class_means').glob('*.pth')
    assert f'file      class_means/{file.name}' in said
    assert 'classes   10 of width 64; 4 to 4 samples' in said
    means = read_checkpoint(file)['class_means']
    norms = means.norm(dim=1)
    assert f'norms     {norms.min():.2f} to {norms.max():.2f}, mean {norms.mean():.2f}' in said
    assert imread('means.png').std() > 0.05
    before = file.stat().st_mtime_ns

    assert run(tmp_path, extra(tmp_path), 'work', '--cfg-options', 'train_cfg.max_epochs=1')[1] == 0
    assert [path.stat().st_mtime_ns for path in (tmp_path / 'class_means').glob('*.pth')] == [before]
    state = read_checkpoint('work/epoch_1.pth')['state_dict']
    torch.testing.assert_close(state['distill.nd.class_means'], means.float(), rtol=0, atol=0)


def test_the_closest_classes_are_named(tmp_path):
    means = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.1, 3.0]])
    found = compute_class_means.ClassMeans(means, torch.tensor([1, 2, 3]), ['cat', 'dog', 'hen'], tmp_path)
    assert 'closest   dog and hen, cosine 0.999' in compute_class_means.report(found)


def test_a_class_without_samples_is_no_number_in_report_and_picture(tmp_path):
    means = torch.tensor([[1.0, 0.0], [torch.nan, torch.nan], [0.0, 2.0], [0.1, 3.0]])
    found = compute_class_means.ClassMeans(means, torch.tensor([1, 0, 2, 3]), ['cat', 'owl', 'dog', 'hen'], tmp_path)
    said = compute_class_means.report(found)
    assert 'classes   4 of width 2; 1 to 3 samples, 1 without samples' in said
    assert 'closest   dog and hen, cosine 0.999' in said and 'nan' not in said
    assert imread(compute_class_means.draw(found, tmp_path / 'means.png')).std() > 0.05


def test_clean_means_are_of_the_validation_pipeline(tmp_path, config):
    for flags in ([], ['--clean'], ['--file', 'mine.pth']):
        assert call(config, '--work-dir', 'work', *flags) == 0
    augmented, clean = (read_checkpoint(path)['class_means'] for path in (tmp_path / 'class_means').glob('*.pth'))
    mine = read_checkpoint('work/mine.pth')['class_means']
    assert not torch.allclose(augmented, clean)
    assert torch.equal(mine, augmented) or torch.equal(mine, clean)


def test_a_config_without_a_teacher_and_an_unknown_one_are_refused(tmp_path, config, capsys):
    assert call(config, '--teacher', 'other') == 2
    assert 'OfflineDistiller with the teachers teacher and --teacher other' in one_error(capsys.readouterr().err)
    assert call(write_config(tmp_path, ''), '--work-dir', 'work') == 2
    assert 'with the teachers none' in one_error(capsys.readouterr().err)


def test_a_config_without_a_model_and_a_device_of_no_kind_are_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'nothing.py').write_text('x = 1\n')
    assert compute_class_means.main(['nothing.py']) == 2
    assert 'A config with a dict `model` is needed, got none: look at nothing.py' in capsys.readouterr().err
    config = write_config(tmp_path, extra(tmp_path))
    assert compute_class_means.main([str(config), '--device', 'toaster']) == 2
    assert "got 'toaster'" in capsys.readouterr().err


WRONG = {
    'workers below none': (['--cfg-options', 'train_dataloader.num_workers=-1'], 'train_dataloader needs num_workers to be a whole'),
    'half a batch': (['--cfg-options', 'train_dataloader.batch_size=2.5'], 'train_dataloader needs batch_size'),
    'a seed below 0': (['--cfg-options', 'randomness.seed=-1'], 'randomness needs seed to be a whole number >= 0, got -1'),
    'a seed that is a word': (['--cfg-options', 'randomness.seed=x'], "randomness needs seed to be a whole number >= 0, got 'x'"),
    'a file without a name': (['--file', ''], '--file'),
    'a work dir that is a file': (['--work-dir', 'taken'], 'taken: Not a directory. Name another by --work-dir.'),
}


@pytest.mark.parametrize(('words', 'said'), WRONG.values(), ids=WRONG)
def test_what_cannot_work_is_one_sentence_and_makes_no_file(tmp_path, config, capsys, words, said):
    Path('taken').write_text('precious')
    assert call(config, *([] if '--work-dir' in words else ['--work-dir', 'work']), *words) == 2
    assert said in one_error(capsys.readouterr().err) and not list(tmp_path.rglob('*-*.pth')) and not Path('work').exists()
