"""`loss_weight='auto:0.1'` in runs: exact resume at any place, a start from weights, export, two processes, bad texts."""

import os

import pytest
import torch
from command_lines.test_distillation import extra, logged, run
from support.gloo import two_processes
from support.runs import losses, one_error

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import export_student

AUTO = """
model['losses']['kd']['loss_weight'] = 'auto:0.5'
model['losses']['nd']['loss_weight'] = 'auto:0.1'
"""


def seen(checkpoint, name):
    return read_checkpoint(checkpoint)['state_dict'][f'distill.{name}.auto_weight.seen'].tolist()


def test_a_resumed_run_has_the_factors_of_the_whole_one_whether_they_were_fixed_or_not(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path) + AUTO + 'param_scheduler = dict(end=9)\n'
    assert run(tmp_path, text, 'whole', '--cfg-options', 'train_cfg.max_epochs=9')[1] == 0
    for epochs in (2, 8):  # after 6 iterations, and after 24 of which 20 counted
        assert run(tmp_path, text, 'parts', '--cfg-options', f'train_cfg.max_epochs={epochs}', *(['--resume'] if epochs > 2 else []))
    said = capsys.readouterr().out
    config, code = run(tmp_path, text, 'parts', '--resume', '--cfg-options', 'train_cfg.max_epochs=9')
    assert code == 0

    (reference,) = losses(tmp_path / 'whole')
    parts = losses(tmp_path / 'parts')
    assert [min(each) for each in parts] == [1, 7, 25] and {k: v for each in parts for k, v in each.items()} == reference

    terms = logged(tmp_path / 'whole')
    factors = {name: [term[f'{name}_weight'] for term in terms] for name in ('kd', 'nd')}
    for name, share in (('kd', 0.5), ('nd', 0.1)):
        steps, task, own = seen('whole/epoch_9.pth', name)
        assert steps == 20 and len(set(factors[name][:20])) > 15 and len(set(factors[name][19:])) == 1
        assert factors[name][-1] == pytest.approx(share * task / own, rel=1e-5)
        line = next(each for each in said.splitlines() if f'losses.{name}' in each and 'from now on' in each)
        assert f'{share * task / own:.4g}'[:5] in line
    resumed = capsys.readouterr().out
    assert "losses.kd: loss_weight='auto:0.5' is" in resumed and 'as the resumed run had it' in resumed
    assert [term['loss_kd'] for term in terms[:3]] == [0.0] * 3  # the ramp's first epoch, in which it is measured all the same

    assert export_student.main([str(config), 'whole/epoch_9.pth', 'student.pth']) == 0
    assert not any('distill' in key for key in read_checkpoint('student.pth').get('state_dict', read_checkpoint('student.pth')))


def test_a_run_that_only_starts_from_a_checkpoint_measures_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path) + AUTO
    short = ('--cfg-options', 'train_cfg.max_epochs=1')
    assert run(tmp_path, text, 'first', *short)[1] == 0
    assert run(tmp_path, text, 'second', *short, "load_from=first/epoch_1.pth")[1] == 0
    first, second = (seen(f'{name}/epoch_1.pth', 'kd') for name in ('first', 'second'))
    assert first[0] == second[0] == 3 and first != second


@pytest.mark.parametrize('text', ['auto:', 'auto:-1', 'auto:x', 'auto'])
def test_a_text_that_is_no_share_ends_before_the_run(tmp_path, monkeypatch, capsys, text):
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path, extra(tmp_path) + f"model['losses']['kd']['loss_weight'] = '{text}'\n", 'work')[1] == 2
    said = one_error(capsys.readouterr().err)
    assert 'KDLoss needs loss_weight to be a finite number' in said and repr(text) in said
    assert not list((tmp_path / 'work').rglob('*.pth'))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2 or torch.cuda.is_available(), reason='needs two CPU cores and no GPU: gloo')
def test_two_processes_have_one_factor_of_the_mean_norms(rng):
    network = dict(
        type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=7, in_channels=64))
    cfg = dict(
        type='mmkd_ext.OfflineDistiller', student=network, teacher=dict(model=network, checkpoint=None, allow_random=True), input_size=16,
        losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight='auto:0.5')))
    inputs, labels = torch.randn(6, 3, 16, 16, generator=rng, dtype=torch.float64), torch.tensor([0, 6, 3, 3, 1, 5])
    terms, gradients = two_processes(cfg, inputs, labels)
    assert float(terms['loss_kd']) == pytest.approx(float(terms['kd_weight'] * terms['kd_unweighted']), rel=1e-6)  # only of equal factors
    assert float(terms['kd_weight']) != 1.0 and gradients
