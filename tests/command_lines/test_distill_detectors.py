"""From a COCO file to a detector that ships, whole and again; refused in one sentence before anything is written."""

import json
from pathlib import Path

import pytest
from support.boxes_folders import boxes_folder
from support.detector_runs import QUIET
from support.report_pages import read, texts_of
from support.runs import one_error, one_thread

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import distill
from mmkd_ext.config.load_config import load_config
from mmkd_ext.models.build import build_model
from mmkd_ext.report import cost

pytestmark = QUIET
WORDS = ['--data', 'boxes.json', '--images', 'scenes', '--student', 'student.py', '--teacher', 'teacher.py', '--scratch', '--out', 'out']


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return boxes_folder(tmp_path_factory.mktemp('boxes'), 8)


@pytest.fixture(autouse=True)
def there(root, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setattr(cost, '_SECONDS', 0.0)
    with one_thread():
        yield


def test_the_whole_journey_and_again(root, capsys):
    words = [*WORDS, '--epochs', '1', '--method', 'kd++']
    assert distill.main(words) == 0
    records = {path.stem: json.loads(path.read_text())['result'] for path in Path('out/steps').glob('*_test.json')}
    assert set(records) == {'teacher_test', 'alone_seed0_test', 'distil_seed0_test'}
    assert all(0 <= record['accuracy'] <= 100 for record in records.values())
    page = Path('out/report.html').read_text()
    assert {'detections', 'accuracy', 'cost'} <= set(read(page).sections) and 'no ONNX: use mmdeploy' in texts_of(page, 'trained')
    for name, step in (('teacher', 'teacher'), ('alone', 'alone_seed0'), ('distil', 'distil_seed0')):
        assert f'{name} | {records[f"{step}_test"]["accuracy"]:.2f} | ' in texts_of(page, 'accuracy')
    shipped = build_model(load_config('out/student.py'))
    shipped.load_state_dict(read_checkpoint('out/student.pth')['state_dict'])
    assert shipped.roi_head.bbox_head.num_classes == 3
    capsys.readouterr()
    assert distill.main(words) == 0 and capsys.readouterr().out.count('done before, kept') == 7


def test_a_dry_run_shows_the_plan_and_writes_nothing(capsys):
    words = ['planned' if word == 'out' else word for word in WORDS]
    assert distill.main([*words, '--dry-run', '--epochs', '1', '--batch-size', '2']) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines() if ' steps x ' in line] == ['teacher', 'alone_seed0', 'distil_seed0']
    assert not Path('planned').exists()


@pytest.mark.parametrize(('words', 'said'), [
    (['--images', 'gone'], 'gone, which is not there'), (['--data', 'gone.json'], 'gone.json'), (['--method', 'dkd'], 'got dkd'),
    (['--student', 'timm/resnet18'], 'A detector is needed as --student'), (['--val-data', 'gone.json'], 'as --val-data'),
    (['--data', 'scenes'], '--images goes with --data FILE.json'), (['--teacher-checkpoint', 'boxes.json'], 'boxes.json')])  # fmt: skip
def test_what_cannot_work_is_one_sentence_and_writes_nothing(capsys, words, said):
    before = sorted(map(str, Path().rglob('*')))
    assert distill.main([*['refused' if word == 'out' else word for word in WORDS], *words]) == 2
    assert said in one_error(capsys.readouterr().err) and sorted(map(str, Path().rglob('*'))) == before
