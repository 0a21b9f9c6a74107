"""Networks that train together, through the command line: exact resume, tests of each, export, curves, errors in one sentence."""

import json

import mmpretrain
import pytest
import torch
from support.runs import losses, one_error, one_thread, write_config

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import benchmark, export_student, plot_curves, test, train

_SMALL = dict(model='cifar/resnet8', num_classes=10)
_TIMM = dict(model='timm/test_resnet', num_classes=10)
_EXTRA = f"""
model = dict(
    _delete_=True, type='mmkd_ext.MutualLearningDistiller', students=dict(zoo={_SMALL}, timm={_TIMM}), teacher={_SMALL}, input_size=8,
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0), ml=dict(type='mmkd_ext.MutualLearningLoss')))
param_scheduler = dict(end=3)  # and not the shorter run's end
train_dataloader = dict(batch_size=16, dataset=dict(samples_per_class=4))
val_dataloader = dict(dataset=dict(indices=16))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=2), dict(type='EMAHook')]
default_hooks = dict(export=dict(type='mmkd_ext.ExportStudentHook', which='last'))
"""


def run(folder, work_dir, *options, text=_EXTRA):
    path = write_config(folder, text)
    with one_thread():
        return path, train.main([str(path), '--work-dir', work_dir, *options])


def metrics_of(*words):
    with one_thread():
        assert test.main([*map(str, words), '--work-dir', 'tested', '--out', 'metrics.json', '--out-item', 'metrics']) == 0
    with open('metrics.json') as file:
        return json.load(file)


def test_a_run_of_several_networks_is_resumed_tested_and_exported(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path, 'whole')[1] == 0
    assert run(tmp_path, 'parts', '--cfg-options', 'train_cfg.max_epochs=2')[1] == 0
    config, code = run(tmp_path, 'parts', '--resume')
    assert code == 0
    (reference,) = losses(tmp_path / 'whole')
    before, after = losses(tmp_path / 'parts')
    assert (min(before), max(before), min(after), max(after)) == (1, 6, 7, 9)
    assert {**before, **after} == reference  # to the last bit

    (log,) = (tmp_path / 'whole').glob('*/vis_data/scalars.json')
    validated = [json.loads(line) for line in log.read_text().splitlines() if 'accuracy/top1' in line][-1]
    shown = capsys.readouterr().out
    for name in ('zoo', 'timm', 'teacher'):
        assert f'{name}/accuracy/top1' in validated
    table = [line.split() for line in shown.splitlines() if line.split()[:1] in (['zoo'], ['timm'], ['teacher'], ['ensemble'])]
    assert len(table) >= 4 and all(len(row) == 2 for row in table)

    together = metrics_of(config, 'whole/epoch_3.pth')
    alone = {n: metrics_of(config, 'whole/epoch_3.pth', '--cfg-options', f'model.predict_by={n}') for n in ('zoo', 'timm', 'teacher')}
    for name in ('zoo', 'timm'):
        assert together[f'{name}/accuracy/top1'] == alone[name]['accuracy/top1']
    assert set(together) == {'accuracy/top1', 'zoo/accuracy/top1', 'timm/accuracy/top1'}
    assert set(alone['teacher']) == {'accuracy/top1'}

    assert export_student.main([str(config), 'whole/epoch_3.pth', 'out/last.pth']) == 0
    state = read_checkpoint('whole/epoch_3.pth')['state_dict']
    files = {path.name for path in (tmp_path / 'out').iterdir()}
    assert files == {'last.py', 'last_zoo.pth', 'last_zoo.py', 'last_timm.pth', 'last_timm.py'}
    assert {path.name for path in (tmp_path / 'whole').glob('student*')} == {name.replace('last', 'student') for name in files}
    for name in ('zoo', 'timm'):
        plain = mmpretrain.get_model(f'out/last_{name}.py', pretrained=f'out/last_{name}.pth')
        wanted = {key.removeprefix(f'networks.{name}.'): x for key, x in state.items() if key.startswith(f'networks.{name}.')}
        torch.testing.assert_close(dict(plain.state_dict()), wanted, rtol=0, atol=0)
    (tmp_path / 'out').rename(tmp_path / 'elsewhere')
    assert metrics_of('elsewhere/last.py') == together
    assert plot_curves.main(['whole', '--keys', 'loss_ml_zoo', 'loss_kd_timm', '--out', 'curves.png']) == 0
    assert (tmp_path / 'curves.png').stat().st_size > 5000


def test_a_config_without_a_checkpoint_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, _EXTRA)
    assert test.main([str(config), '--work-dir', 'tested']) == 2
    assert 'needs CONFIG and CHECKPOINT' in one_error(capsys.readouterr().err)


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (['model.losses.kd.teacher=other'], "one of these or 'teacher'"),
        (['model.students.timm.num_classes=9'], 'of the same classes'),
        (['model.students.timm.model=timm/resnet_that_is_not'], 'resnet_that_is_not'),
    ])
def test_what_cannot_work_ends_in_one_sentence(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path, 'work', '--cfg-options', *options)[1] == 2
    assert words in one_error(capsys.readouterr().err)


@pytest.mark.parametrize(
    ('out', 'blocked', 'words'), [
        ("out='other.pth'", 'other_timm.pth', ['other_timm.pth, which is a folder', 'Look at out of the ExportStudentHook']),
        ("out='other.pth'", 'other.py', ['other.py, which is a folder']),
        ("out='student_zoo.pth'", 'elsewhere', ['student_zoo.py would be written 2 times']),
        ("out='best.pth'", 'elsewhere', ["no checkpoint's name", 'which makes best_zoo.pth']),
    ])
def test_what_the_export_of_each_student_could_not_write_is_said_before_the_training(
        tmp_path, monkeypatch, capsys, out, blocked, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'work' / blocked).mkdir(parents=True)
    config = write_config(tmp_path, f"{_EXTRA}\ncustom_hooks = [dict(type='mmkd_ext.ExportStudentHook', {out})]\n")
    assert train.main([str(config), '--work-dir', 'work']) == 2
    text = one_error(capsys.readouterr().err)
    assert [word for word in words if word not in text] == [], text
    assert not [path for path in (tmp_path / 'work').rglob('*.pth') if path.is_file()]


def test_the_benchmark_compares_a_step_with_the_sum_of_the_networks_steps(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, _EXTRA)
    words = [str(config), '--batch-size', '4', '--rounds', '1', '--precision', 'float32', '--threads', '1']
    rows = {row['network']: row for row in benchmark.benchmark(words)}
    assert list(rows) == ['zoo', 'timm', 'teacher', 'ours', 'sum']
    assert rows['sum']['seconds'] == pytest.approx(sum(rows[name]['seconds'] for name in ('zoo', 'timm', 'teacher')))
    assert '| ours | float32 |' in capsys.readouterr().out
