"""Finding a config by its name: a file, `PACKAGE::FOLDER/NAME.py`, or one of this package's, from any folder."""

import os
from importlib.util import find_spec
from pathlib import Path

from mmengine.config.utils import MODULE2PACKAGE

import mmkd_ext

OURS = Path(mmkd_ext.__file__).parent / '.mim' / 'configs'  # where mmengine.hub looks; in a checkout a link to configs/


def config_file(name: str) -> str:
    """The file that a name means.

    Args:
        name: A path; `mmkd_ext::teskd/r18_digits.py`, likewise of mmpretrain and mmdet; or `configs/...` of this package, which is
            taken from the package where the working folder has no such file.

    Returns:
        Its path; a name that leads to nothing comes back as it is.
    """
    package, colons, place = name.partition('::')
    if colons:
        found = find_spec(package) if package in MODULE2PACKAGE else None
        if found is None or found.origin is None:
            return name
        file = Path(found.origin).parent / '.mim' / 'configs' / place
    elif os.path.exists(name) or not name.startswith('configs/'):
        return name
    else:
        file = OURS / name.removeprefix('configs/')
    return str(file) if file.is_file() else name


def known_configs() -> dict[str, str]:
    """Our configs: file name without ending -> how it is named on a command line in the working folder."""
    packaged = (file for file in sorted(OURS.glob('*/*.py')) if file.parent.name != '_base_')
    here = (file for file in sorted(Path('configs').rglob('*.py')) if '_base_' not in file.parts)
    return {**{file.stem: f'mmkd_ext::{file.relative_to(OURS)}' for file in packaged}, **{file.stem: str(file) for file in here}}
