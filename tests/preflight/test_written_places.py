"""What stands in the place of a file that a run will write is said before the run, and nothing of it is touched."""

import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from support.runs import one_error, write_config

from mmkd_ext.commands import test, train
from mmkd_ext.preflight.written_places import check_places, check_run_folder


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def tree() -> set[str]:
    return set(map(str, Path().rglob('*')))


def config(**content) -> Config:
    return Config(dict(work_dir='work', **content))


def dumped(path) -> dict:
    return dict(val_evaluator=[dict(type='Accuracy'), dict(type='DumpResults', out_file_path=path)])


@pytest.mark.parametrize(
    'name', ['last_checkpoint', 'run.json', 'adapters.txt', 'epoch_1.pth', 'iter_300.pth', 'best_accuracy_top1_epoch_1.pth'])
def test_a_folder_in_the_place_of_a_file_of_a_run_is_named(name):
    Path('work', name).mkdir(parents=True)
    before = tree()
    with pytest.raises(ValueError, match=rf'work/{name}, which is a folder\. .*name another --work-dir\.'):
        check_places(config(), ('train', 'val'))
    with pytest.raises(ValueError, match=rf'work/{name}, which is a folder\. .*name another --out\.'):
        check_run_folder(Path('work'), flag='--out')
    check_places(config(), ('test',))  # which writes no such file
    assert tree() == before


PLACES = {
    'checkpoints': (dict(default_hooks=dict(mine=dict(type='CheckpointHook', out_dir='o', filename_tmpl='a_{}.pt'))), 'o/work/a_7.pt'),
    'predictions': (dumped('o.pkl'), 'o.pkl'),
    'boxes': (dict(val_evaluator=dict(type='CocoMetric', outfile_prefix='o/of')), 'o/of.bbox.json'),
    'a trace': (dict(custom_hooks=[dict(type='ProfilerHook', json_trace_path='o.json')]), 'o.json'),
}  # fmt: skip


@pytest.mark.parametrize(('content', 'path'), PLACES.values(), ids=PLACES)
def test_and_of_one_that_the_config_names(content, path):
    check_places(config(**content), ('train', 'val'))
    Path(path).mkdir(parents=True)
    with pytest.raises(ValueError, match=rf'{path}, which is a folder\.'):
        check_places(config(**content), ('train', 'val'))


FOLDERS = {
    'logs': (dict(default_hooks=dict(logger=dict(type='LoggerHook', out_dir='o'))), 'default_hooks.logger.out_dir'),
    'checkpoints': (dict(default_hooks=dict(checkpoint=dict(type='CheckpointHook', out_dir='o'))), 'CheckpointHook'),
    'pictures': (dict(default_hooks=dict(visualization=dict(type='VisualizationHook', out_dir='o/p'))), 'visualization.out_dir'),
    'scalars': (dict(vis_backends=[dict(type='LocalVisBackend', save_dir='o')]), 'vis_backends.0.save_dir'),
    'predictions': (dumped('o/predictions.pkl'), 'val_evaluator.1.out_file_path'),
}


@pytest.mark.parametrize(('content', 'said'), FOLDERS.values(), ids=FOLDERS)
def test_a_file_in_the_place_of_a_folder_is_named(content, said):
    check_places(config(**content), ('train', 'val'))
    Path('o').write_text('precious')
    with pytest.raises(ValueError, match=rf'got o.*: Not a directory\. Look at .*{said}'):
        check_places(config(**content), ('train', 'val'))
    assert tree() == {'o'}


def test_two_parts_that_would_write_one_file_are_named():
    dump, boxes = dict(type='DumpResults', out_file_path='of.bbox.json.pkl'), dict(type='CocoMetric', outfile_prefix='of')
    check_places(config(val_evaluator=[dump, boxes], test_evaluator=[dump, boxes]), ('train', 'val', 'test'))
    for one, other in ((dump, dict(dump, out_file_path='x/../of.bbox.json.pkl')), (boxes, dict(boxes))):
        said = r'needed for each of val_evaluator\.0\.\w+ and val_evaluator\.1\.\w+, got .* twice\. Look at val_evaluator\.1'
        with pytest.raises(ValueError, match=said):
            check_places(config(val_evaluator=[one, other]), ('train', 'val'))
    check_places(config(default_hooks=dict(checkpoint=dict(out_dir='a')), visualizer=dict(save_dir='a')), ('train', 'val'))


def test_an_address_is_no_place_of_this_machine():
    check_places(config(default_hooks=dict(logger=dict(type='LoggerHook', out_dir='s3://bucket/proc'))), ('train', 'val'))


def test_both_tools_ask_before_they_build_anything(tmp_path, capsys):
    path = write_config(tmp_path)
    for tool, words in ((train.main, []), (test.main, ['work/last_checkpoint'])):
        Path('work', path.name).mkdir(parents=True, exist_ok=True)  # mmengine's copy of the config
        Path('work/last_checkpoint').write_bytes(b'')
        if words:
            torch.save(dict(state_dict=dict(a=torch.zeros(1))), words[0])
        assert tool([str(path), *words, '--work-dir', 'work']) == 2
        assert f'work/{path.name}, which is a folder' in one_error(capsys.readouterr().err)
        assert len(os.listdir('work')) == 2
