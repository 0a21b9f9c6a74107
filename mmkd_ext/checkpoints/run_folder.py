"""A run and its folder: the name of a run, which checkpoints are its own, and where it writes them.

A run is what was started anew or from a named checkpoint, together with everything that resumed it since. It has a name, which its
checkpoints carry in mmengine's message hub; `run.json` in the work dir holds the name of the run that was started there last.
"""

import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .checkpoint_files import AtomicBackend, read_checkpoint

RUNS = 'mmkd_runs'  # in the message hub: the names of the run and of those that it went on from in this folder, the oldest first
NAMELESS = ''  # of checkpoints that were written before runs had names
_RECORD = 'run.json'
TEMPLATES = ('epoch_{}.pth', 'iter_{}.pth')


def new_run() -> str:
    """A name that no other run has."""
    return uuid.uuid4().hex[:16]


def runs_of(checkpoint: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that a checkpoint carries."""
    names = (checkpoint['message_hub'].get('runtime_info') or {}).get(RUNS) if 'message_hub' in checkpoint else None
    return tuple(map(str, names)) if isinstance(names, list | tuple) and names else (NAMELESS,)


def own_file(path: str | Path, runs: Sequence[str], unreadable: bool = False) -> bool:
    """Whether one of `runs` wrote this checkpoint; `unreadable` is the answer for a file that cannot be read."""
    try:
        return runs_of(read_checkpoint(path))[-1] in runs
    except ValueError:
        return unreadable


def write_record(work_dir: str | Path, run: str, checkpoint: str | None) -> None:
    """Note that `run` was started in `work_dir`, from `checkpoint` if it resumes one."""
    source = None if checkpoint is None else str(Path(checkpoint).resolve())
    content = dict(run=run, resumed_from=source, time=time.strftime('%Y-%m-%d %H:%M:%S'))
    AtomicBackend().put(json.dumps(content).encode(), Path(work_dir) / _RECORD)


def read_record(work_dir: Path) -> dict[str, Any] | None:
    """The last record of `write_record`; None where none can be read."""
    try:
        record = json.loads((work_dir / _RECORD).read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get('run'), str) else None


def checkpoint_places(cfg: Config) -> dict[Path, tuple[str, ...]]:
    """Folder -> templates of file names, of all that a config's runs write checkpoints to."""
    work_dir = Path(cfg.work_dir)
    places = {work_dir: list(TEMPLATES)}
    for hook in [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]:
        kind = hook.get('type') if isinstance(hook, dict) else None
        if not str(getattr(kind, '__name__', kind)).endswith('CheckpointHook'):
            continue
        out_dir = hook.get('out_dir')
        if '://' in str(out_dir):
            continue
        folder = work_dir if out_dir in (None, cfg.work_dir) else Path(out_dir) / work_dir.absolute().name
        templates = places.setdefault(folder, list(TEMPLATES))
        if hook.get('filename_tmpl') and hook.filename_tmpl not in templates:
            templates.append(hook.filename_tmpl)
    return {folder: tuple(templates) for folder, templates in places.items()}


def in_folders(path: str | Path, folders: Iterable[Path]) -> bool:
    """Whether a file lies in one of them, whatever links lead there."""
    return Path(path).resolve().parent in {folder.resolve() for folder in folders}
