"""A distillation through the command line: class means, warm-up, exact resume, export, errors in one sentence."""

import json

import mmpretrain
import pytest
import torch
from support.distillation_runs import extra, logged, run, twelve_classes
from support.runs import losses, one_error, one_thread

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import export_student, test, train

_TIMM = dict(type='TimmClassifier', model_name='test_resnet', num_classes=10)


@pytest.mark.parametrize('student', ['_base_.model', str(_TIMM)], ids=['ImageClassifier', 'TimmClassifier'])
def test_a_resumed_run_goes_on_exactly_and_its_student_is_a_plain_model(tmp_path, monkeypatch, student):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path, student)
    assert run(tmp_path, text, 'whole')[1] == 0
    assert run(tmp_path, text, 'parts', '--cfg-options', 'train_cfg.max_epochs=2')[1] == 0
    config, code = run(tmp_path, text, 'parts', '--resume')
    assert code == 0

    (reference,) = losses(tmp_path / 'whole')
    before, after = losses(tmp_path / 'parts')
    assert (min(before), max(before), min(after), max(after)) == (1, 6, 7, 9)
    assert {**before, **after} == reference  # to the last bit

    terms = logged(tmp_path / 'whole')
    assert [term['loss_kd'] for term in terms[:3]] == [0.0] * 3  # the ramp's first epoch
    assert all(term['loss_kd'] > 0 for term in terms[3:])
    for term in terms:
        assert term['loss'] == pytest.approx(term['loss_student'] + term['loss_kd'] + term['loss_nd'], abs=1e-4)

    state = read_checkpoint('whole/epoch_3.pth')['state_dict']
    (file,) = (tmp_path / 'class_means').glob('*.pth')  # one for all three runs, as they have one teacher and one data set
    means = read_checkpoint(file)
    torch.testing.assert_close(state['distill.nd.class_means'], means['class_means'].float(), rtol=0, atol=0)
    assert means['counts'].tolist() == [4] * 10
    (tmp_path / 'teacher0.pth').unlink()  # neither a test nor the export needs it
    with one_thread():
        assert test.main([str(config), 'whole/epoch_3.pth', '--work-dir', 'tested', '--out', 'metrics.json', '--out-item', 'metrics']) == 0
    assert json.loads((tmp_path / 'metrics.json').read_text())['accuracy/top1'] >= 0
    assert export_student.main([str(config), 'whole/epoch_3.pth', 'student.pth']) == 0
    plain = mmpretrain.get_model('student.py', pretrained='student.pth')
    expected = {key: value for key, value in state.items() if not key.startswith('distill.')}
    torch.testing.assert_close(dict(plain.state_dict()), expected, rtol=0, atol=0)


def test_another_teacher_has_another_file_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short = ('--cfg-options', 'train_cfg.max_epochs=1')
    for seed in (0, 1):
        assert run(tmp_path, extra(tmp_path, seed=seed), f'work{seed}', *short)[1] == 0
    files = sorted((tmp_path / 'class_means').glob('ImageClassifier-*.pth'))
    assert len(files) == 2
    assert not torch.equal(*(read_checkpoint(file)['class_means'] for file in files))


def test_class_means_of_another_teacher_are_refused_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    short = ('--cfg-options', 'train_cfg.max_epochs=1', 'custom_hooks.1.file=class_means.pth')
    assert run(tmp_path, extra(tmp_path), 'work', *short)[1] == 0
    assert (tmp_path / 'work/class_means.pth').is_file()
    capsys.readouterr()
    assert run(tmp_path, extra(tmp_path, seed=1), 'work', *short)[1] == 2
    error = one_error(capsys.readouterr().err)
    assert 'work/class_means.pth, which was made with teacher ' in error
    assert 'pipeline' not in error.split('Remove')[0].split('made with')[1]


def test_a_teacher_that_is_not_there_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path)
    (tmp_path / 'teacher0.pth').unlink()
    assert run(tmp_path, text, 'work')[1] == 2
    assert 'teacher0.pth, which is not there' in one_error(capsys.readouterr().err)


def test_classes_that_never_occur_are_warned_of_once_and_the_run_is_resumed_exactly(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = twelve_classes(tmp_path)
    with one_thread():
        assert train.main([str(config), '--work-dir', 'whole']) == 0
        capsys.readouterr()
        assert train.main([str(config), '--work-dir', 'parts', '--cfg-options', 'train_cfg.max_epochs=1']) == 0
        assert train.main([str(config), '--work-dir', 'parts', '--resume']) == 0
    for log in [*(tmp_path / 'whole').glob('*/*.log'), *(tmp_path / 'parts').glob('*/*.log')]:
        warned = [line for line in log.read_text().splitlines() if 'WARNING' in line and 'no sample' in line]
        assert len(warned) == 1 and '2 of 12 classes: 10 (owl), 11 (emu)' in warned[0]
    (reference,), (before, after) = losses(tmp_path / 'whole'), losses(tmp_path / 'parts')
    assert {**before, **after} == reference and len(after) == 3
    state = read_checkpoint('whole/epoch_2.pth')['state_dict']
    assert state['distill.nd.class_means'].abs().sum(dim=1).gt(0).tolist() == [True] * 10 + [False] * 2


def test_a_sample_of_a_class_that_has_no_mean_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = twelve_classes(tmp_path)
    with one_thread():
        assert train.main([str(config), '--work-dir', 'work', '--cfg-options', 'custom_hooks.0.max_images=3']) == 2
        assert 'classes that occur, got none of 0 (0), 1 (1), ' in one_error(capsys.readouterr().err)
        monkeypatch.setattr('mmkd_ext.class_means.classes_without_samples.listed_labels', lambda _: set())  # a data set that lists nothing
        assert train.main([str(config), '--work-dir', 'work', '--cfg-options', 'custom_hooks.0.max_images=3']) == 2
    said = one_error(capsys.readouterr().err)
    assert 'NDLoss needs the class mean of every class that it is given, got a sample of ' in said and 'max_images' in said


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ('model.losses.kd.tau=hot', "tau of mmkd_ext.KDLoss, got tau='hot'"),
        ('model.losses.nd.dropout=2', 'NDLoss needs dropout to be a finite number >= 0 and < 1, got 2'),
        ('model.losses.kd.loss_weight=much', "loss_weight of mmkd_ext.KDLoss, got loss_weight='much'"),
        ('model.student.head.num_classes=0', 'num_classes=0 must be a positive integer'),
        ('model.teacher.num_classes=0', 'needs num_classes to be a whole number >= 1, got 0'),
        ('model.input_size=0', 'input_size of OfflineDistiller, one number or (height, width), each 1 or more; got 0'),
    ],
)  # fmt: skip
def test_an_option_that_is_none_is_one_sentence(tmp_path, monkeypatch, capsys, change, said):
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path, extra(tmp_path), 'work', '--cfg-options', change)[1] == 2
    assert said in one_error(capsys.readouterr().err)


def test_a_distillation_without_losses_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    losses = "losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0), nd=dict(type='mmkd_ext.NDLoss', loss_weight=2.0))"
    text = extra(tmp_path)
    assert losses in text
    assert run(tmp_path, text.replace(losses, 'losses=dict()'), 'work')[1] == 2
    assert 'A distillation needs losses=dict(name=config, ...) of one loss or more' in one_error(capsys.readouterr().err)
    assert not list((tmp_path / 'work').rglob('*.pth'))
