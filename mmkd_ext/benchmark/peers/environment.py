"""A virtual environment for the tools that the project does not depend on; the project's own stays as it is."""

import json
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from mmkd_ext.errors import PreflightError

NEEDED = ('torchdistill',)
SHOWN = ('torch', 'torchvision', 'timm', 'torchdistill', 'mmengine', 'onedl-mmengine', 'mmpretrain', 'onedl-mmpretrain')
_VERSIONS = """
import importlib.metadata as metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def make_environment(folder: Path, needed: Sequence[str] = NEEDED) -> Path:
    """A virtual environment that sees this one's packages, torch among them, and has the needed ones besides, from PyPI.

    Args:
        folder: Of the environment; one that is there already is taken.
        needed: Packages.

    Returns:
        Its interpreter.

    Raises:
        PreflightError: The packages cannot be had.
    """
    python = folder / 'bin/python'
    if not python.exists():
        _run([sys.executable, '-m', 'venv', '--without-pip', str(folder)])  # this one's pip installs into it
    found = _run([str(python), '-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])'])
    Path(found.strip(), 'project.pth').write_text(sysconfig.get_paths()['purelib'])
    _run([sys.executable, '-m', 'pip', '--disable-pip-version-check', '--python', str(python), 'install', '--quiet', *needed])
    return python


def versions(python: Path, names: Sequence[str] = SHOWN) -> dict[str, str]:
    """Versions of the packages that an interpreter sees."""
    return json.loads(_run([str(python), '-c', _VERSIONS, *names]).splitlines()[-1])


def machine() -> str:
    """The processor and how many of its cores this process may use."""
    path = Path('/proc/cpuinfo')
    lines = path.read_text().splitlines() if path.is_file() else []
    name = next((line.partition(':')[2].strip() for line in lines if line.startswith('model name')), platform.processor())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return f'{name}, {cores} cores'


def _run(words: Sequence[str]) -> str:
    ended = subprocess.run(words, capture_output=True, text=True, env={**os.environ, 'PYTHONWARNINGS': 'ignore'})
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ['nothing'])[-1]
        raise PreflightError(f'{" ".join(words[:6])} needs to end well, got {last}. Look at --env and at your network.')
    return ended.stdout
