"""`loss_weight='auto:0.1'` in runs: exact resume at any place, a start from weights, export, two processes, bad texts."""

import os

import pytest
import torch
from support.distillation_runs import extra, logged, run
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
    monkeypatch.setattr('mmkd_ext.losses.auto_weight.ITERATIONS', 4)
    text = extra(tmp_path) + AUTO
    assert run(tmp_path, text, 'whole')[1] == 0
    said = capsys.readouterr()
    for epochs in (1, 2, 3):  # of three iterations
        resume = ['--resume'] if epochs > 1 else []
        config, code = run(tmp_path, text, 'parts', '--cfg-options', f'train_cfg.max_epochs={epochs}', *resume)
        assert code == 0
    resumed = capsys.readouterr()

    (reference,) = losses(tmp_path / 'whole')
    parts = losses(tmp_path / 'parts')
    assert [min(each) for each in parts] == [1, 4, 7] and {k: v for each in parts for k, v in each.items()} == reference

    terms = logged(tmp_path / 'whole')
    for name, share in (('kd', 0.5), ('nd', 0.1)):
        factors = [term[f'{name}_weight'] for term in terms]
        steps, task, own = seen('whole/epoch_3.pth', name)
        assert steps == 4 and len(set(factors[:4])) == 4 and set(factors[3:]) == {factors[3]}
        assert factors[3] == pytest.approx(share * task / own, rel=1e-3)
        assert f"losses.{name}: loss_weight='auto:{share:g}' is {share * task / own:.6g} from now on" in said.out + said.err
        assert f"losses.{name}: loss_weight='auto:{share:g}' is {share * task / own:.6g}, as the resumed run" in resumed.out + resumed.err
    assert [term['loss_kd'] for term in terms[:3]] == [0.0] * 3  # the ramp's first epoch, in which it is measured all the same

    assert export_student.main([str(config), 'whole/epoch_3.pth', 'student.pth']) == 0
    exported = read_checkpoint('student.pth')
    assert not any('distill' in key for key in exported.get('state_dict', exported))


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
