"""From a folder of images to a student that ships, whole; killed and started again; planned only; refused in one sentence."""

import json
import os
import signal
import time
from pathlib import Path

import mmpretrain
import pytest
import torch
from mmengine.config import Config
from support.copies import started
from support.image_folders import colour_folder
from support.onnx_translations import translations_gathered_once
from support.report_pages import texts_of
from support.runs import one_error

from mmkd_ext.commands import distill, test, train
from mmkd_ext.export import network_files
from mmkd_ext.journey import estimate
from mmkd_ext.report import cost

__all__ = ['translations_gathered_once']  # a fixture
NETWORKS = ['--student', 'cifar/resnet8', '--teacher', 'cifar/resnet14']


@pytest.fixture
def colours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cost, '_SECONDS', 0.0)  # of the report's measurements
    counts = {f'{part}/{name}': n for part, n in (('train', 8), ('val', 4)) for name in ('dark red', '2-green', 'blue')}
    return ['--data', str(colour_folder(tmp_path / 'colours', counts)), *NETWORKS]


@pytest.fixture
def without_graph(monkeypatch):
    """An export to ONNX takes as long as all else of a journey; that of the whole journey below is a real one."""
    monkeypatch.setattr(network_files, 'onnx_bytes', lambda *_: b'a graph')


def stamps(folder: Path) -> dict[str, int]:
    # a log stays open in this process, and takes what is said later
    files = [path for path in folder.rglob('*') if path.is_file() and path.name != 'report.html' and path.suffix != '.log']
    return {str(path): path.stat().st_mtime_ns for path in files}


def test_the_whole_journey_and_again_and_with_another_method(colours, capsys, request):
    words = [*colours, '--method', 'kd++', '--epochs', '2', '--out', 'out']
    assert distill.main(words) == 0
    out, said = Path('out'), capsys.readouterr().out
    records = {path.name.removesuffix('_test.json'): json.loads(path.read_text())['result'] for path in out.glob('steps/*_test.json')}
    accuracies = {name: record['accuracy'] for name, record in records.items()}
    assert set(accuracies) == {'teacher', 'alone_seed0', 'distil_seed0'}
    page = (out / 'report.html').read_text()
    rows = texts_of(page, 'accuracy')
    for label, name in (('teacher', 'teacher'), ('alone', 'alone_seed0'), ('distil', 'distil_seed0')):
        assert f'{label} | {accuracies[name]:.2f} | ' in rows
    assert f'{accuracies["distil_seed0"] - accuracies["alone_seed0"]:+.2f} points over the student alone, one seed' in page
    assert 'batch size 4: 24 training images' in said and 'batch size 4: 24 training images' in page
    student = mmpretrain.get_model('out/student.py', pretrained='out/student.pth').eval()
    assert student(torch.zeros(2, 3, 16, 16)).shape == (2, 3) and (out / 'student.onnx').is_file()
    trained = torch.load('out/runs/distil_seed0/epoch_2.pth', weights_only=False)['state_dict']
    torch.testing.assert_close(student.state_dict()['head.fc.weight'], trained['head.fc.weight'])
    # a step by hand says the same
    assert test.main(['out/distil_seed0.py', 'out/runs/distil_seed0/epoch_2.pth', '--out', 'm.json', '--out-item', 'metrics']) == 0
    assert json.loads(Path('m.json').read_text())['accuracy/top1'] == pytest.approx(accuracies['distil_seed0'])

    before = stamps(out)
    assert distill.main(words) == 0 and stamps(out) == before
    assert capsys.readouterr().out.count('done before, kept') == 7

    request.getfixturevalue('without_graph')
    words[words.index('kd++')] = 'dist'
    assert distill.main(words) == 0
    after = stamps(out)
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed and all(any(each in name for each in ('distil', 'export', 'student.', 'steps/journey.json')) for name in changed)
    assert (out / 'report.html').read_text() != page


@pytest.mark.usefixtures('without_graph')
def test_killed_at_any_moment_it_goes_on_and_does_nothing_twice(colours, capsys):
    words = [*colours, '--method', 'kd', '--epochs', '6', '--out', 'out']
    process = started(distill.main, *words, cwd=Path.cwd())
    wanted, end = Path('out/runs/alone_seed0/epoch_2.pth'), time.monotonic() + 200
    while not wanted.is_file() and os.waitpid(process, os.WNOHANG) == (0, 0) and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert wanted.is_file() and not Path('out/steps/alone_seed0.json').exists()
    teacher = stamps(Path('out/runs/teacher'))
    assert distill.main(words) == 0
    said = capsys.readouterr().out
    assert '[teacher: done before, kept]' in said and '[alone_seed0: goes on]' in said and 'Resuming from' in said
    assert stamps(Path('out/runs/teacher')) == teacher and not list(Path('out').rglob('before_*'))
    assert len(list(Path('out/runs/alone_seed0').glob('*/vis_data'))) == 2 and (Path('out/student.pth')).is_file()


@pytest.mark.usefixtures('without_graph')
def test_a_teacher_that_is_given_is_not_trained_and_one_that_is_worse_is_said_before_the_distillation(colours, capsys, monkeypatch):
    with monkeypatch.context() as patch:  # no further than the teacher
        trained = train.main
        patch.setattr(train, 'main', lambda argv: trained(argv) if Path(argv[0]).stem == 'teacher' else 2)
        assert distill.main([*colours, '--method', 'reviewkd', '--epochs', '1', '--out', 'first']) == 2
    weights = Path('first/runs/teacher/epoch_1.pth')
    state = torch.load(weights, weights_only=False)
    state['state_dict']['head.fc.weight'].zero_()  # one class for all images
    state['state_dict']['head.fc.bias'].zero_()
    torch.save(state, 'bad.pth')
    capsys.readouterr()
    words = [*colours, '--method', 'reviewkd', '--epochs', '4', '--seeds', '2', '--out', 'second', '--teacher-checkpoint', 'bad.pth']
    assert distill.main(words) == 0
    said = capsys.readouterr()
    records = {path.stem: json.loads(path.read_text())['result'] for path in Path('second/steps').glob('*_test.json')}
    assert not Path('second/runs/teacher').exists() and records['teacher_test']['accuracy'] == pytest.approx(100 / 3, abs=0.01)
    alone = sum(records[f'alone_seed{seed}_test']['accuracy'] for seed in (0, 1)) / 2
    assert ('warning: the teacher has 33.33 %' in said.err) == (alone >= 100 / 3 - 0.01)
    assert 'points over the student alone (95 % interval' in Path('second/report.html').read_text()
    losses = Config.fromfile('second/distil_seed0.py').model.losses
    assert losses.kd.type == 'mmkd_ext.ReviewKDLoss' and 'student_stages' not in losses.kd


def test_a_dry_run_shows_steps_time_and_memory_and_writes_nothing(colours, capsys):
    assert distill.main([*colours, '--seeds', '2', '--dry-run', '--out', 'out']) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines() if ' steps x ' in line] == [
        'teacher', 'alone_seed0', 'alone_seed1', 'distil_seed0', 'distil_seed1']
    assert ' in all' in said and ' MB ' in said and not Path('out').exists()


def test_too_little_memory_proposes_a_smaller_batch(colours, capsys, monkeypatch):
    def full(*args):
        raise torch.OutOfMemoryError('CUDA out of memory.')

    monkeypatch.setattr(estimate, 'compare_steps', full)
    assert distill.main([*colours, '--batch-size', '8', '--dry-run']) == 2
    assert one_error(capsys.readouterr().err).endswith('try --batch-size 4.')


@pytest.mark.parametrize(
    ('words', 'said'),
    [(['--epochs', '0'], '--epochs needs a whole number of 1 or more, got 0'), (['--batch-size', '1'], '--batch-size needs'),
     (['--seeds', '0'], '--seeds needs'), (['--seeds', '1001'], '--seeds needs'),
     (['--val-share', '1.0'], '--val-share needs'), (['--data', 'nowhere'], 'nowhere'),
     (['--teacher-checkpoint', 'nowhere.pth'], 'nowhere.pth'), (['--student', 'cifar/resnet9'], 'resnet9')])  # fmt: skip
def test_what_cannot_work_is_one_sentence_and_writes_nothing(colours, capsys, words, said):
    before = stamps(Path())
    assert distill.main([*colours, *words, '--out', 'out']) == 2
    assert said in one_error(capsys.readouterr().err) and stamps(Path()) == before


@pytest.mark.parametrize('dry', [[], ['--dry-run']], ids=['run', 'dry run'])
@pytest.mark.parametrize('path', ['report.html', 'student.pth', 'steps/teacher.json', 'runs/distil_seed0/epoch_3.pth'])
def test_a_folder_in_the_place_of_what_it_will_write_is_said_before_anything_is_done(colours, capsys, path, dry):
    Path('out', path).mkdir(parents=True)
    assert distill.main([*colours, '--out', 'out', *dry]) == 2
    said = one_error(capsys.readouterr().err)
    assert f'out/{path}, which is a folder' in said and said.endswith('--out.') and not stamps(Path('out'))


@pytest.mark.parametrize('dry', [[], ['--dry-run']], ids=['run', 'dry run'])
@pytest.mark.parametrize('path', ['out', 'out/runs', 'out/steps'])
def test_a_file_in_the_place_of_its_folders_is_said_before_anything_is_done(colours, capsys, path, dry):
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text('precious')
    assert distill.main([*colours, '--out', 'out', *dry]) == 2
    said = one_error(capsys.readouterr().err)
    assert path in said and 'Not a directory' in said and said.endswith('--out.') and Path(path).read_text() == 'precious'


def test_weights_that_are_no_teachers_are_refused_in_a_dry_run_too(colours, capsys):
    torch.save({'state_dict': {'head.fc.weight': torch.zeros(3, 64)}}, 'other.pth')
    Path('text.pth').write_text('no weights')
    for name in ('other.pth', 'text.pth'):
        assert distill.main([*colours, '--dry-run', '--teacher-checkpoint', name]) == 2
        assert name in one_error(capsys.readouterr().err)


@pytest.mark.usefixtures('without_graph')
def test_a_training_that_fails_ends_the_journey_and_is_done_when_its_cause_is_mended(colours, capsys, monkeypatch):
    words, main = [*colours, '--method', 'kd', '--epochs', '1', '--no-baseline', '--out', 'out'], train.main
    monkeypatch.setattr(train, 'main', lambda argv: 2)
    assert distill.main(words) == 2
    assert 'the training teacher failed' in one_error(capsys.readouterr().err) and not Path('out/steps/teacher.json').exists()
    monkeypatch.setattr(train, 'main', main)
    assert distill.main(words) == 0
    assert 'was not trained, so what distillation gave is not known' in Path('out/report.html').read_text()
