"""The checkpoint that --resume takes: the newest one of the run that can be read; where none can, an error."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.logging import print_log

from .checkpoint_files import checkpoints_newest_first, read_checkpoint
from .run_folder import NAMELESS, checkpoint_places, in_folders, new_run, read_record, runs_of
from .weights import weights_of


class Start(NamedTuple):
    """The checkpoint and the names that a run starts with.

    Attributes:
        resumed_from: The checkpoint where it goes on, or None.
        runs: The run's name, last, after the names of those that it goes on from in the same folder.
    """

    resumed_from: str | None
    runs: tuple[str, ...]


def start_from(cfg: Config, checkpoint: str) -> Start:
    """A new run that goes on from a named checkpoint, which has been checked."""
    before = runs_of(read_checkpoint(checkpoint)) if in_folders(checkpoint, checkpoint_places(cfg)) else ()
    return Start(checkpoint, (*before, new_run()))


def start_newest(cfg: Config) -> Start | None:
    """Go on with the run that was started last in the config's work dir, from the newest of its checkpoints that can be read.

    Returns:
        None where there is no checkpoint at all.

    Raises:
        ValueError: There are checkpoints, and none can be read, or all are of an earlier run.
    """
    places = checkpoint_places(cfg)
    paths = [path for folder, templates in places.items() for path in checkpoints_newest_first(folder, templates)]
    if len([folder for folder in places if any(path.parent == folder for path in paths)]) > 1:
        paths.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    record = read_record(Path(cfg.work_dir))
    named = _left_behind(Path(cfg.work_dir), record, paths)
    problems: list[str] = []
    others: list[Path] = []
    for path, checkpoint in _readable([*paths, *named], problems):
        runs = runs_of(checkpoint)
        if record is None:
            path, runs = _written_last(path, runs, paths)
            _tell(problems, path)
            return Start(str(path), runs if runs[-1] != NAMELESS else (*runs, new_run()))
        if runs[-1] == record['run']:
            _tell(problems, path)
            return Start(str(path), runs)
        others.append(path)
    if record is not None and record.get('resumed_from'):
        for path, checkpoint in _readable([Path(record['resumed_from'])], problems):
            _tell(problems, path)
            before = runs_of(checkpoint) if in_folders(path, places) else ()
            return Start(str(path), (*before, record['run']))
    _refuse(cfg.work_dir, record, problems, others)
    return None


def _left_behind(work_dir: Path, record: Mapping[str, Any] | None, paths: Sequence[Path]) -> list[Path]:
    """The checkpoint that mmengine's `last_checkpoint` names in another folder, where the folder was renamed."""
    try:
        last = Path((work_dir / 'last_checkpoint').read_text().strip())
    except (OSError, ValueError):
        return []
    known = {path.resolve() for path in paths}
    return [last] if record is not None and last.is_file() and last.resolve() not in known else []


def _readable(paths: Iterable[Path], problems: list[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in paths:
        try:
            checkpoint = read_checkpoint(path, needs=('state_dict', 'meta', 'message_hub'))
            weights_of(checkpoint, str(path))
        except ValueError as error:
            problems.append(str(error))
            continue
        yield path, checkpoint


def _written_last(found: Path, runs: tuple[str, ...], paths: Sequence[Path]) -> tuple[Path, tuple[str, ...]]:
    """The last written checkpoint of runs without a record: a smaller number written later is of a later run."""
    known = read_checkpoint(found)
    newest = (str(known['meta'].get('time', '')), found, runs)
    later = [path for path in paths if path.stat().st_mtime > found.stat().st_mtime]
    for path, checkpoint in _readable(later, []):
        newest = max(newest, (str(checkpoint['meta'].get('time', '')), path, runs_of(checkpoint)), key=lambda each: each[0])
    return newest[1:]


def _tell(problems: Sequence[str], found: Path) -> None:
    for problem in problems:
        print_log(f'{problem} Using {found} instead.', 'current', logging.WARNING)


def _refuse(work_dir: str, record: Mapping[str, Any] | None, problems: Sequence[str], others: Sequence[Path]) -> None:
    """Raise where starting anew would pass over checkpoints."""
    ways = 'name one by --resume CHECKPOINT, or start anew without --resume, or with another --work-dir'
    if others and record is not None:
        raise ValueError(
            f'A checkpoint of the run that was last started in {work_dir} ({record.get("time", "at an unknown time")}) is needed to '
            f'resume it, got {"none that can be read" if problems else "none"}; {others[0]} is of an earlier run: {ways}.'
            + ''.join(f' {problem}' for problem in problems[:1])
        )
    if problems:
        raise ValueError(
            f'A checkpoint that can be read is needed to resume the run in {work_dir}, got {len(problems)} that cannot; the newest: '
            f'{re.sub(r"[.]$", "", problems[0])}. To go on, {ways}.'
        )
