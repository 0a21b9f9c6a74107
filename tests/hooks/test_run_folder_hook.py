"""RunFolderHook: which files of its folder a run may replace, and which it forgets; whole runs are in checkpoints/test_run_folder.py."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub

from mmkd_ext.checkpoints.run_folder import RUNS
from mmkd_ext.hooks import run_folder_hook
from mmkd_ext.hooks.run_folder_hook import BEST_ELSEWHERE, RunFolderHook

ME, OTHER = 'aa', 'bb'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('work').mkdir()


@pytest.fixture
def said(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(run_folder_hook, 'print_log', lambda text, *_: lines.append(text))
    return lines


def save(path, run):
    path = Path(path)
    path.parent.mkdir(exist_ok=True)
    torch.save(dict(state_dict=dict(a=torch.ones(1)), meta={}, message_hub=dict(runtime_info={RUNS: [run]})), path)
    return path


def runner_of(**infos):
    hook = CheckpointHook(interval=1, filename_tmpl='epoch_{}.pth')
    return SimpleNamespace(message_hub=MessageHub('a run', runtime_info=infos), hooks=[hook], work_dir='work', timestamp='now')


def test_a_run_is_noted_in_its_checkpoints_and_its_folder(said):
    runner = runner_of()
    RunFolderHook([OTHER, ME]).before_train(runner)
    assert runner.message_hub.get_info(RUNS) == [OTHER, ME] and said == []
    assert json.loads(Path('work/run.json').read_text())['run'] == ME


def test_files_of_an_earlier_run_make_room_and_are_kept(said):
    old = save('work/epoch_1.pth', OTHER).read_bytes()
    save('work/epoch_2.pth', OTHER)
    runner = runner_of()
    hook = RunFolderHook([ME])
    hook.before_train(runner)
    assert len(said) == 1 and said[0].startswith('2 checkpoints of an earlier run are in work, such as epoch_2.pth.')
    runner.message_hub.update_info('last_ckpt', 'work/epoch_1.pth')
    hook.before_save_checkpoint(runner, {})
    assert Path('work/before_now/epoch_1.pth').read_bytes() == old and not Path('work/epoch_1.pth').exists()
    save('work/epoch_1.pth', ME)
    hook.before_save_checkpoint(runner, {})  # its own file is replaced, as ever
    assert sorted(path.name for path in Path('work').glob('**/*.pth')) == ['epoch_1.pth', 'epoch_1.pth', 'epoch_2.pth']


def test_a_run_that_goes_on_here_replaces_its_own_files_only(said):
    mine, other = save('work/epoch_1.pth', ME), save('work/best_accuracy_epoch_1.pth', OTHER)
    runner = runner_of()
    hook = RunFolderHook([ME], str(mine))
    hook.before_train(runner)
    assert said == []
    runner.message_hub.update_info('last_ckpt', str(mine))
    runner.message_hub.update_info('best_ckpt', str(other))
    hook.before_save_checkpoint(runner, {})
    assert mine.is_file() and not other.exists() and Path('work/before_now', other.name).is_file()


def test_the_best_of_another_folder_is_not_this_runs_to_remove():
    source, best = save('elsewhere/epoch_3.pth', ME), save('elsewhere/best.pth', ME)
    runner = runner_of(best_ckpt=str(best), last_ckpt='elsewhere/epoch_3.pth')
    RunFolderHook([ME], str(source)).before_train(runner)
    infos = runner.message_hub.runtime_info
    assert infos['best_ckpt'] is None and infos[BEST_ELSEWHERE] == str(best) and infos['last_ckpt'] == str(source)


def test_the_best_of_a_folder_that_has_moved_is_found_here():
    mine, best = save('work/epoch_3.pth', ME), save('work/best.pth', ME)
    runner = runner_of(best_ckpt='old_name/best.pth')
    RunFolderHook([ME], str(mine)).before_train(runner)
    assert runner.message_hub.get_info('best_ckpt') == str(best) and BEST_ELSEWHERE not in runner.message_hub.runtime_info
    runner = runner_of(best_ckpt=str(best.resolve()))
    RunFolderHook([ME], str(mine)).before_train(runner)
    assert runner.message_hub.get_info('best_ckpt') == str(best.resolve())


def test_only_its_own_numbers_are_kept_for_removal():
    for epoch, run in ((1, ME), (2, OTHER), (3, ME)):
        save(f'work/epoch_{epoch}.pth', run)
    runner = runner_of(keep_ckpt_ids=[1, 2, 3, 4])
    RunFolderHook([ME], 'work/epoch_3.pth').before_train(runner)
    assert runner.message_hub.get_info('keep_ckpt_ids') == [1, 3]
