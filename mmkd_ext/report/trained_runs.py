"""The runs in some work dirs: their configs, curves and checkpoints, as far as they can be read."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config

from mmkd_ext.checkpoints.checkpoint_files import checkpoints_newest_first
from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.run_logs import Run, read_run

from .journey_record import read_journey

_DEPTH = 4  # of the folders of a study or a journey, in which runs are looked for
_SKIPPED = ('vis_data', 'checkpoints')


@dataclass
class TrainedRun:
    """A run's folder.

    Attributes:
        folder: The work dir.
        config_file: What it was trained with; None where it left none.
        cfg: That, read; None where it cannot be.
        log: Its curves; None where it logged nothing.
        checkpoint: The last one; None where there is none.
        best: The one with the best validation metric, where that was kept.
        problems: What is missing, a sentence each.
    """

    folder: Path
    config_file: Path | None = None
    cfg: Config | None = None
    log: Run | None = None
    checkpoint: Path | None = None
    best: Path | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def seed(self) -> int | None:
        """Of its random numbers; None where the config names none."""
        asked = self.cfg.get('randomness') if self.cfg is not None else None
        seed = asked.get('seed') if isinstance(asked, dict) else None
        return seed if isinstance(seed, int) else None


def find_runs(places: Iterable[str | Path]) -> list[TrainedRun]:
    """Read the runs of work dirs, of studies and of journeys (`mmkd distill`), each once, in the order of the places and names.

    Below a place, folders of tests and of runs that never logged count only where there is nothing else.

    Raises:
        PreflightError: A place that is no folder, or has neither a config nor a log of a run in it.
    """
    found: dict[Path, TrainedRun] = {}
    for place in map(Path, places):
        if not place.is_dir():
            what = 'is a file' if place.exists() else 'is not there'
            raise PreflightError(f'A work dir of a run is needed, got {place}, which {what}. Look at --work-dir of the training.')
        folders = [place] if _is_run(place) else _own_runs(place) or list(_below(place, _DEPTH))
        trained = [folder for folder in folders if _checkpoints(folder) or any(_training_lines(folder))]
        runs = [read_trained_run(folder) for folder in trained or folders]
        readable = [run for run in runs if run.cfg is not None or run.log is not None]
        if not readable:
            why = '; '.join(run.problems[0] for run in runs[:2] if run.problems) or 'it holds none'
            raise PreflightError(f'A work dir of tools/train.py, a study or mmkd distill is needed, got {place}: {why.rstrip(".")}.')
        for run in readable:
            found.setdefault(run.folder.resolve(), run)
    return list(found.values())


def read_trained_run(folder: Path) -> TrainedRun:
    """What a run's folder holds; what cannot be read is among its problems."""
    run = TrainedRun(folder, _config_file(folder))
    if run.config_file is None:
        run.problems.append(f'{folder} holds no config.')
    else:
        try:
            run.cfg = load_config(str(run.config_file))
            if not isinstance(run.cfg.get('model'), dict):
                run.problems.append(f'{run.config_file} has no dict `model`.')
                run.cfg = None
        except ValueError as error:
            run.problems.append(str(error))
    try:
        run.log = read_run(folder)
    except (ValueError, OSError) as error:
        run.problems.append(str(error))
    checkpoints = _checkpoints(folder)
    run.checkpoint = checkpoints[0] if checkpoints else None
    run.best = max(folder.glob('best_*.pth'), key=lambda path: path.stat().st_mtime, default=None)
    if run.checkpoint is None:
        run.checkpoint = run.best
    if run.checkpoint is None:
        run.problems.append(f'{folder} holds no checkpoint: was the training killed before its first one?')
    return run


def _is_run(folder: Path) -> bool:
    started = any(folder.glob('*/vis_data')) or (folder / 'run.json').is_file()
    return started or bool(_checkpoints(folder))


def _own_runs(place: Path) -> list[Path]:
    """Of a journey."""
    journey = read_journey(place)
    return [folder for name in (journey.runs if journey is not None else ()) if (folder := place / name).is_dir()]


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if depth == 0:
        return
    try:
        inner = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith('.'))
    except OSError:
        return
    for each in inner:
        if each.name in _SKIPPED:
            continue
        if _is_run(each):
            yield each
        else:
            yield from _below(each, depth - 1)


def _checkpoints(folder: Path) -> Sequence[Path]:
    return checkpoints_newest_first(folder)


def _training_lines(folder: Path) -> Iterator[Path]:
    """The logs of those starts that trained: a test leaves none with an iteration in it."""
    for file in sorted(folder.glob('*/vis_data/scalars.json'), reverse=True):
        with open(file, errors='replace') as lines:
            if any('"iter"' in line or '"lr"' in line for line in lines):
                yield file


def _config_file(folder: Path) -> Path | None:
    """The config of the latest start that trained; a test in the same folder replaces the copy that lies beside."""
    trained = [file.parent / 'config.py' for file in _training_lines(folder)]
    started = [*trained, *sorted(folder.glob('*/vis_data/config.py'), reverse=True)]
    used = next((file for file in started if file.is_file()), None)
    beside = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime, reverse=True)
    if used is None:
        return beside[0] if beside else None
    text = used.read_bytes()
    return next((path for path in beside if path.read_bytes() == text), used)
