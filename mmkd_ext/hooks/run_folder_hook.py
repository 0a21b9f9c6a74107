"""RunFolderHook: which checkpoints mmengine's CheckpointHook may remove and replace, and which belong to other runs."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmkd_ext.checkpoints.checkpoint_files import checkpoints_newest_first
from mmkd_ext.checkpoints.run_folder import RUNS, in_folders, own_file, write_record

BEST_ELSEWHERE = 'mmkd_best_elsewhere'  # in the message hub: the best checkpoint so far, where it is not this run's to remove


class RunFolderHook(Hook):
    """Give the run's name to its checkpoints, and keep the files of other runs; `tools/train.py` adds it to every run.

    A resumed run forgets the files that its checkpoint names and that are not its own: those of another folder, and those in its
    folder that another run wrote. A file of an earlier run whose name this one needs is moved into the folder
    `before_<time of the start>` first.

    Args:
        runs: The run's name, last, after those that it goes on from in the same folder.
        resumed_from: The checkpoint that it resumes, or None.
    """

    priority = 'VERY_HIGH'  # before the CheckpointHook reads what it will remove

    def __init__(self, runs: Sequence[str], resumed_from: str | None = None) -> None:
        self.runs, self.resumed_from = list(runs), resumed_from
        self._there: set[Path] = set()
        self._goes_on_here = False  # whether the folder holds the checkpoint that is resumed

    def before_train(self, runner: Runner) -> None:
        """The checkpoint that is resumed has been loaded by now."""
        runner.message_hub.update_info(RUNS, self.runs)
        folders = {hook: _folder(hook, runner) for hook in runner.hooks if isinstance(hook, CheckpointHook)}
        if self.resumed_from is not None:
            self._goes_on_here = in_folders(self.resumed_from, map(Path, folders.values()))
            self._forget_others(runner, folders)
        self._there = {path.resolve() for folder in folders.values() for path in Path(folder).glob('*') if path.is_file()}
        if not is_main_process():
            return
        write_record(runner.work_dir, self.runs[-1], self.resumed_from)
        earlier = [
            path for hook, folder in folders.items() for path in checkpoints_newest_first(folder, (hook.filename_tmpl,))
        ]
        if earlier and not self._goes_on_here:
            print_log(
                f'{len(earlier)} checkpoints of an earlier run are in {earlier[0].parent}, such as {earlier[0].name}. Those whose '
                f'names this run needs are moved into before_{runner.timestamp}; --resume goes on with this run from now on.',
                'current',
                logging.WARNING,
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """The CheckpointHook has told by now which name it writes to."""
        infos = runner.message_hub.runtime_info
        for key in [key for key in infos if key == 'last_ckpt' or key.startswith('best_ckpt')]:
            path = Path(infos[key] or '').resolve()
            if path not in self._there or not path.is_file():
                continue
            self._there.discard(path)
            if not (self._goes_on_here and own_file(path, self.runs, unreadable=True)):
                kept = path.parent / f'before_{runner.timestamp}' / path.name
                kept.parent.mkdir(exist_ok=True)
                os.replace(path, kept)
                print_log(f'{path.name} of an earlier run is now {kept}.', 'current', logging.WARNING)

    def _forget_others(self, runner: Runner, folders: dict[CheckpointHook, str]) -> None:
        infos = runner.message_hub.runtime_info
        runner.message_hub.update_info('last_ckpt', self.resumed_from)
        for key in [key for key in infos if key.startswith('best_ckpt') and infos[key]]:
            old = str(infos[key])
            here = [os.path.join(folder, os.path.basename(old)) for folder in folders.values()]
            own = [path for path in here if self._own(path)]
            runner.message_hub.update_info(key, old if any(_same(old, path) for path in own) else own[0] if own else None)
            if key == 'best_ckpt' and not own:
                runner.message_hub.update_info(BEST_ELSEWHERE, old)
        if 'keep_ckpt_ids' in infos:
            ids = [
                step
                for step in infos['keep_ckpt_ids']
                if all(self._own(os.path.join(folder, hook.filename_tmpl.format(step))) for hook, folder in folders.items())
            ]
            runner.message_hub.update_info('keep_ckpt_ids', ids)

    def _own(self, path: str) -> bool:
        return os.path.isfile(path) and own_file(path, self.runs)


def _folder(hook: CheckpointHook, runner: Runner) -> str:
    """The folder that the CheckpointHook will write to; the hook itself computes it later."""
    if hook.out_dir is None or hook.out_dir == runner.work_dir:
        return runner.work_dir
    return os.path.join(str(hook.out_dir), os.path.basename(runner.work_dir.rstrip(os.sep)))


def _same(a: str, b: str) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)
