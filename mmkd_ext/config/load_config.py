"""Reading a config file; an error is one sentence that says what is wrong with it."""

import difflib
import os
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmkd_ext.errors import PreflightError
from mmkd_ext.explain.sentences import one_line

from .named_types import named
from .packaged_configs import OURS, config_file, known_configs

# as the configs name them that a run of version 0.1.0 wrote into its folder
_MOVED = {'mmkd_ext.checkpoint_loaders': 'mmkd_ext.checkpoints', 'mmkd_ext.metrics': 'mmkd_ext.evaluation'}

_FOLDERS = 'custom_import_folders'  # of a config whose `custom_imports` name files beside it


def load_config(path: str) -> Config:
    """Read a config file; types that it gives as classes are their names, and `custom_imports` may name files beside it.

    Args:
        path: As `config_file` takes it.

    Raises:
        PreflightError: It is not there (with close names) or cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, 'kd.py')
        ...     _ = path.write_text("train_cfg = dict(max_epochs=200)")
        ...     load_config(str(path)).train_cfg
        {'max_epochs': 200}
    """
    path = config_file(path)
    if not os.path.isfile(path):
        what = 'is a folder' if os.path.isdir(path) else 'is not there'
        raise PreflightError(f'A config file is needed, got {path}, which {what}{_did_you_mean(path)}')
    try:
        cfg = Config.fromfile(path, import_custom_modules=False)
        if cfg.get('custom_imports'):
            _import_modules(cfg, path)
        return named(cfg)
    except Exception as error:  # a config is Python: anything may happen in it
        raise PreflightError(
            f'A config that can be read is needed, got {path}: {one_line(error)}. '
            'Look at that line, or at the files named in its _base_.'
        ) from error


def _import_modules(cfg: Config, path: str) -> None:
    # files beside the config, where no other module has their names; a copy of it, as runs and studies write, notes where that was
    beside = os.path.dirname(os.path.abspath(path))
    sys.path.extend(folder for folder in (beside, *cfg.get(_FOLDERS, ())) if folder not in sys.path)
    asked = cfg.custom_imports.get('imports') or []
    asked = [asked] if isinstance(asked, str) else asked
    cfg.custom_imports.imports = list(dict.fromkeys(_MOVED.get(each, each) for each in asked))
    import_modules_from_strings(**cfg.custom_imports)
    places = [os.path.join(beside, name.partition('.')[0]) for name in cfg.custom_imports.imports]
    if any(os.path.exists(place + ending) for place in places for ending in ('.py', '')):
        cfg[_FOLDERS] = list(dict.fromkeys([beside, *cfg.get(_FOLDERS, ())]))


def _did_you_mean(path: str) -> str:
    known = known_configs()
    close = difflib.get_close_matches(Path(path).stem, known, n=2, cutoff=0.7)
    if close:
        return f'; did you mean {" or ".join(known[stem] for stem in close)}?'
    return f'; look in {"configs/" if os.path.isdir("configs") else OURS}.'
