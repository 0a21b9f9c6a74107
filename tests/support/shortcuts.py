"""What takes longer than the tests and is not what they test.

Line breaks of configs, their parsing anew, garbage collections for every data set, the compiler's version for every run, and waits for
the next second.
"""

import copy
import functools
import os
import time
from pathlib import Path
from time import struct_time
from types import SimpleNamespace

import mmpretrain
from mmengine.config import Config
from mmengine.dataset import base_dataset
from mmengine.runner import runner
from yapf.yapflib import yapf_api

from mmkd_ext.running import launch

FORMAT_CODE = yapf_api.FormatCode  # yapf's own, for tests of how a config is laid out
_REPO = Path(__file__).resolve().parents[2]
_KEPT = tuple(f'{folder}/' for folder in (_REPO / 'configs', _REPO / 'mmkd_ext/.mim', Path(mmpretrain.__file__).parents[1]))
_file2dict = Config._file2dict


def _checked(text: str, **_: object) -> tuple[str, bool]:
    """A config's text as it is, of which yapf would lay out the lines; like yapf, it takes only what is Python."""
    compile(text, 'config', 'exec')
    return text, True


@functools.cache
def _parsed(path: str, *options: object) -> tuple:
    return _file2dict(path, *options)


def _parsed_once(filename: str, use_predefined_variables: bool = True, use_environment_variables: bool = True, lazy_import=None) -> tuple:
    """Of the repository's and the packages' own configs, which no test changes."""
    options = use_predefined_variables, use_environment_variables, lazy_import
    path = os.path.abspath(filename)
    return copy.deepcopy(_parsed(path, *options)) if path.startswith(_KEPT) else _file2dict(filename, *options)


class _Clock:
    """The time by which runs are named; a wait for the next second, so that a run has a name of its own, moves it on."""

    ahead = 0.0

    def sleep(self, seconds: float) -> None:
        _Clock.ahead += seconds

    def time(self) -> float:
        return time.time() + self.ahead

    def localtime(self, *seconds: float) -> struct_time:
        return time.localtime(*seconds or (self.time(),))

    def strftime(self, form: str, *when: struct_time) -> str:
        return time.strftime(form, *when or (self.localtime(),))


def take() -> None:
    """From now on, in this process and its copies."""
    yapf_api.FormatCode = _checked
    launch.time = runner.time = _Clock()  # type: ignore[assignment]
    runner.collect_env = functools.cache(runner.collect_env)
    base_dataset.gc = SimpleNamespace(collect=lambda: 0)  # type: ignore[assignment]  # Python's own collections go on
    Config._file2dict = staticmethod(_parsed_once)  # type: ignore[method-assign]
