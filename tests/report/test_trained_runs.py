"""Which folders are runs, and which config was trained; what cannot be read is said."""

import shutil

import pytest
from support.reported_runs import log_of, write_start
from support.runs import write_config

from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError
from mmkd_ext.report.journey_record import record_file, record_text
from mmkd_ext.report.trained_runs import find_runs, read_trained_run


def names(places):
    return [run.folder.name for run in find_runs(places)]


def test_runs_are_found_below_a_folder_each_once(root):
    assert names([root]) == ['alone_seed0', 'alone_seed1', 'kd_seed0', 'kd_seed1']
    assert names([root / 'runs/kd_seed1', root / 'runs', root / 'runs/kd_seed1']) == ['kd_seed1', 'alone_seed0', 'alone_seed1', 'kd_seed0']


def test_a_run_has_its_config_curves_seed_and_last_checkpoint(root):
    (run,) = find_runs([root / 'runs/kd_seed1'])
    assert run.cfg.model.type == 'mmkd_ext.OfflineDistiller' and run.seed == 1 and not run.problems
    assert run.checkpoint.name == 'epoch_3.pth' and run.config_file == root / 'runs/kd_seed1/config.py'
    assert [value for curve, points in run.log.curves.items() if curve.key == 'accuracy/top1' for _, value in points] == [40.0, 41.0, 61.0]


def test_a_journeys_runs_are_those_of_its_record(root, tmp_path):
    folder = tmp_path / 'journey'
    shutil.copytree(root, folder)
    record_file(folder).parent.mkdir()
    record_file(folder).write_text(record_text('mmkd distill', [], ['runs/kd_seed0', 'runs/gone']))
    assert names([folder]) == ['kd_seed0']


def test_folders_of_tests_are_left_out_and_a_test_in_a_runs_folder_does_not_replace_its_config(root, tmp_path):
    folder = tmp_path / 'work'
    shutil.copytree(root, folder)
    cfg = load_config(str(write_config(tmp_path)))
    for place in ('runs/kd_seed0_test', 'runs/kd_seed0'):
        write_start(folder / place, cfg, [], '20270101_000000')
    cfg.dump(str(folder / 'runs/kd_seed0/config.py'))
    assert names([folder]) == ['alone_seed0', 'alone_seed1', 'kd_seed0', 'kd_seed1']
    run = read_trained_run(folder / 'runs/kd_seed0')
    assert run.config_file.parent.name == 'vis_data' and run.cfg.model.type == 'mmkd_ext.OfflineDistiller'


def test_a_run_that_was_only_started_is_read_and_says_what_it_lacks(tmp_path):
    write_start(tmp_path / 'work', load_config(str(write_config(tmp_path))), [])
    (run,) = find_runs([tmp_path / 'work'])
    assert run.cfg is not None and run.log is None and run.checkpoint is None
    assert len(run.problems) == 2 and 'no checkpoint' in run.problems[1]


def test_a_run_whose_config_is_broken_has_its_curves(tmp_path):
    write_start(tmp_path / 'work', load_config(str(write_config(tmp_path))), log_of([(10.0, {})]))
    (tmp_path / 'work/20260101_000000/vis_data/config.py').write_text('model = (')
    (run,) = find_runs([tmp_path / 'work'])
    assert run.cfg is None and run.log is not None and run.seed is None and 'A config that can be read is needed' in run.problems[0]


def test_what_is_no_work_dir_is_one_sentence(tmp_path):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'empty/inner').mkdir(parents=True)
    (tmp_path / 'broken/20260101_000000/vis_data').mkdir(parents=True)
    for name, said in (('file', 'is a file'), ('gone', 'is not there'), ('empty', 'it holds none'), ('broken', 'holds no config')):
        with pytest.raises(PreflightError, match=f'{name}.*{said}'):
            find_runs([tmp_path / name])
