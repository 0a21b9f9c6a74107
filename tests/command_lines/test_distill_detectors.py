"""From a COCO file to a detector that ships, whole and again; refused in one sentence before anything is written."""

import json
from pathlib import Path

import pytest
from support import dense, query
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


KINDS = {
    'dense': (dense.tiny('retinanet'), dense.tiny('retinanet', 16, 24), 'mgd', 'student.onnx gives the raw outputs of the head'),
    'query': (query.tiny(), query.tiny(embed=64, queries=12), 'kd++', 'no ONNX: use mmdeploy on student.pth and student.py, for a query')}


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.*num_anchors', 'ignore:torch.meshgrid', 'ignore::DeprecationWarning')  # mmdet's, and torch's exporter
@pytest.mark.parametrize('kind', KINDS)
def test_a_dense_and_a_query_student_go_the_whole_way(root, capsys, kind):
    student, teacher, method, said = KINDS[kind]
    for role, model in (('student', student), ('teacher', teacher)):
        Path(f'{kind}_{role}.py').write_text(f"default_scope = 'mmdet'\nmodel = {model!r}\n")
    words = [f'{kind}_{word}' if word in ('student.py', 'teacher.py', 'out') else word for word in WORDS]
    assert distill.main([*words, '--epochs', '1', '--no-baseline', '--method', method]) == 0
    out = Path(f'{kind}_out')
    assert said in capsys.readouterr().out and said in texts_of((out / 'report.html').read_text(), 'trained')
    assert set(load_config(str(out / 'distil_seed0.py')).model.losses) == ({'mgd'} if kind == 'dense' else {'kd', 'nd'})
    record = json.loads((out / 'steps/distil_seed0_test.json').read_text())['result']
    assert 0 <= record['accuracy'] <= 100  # 0 of a detector that finds nothing, for which mmdet has no number
    shipped = build_model(load_config(str(out / 'student.py')))
    shipped.load_state_dict(read_checkpoint(str(out / 'student.pth'))['state_dict'])
    assert shipped.bbox_head.num_classes == 3 and (out / 'student.onnx').is_file() == (kind == 'dense')


def test_a_detector_that_finds_nothing_has_an_accuracy_of_zero(tmp_path, monkeypatch):
    journey = distill.Journey(tmp_path, [], False, 'data', distill._DETECT)

    def nothing(words):
        Path(words[words.index('--out') + 1]).write_text('{}')
        return 0

    monkeypatch.setattr(distill.test, 'main', nothing)
    journey._test('teacher', tmp_path / 'teacher.py', 'teacher.pth', 'origin')
    assert journey.accuracies == {'teacher': 0.0}


def test_a_dry_run_shows_the_plan_and_writes_nothing(capsys):
    words = ['planned' if word == 'out' else word for word in WORDS]
    assert distill.main([*words, '--dry-run', '--epochs', '1', '--batch-size', '2']) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines() if ' steps x ' in line] == ['teacher', 'alone_seed0', 'distil_seed0']
    assert not Path('planned').exists()


@pytest.mark.parametrize(('words', 'said'), [
    (['--images', 'gone'], 'gone, which is not there'), (['--data', 'gone.json'], 'gone.json'),
    (['--method', 'crosskd'], 'that --method crosskd can compare are needed'),
    (['--student', 'timm/resnet18'], 'A detector is needed as --student'), (['--val-data', 'gone.json'], 'as --val-data'),
    (['--data', 'scenes'], '--images goes with --data FILE.json'), (['--teacher-checkpoint', 'boxes.json'], 'boxes.json')])  # fmt: skip
def test_what_cannot_work_is_one_sentence_and_writes_nothing(capsys, words, said):
    before = sorted(map(str, Path().rglob('*')))
    assert distill.main([*['refused' if word == 'out' else word for word in WORDS], *words]) == 2
    assert said in one_error(capsys.readouterr().err) and sorted(map(str, Path().rglob('*'))) == before
