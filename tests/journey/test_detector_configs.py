"""The configs of a journey of detectors are read, name the data's parts, and build; a pair that cannot be compared is refused."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from support import dense, detection, query
from support.boxes_folders import boxes_folder
from support.detector_runs import QUIET

from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError
from mmkd_ext.journey.boxes_file import read_scenes
from mmkd_ext.journey.detector_configs import check_detectors, write_detector_configs
from mmkd_ext.journey.detectors import chosen_detector, detector_settings
from mmkd_ext.journey.step_configs import steps_of

pytestmark = QUIET


@pytest.fixture(scope='module')
def parts(tmp_path_factory):
    root = boxes_folder(tmp_path_factory.mktemp('boxes'), 6)
    scenes = read_scenes(root / 'boxes.json', root / 'scenes', None, 0.3, 0)
    student, teacher = (chosen_detector(str(root / f'{name}.py'), 3, f'--{name}', True) for name in ('student', 'teacher'))
    return scenes, student, teacher, detector_settings(scenes, student, teacher, 2, 2)


def test_every_step_is_a_config_of_the_data_and_written_once(parts, tmp_path):
    scenes, *others = parts
    steps = steps_of(tmp_path, [0, 1], True, True)
    write_detector_configs(tmp_path, scenes, *others, 'kd++', steps, 'teacher.pth')
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert {path.name for path in before} == {
        'train.json', 'val.json', 'images.py', 'teacher.py', 'alone_seed0.py', 'alone_seed1.py', 'distil_seed0.py', 'distil_seed1.py'}
    write_detector_configs(tmp_path, scenes, *others, 'kd++', steps, 'teacher.pth')
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    cfg = load_config(str(tmp_path / 'distil_seed1.py'))
    assert cfg.model.teacher == dict(model=str(tmp_path / 'teacher.py'), checkpoint='teacher.pth') and set(cfg.model.losses) == {'kd', 'nd'}
    assert cfg.randomness.seed == 1 and cfg.default_scope == 'mmdet' and cfg.custom_hooks == [dict(type='mmkd_ext.ClassMeansHook')]
    assert cfg.train_dataloader.dataset.metainfo.classes == ('0', '1', '2') and cfg.param_scheduler[0].end == 1
    assert len(json.loads(Path(cfg.train_dataloader.dataset.ann_file).read_text())['images']) == 4
    alone = load_config(str(tmp_path / 'alone_seed0.py'))
    assert alone.model == cfg.model.student and 'custom_hooks' not in alone


@pytest.mark.parametrize('method', ['kd', 'kd++', 'pkd'])
def test_a_pair_is_built_once_before_the_work(parts, method):
    _, *others = parts
    check_detectors(*others, method)


ONE_SOFTMAX, TOWERS, EDGES = 'compares one softmax', 'follows the last convolutions of the classification', 'compares the distributions of'
UNFIT = [
    ('faster', 'crosskd', TOWERS), ('faster', 'ld', EDGES), ('retinanet', 'dkd', ONE_SOFTMAX), ('retinanet', 'ld', EDGES),
    ('deformable', 'crosskd', TOWERS), ('deformable', 'dist++', ONE_SOFTMAX)]
SUPPORT = dict(faster=detection, retinanet=dense, gfl=dense, deformable=query)
FIT = [('retinanet', 'crosskd'), ('gfl', 'ld'), ('deformable', 'reviewkd++')]


@pytest.fixture(scope='module')
def pair_of(tmp_path_factory):
    """Student and teacher of one architecture, of two widths, as the command line makes them."""

    @cache
    def pair(name):
        support, folder = SUPPORT[name], tmp_path_factory.mktemp(name)
        for role, width in (('student', 16), ('teacher', 32)):
            model = support.tiny(name, width if support is query else width // 2)
            (folder / f'{role}.py').write_text(f"default_scope = 'mmdet'\nmodel = {model!r}\n")
        return [chosen_detector(str(folder / f'{role}.py'), 3, f'--{role}', True) for role in ('student', 'teacher')]

    return pair


@pytest.mark.filterwarnings('ignore:.*num_anchors', 'ignore:torch.meshgrid', 'ignore::DeprecationWarning')  # mmdet's
@pytest.mark.parametrize(('name', 'method', 'said'), [*UNFIT, *((*each, None) for each in FIT)])
def test_a_method_that_does_not_fit_the_kind_is_one_sentence_before_the_work(pair_of, name, method, said):
    pair = pair_of(name)
    if said is None:
        check_detectors(*pair, None, method)
        return
    with pytest.raises(PreflightError, match=f'that --method {re.escape(method)} can compare are needed, got .*: losses.*{said}'):
        check_detectors(*pair, None, method)


def test_a_method_of_nobody_and_weights_of_another_network_are_refused(parts, tmp_path):
    _, *others = parts
    with pytest.raises(PreflightError, match='--method of detectors needs to be one of kd, dkd, .*, nd, got tesk'):
        check_detectors(*others, 'tesk')
    (tmp_path / 'bad.pth').write_bytes(b'x')
    with pytest.raises(PreflightError, match='bad.pth'):
        check_detectors(*others, 'kd', str(tmp_path / 'bad.pth'))
