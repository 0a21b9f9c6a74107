"""`--witness FILE.py:FUNCTION` of the benchmarks: another implementation to compare with."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmkd_ext.errors import PreflightError
from mmkd_ext.explain.sentences import one_line


def load_witness(spec: str) -> Callable[..., Any]:
    """The function that `FILE.py:FUNCTION` names.

    Raises:
        PreflightError: No such file or function, or a file that cannot be imported.
    """
    path, _, function = spec.rpartition(':')
    if not path.endswith('.py') or not Path(path).is_file():
        raise PreflightError(f'--witness needs FILE.py:FUNCTION with a file that exists, got {spec}.')
    module_spec = importlib.util.spec_from_file_location('witness', path)
    module = importlib.util.module_from_spec(module_spec)  # type: ignore[arg-type]
    try:
        module_spec.loader.exec_module(module)  # type: ignore[union-attr]
    except Exception as error:  # anybody's code
        raise PreflightError(f'--witness needs a file that can be imported, got {path}: {one_line(error)}.') from error
    if not callable(getattr(module, function, None)):
        raise PreflightError(f'--witness needs a function of {path}, got {function}, which is not in it.')
    return getattr(module, function)
