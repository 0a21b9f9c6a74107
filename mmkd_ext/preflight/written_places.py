"""Whether all that a run will write can be written, asked of its config before mmengine makes anything."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmkd_ext.checkpoints.checkpoint_files import checkpoints_newest_first
from mmkd_ext.checkpoints.run_folder import TEMPLATES, checkpoint_places
from mmkd_ext.files.writable_places import check_folder, check_output

_OF_TRAINING = ('last_checkpoint', 'run.json', 'adapters.txt')
_WRITERS = ('default_hooks', 'custom_hooks', 'visualizer', 'vis_backends')
# Arguments of evaluators, hooks and visualizers of mmengine, mmpretrain and mmdet that name what these write.
_FILES = ('out_file_path', 'json_trace_path')
_FOLDERS = ('out_dir', 'output_dir', 'save_dir')
_COCO = ('.bbox.json', '.segm.json', '.proposal.json')  # behind an `outfile_prefix`


def check_places(cfg: Config, loops: tuple[str, ...]) -> None:
    """Look at the places that a run writes to: its work dir, and what hooks, evaluators and visualizers are told to write.

    Args:
        cfg: Of the run, with its work dir.
        loops: Those that run: 'train' with 'val', or 'test'.

    Raises:
        ValueError: A folder in the place of a file, a file in the place of a folder, a place that cannot be written, or one file that two
            parts would write.
    """
    work_dir, names = Path(cfg.work_dir), [Path(cfg.filename).name] if cfg.filename else []  # mmengine's copy of the config
    for name in names:
        check_output(work_dir / name, 'Move it away, or name another --work-dir.')
    if 'train' in loops:
        places = checkpoint_places(cfg)
        for folder in places:
            check_folder(folder, 'Look at out_dir of the CheckpointHook.')
        check_run_folder(work_dir, places)
    for section in (*_WRITERS, *(f'{loop}_evaluator' for loop in loops)):
        written: dict[Path, str] = {}
        for place, key, value in _named_places(cfg.get(section), section):
            hint = f'Look at {place}.'
            file = Path(value).resolve()
            if key not in _FOLDERS and written.setdefault(file, place) != place:
                raise ValueError(f'A file of its own is needed for each of {written[file]} and {place}, got {value} twice. {hint}')
            if key in _FILES:
                check_output(value, hint)
            elif key in _FOLDERS:
                check_folder(value, hint)
            else:
                for ending in _COCO:
                    check_output(f'{value}{ending}', hint)


def check_run_folder(work_dir: Path, places: Mapping[Path, Sequence[str]] | None = None, flag: str = '--work-dir') -> None:
    """Look at the files that a training writes into its work dir, and at what has the name of a checkpoint.

    Args:
        work_dir: The folder, which may not be there yet.
        places: Folder -> templates of file names of the checkpoints; None: in `work_dir`, named as mmengine does.
        flag: By which another folder is named.

    Raises:
        ValueError: Something that is no file, or a file that may not be replaced, is in the place of one.
    """
    for name in _OF_TRAINING:
        check_output(work_dir / name, f'Move it away, or name another {flag}.')
    for folder, templates in ({work_dir: TEMPLATES} if places is None else places).items():
        best = {path for template in templates for path in folder.glob(f'best_*{Path(template).suffix}')}
        for path in {*checkpoints_newest_first(folder, templates), *best}:
            check_output(path, f'A checkpoint would have its name: move it away, or name another {flag}.')


def _named_places(part: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Dotted path, argument and value of every local place that is named in a part of a config."""
    for key, value in part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list | tuple) else ():
        if key in (*_FILES, *_FOLDERS, 'outfile_prefix') and isinstance(value, str | Path) and '://' not in str(value):
            yield f'{path}.{key}', key, str(value)
        else:
            yield from _named_places(value, f'{path}.{key}')
