"""Reading the curves that a run logged, from mmengine's own files."""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmkd_ext.errors import PreflightError

_BOOKKEEPING = {'step', 'epoch', 'iter', 'time', 'data_time', 'memory'}


class Curve(NamedTuple):
    """A key of the training lines, or of the validation lines."""

    key: str
    val: bool = False


class Run(NamedTuple):
    """The logged curves of a run as (iteration, value) pairs, and the iterations of an epoch where the log has them."""

    curves: dict[Curve, list[tuple[float, float]]]
    epoch_length: float | None


def read_run(path: Path) -> Run:
    """Read a work dir, one start of it, or a scalars.json.

    The starts of a resumed run are joined in step order; on equal steps the later one wins. A start that logs from the
    very beginning is a new run, and what is older is left out.

    Raises:
        PreflightError: There is no run, or nothing was logged, or a line other than the last one is broken.
    """
    if not path.exists():
        raise PreflightError(f'A run is needed, got {path}, which is not there. Look at its --work-dir.')
    places = ('scalars.json', 'vis_data/scalars.json', '*/vis_data/scalars.json')
    files = [path] if path.is_file() else [file for place in places for file in sorted(path.glob(place))]
    if not files:
        raise PreflightError(
            f'A run with a log is needed, got {path}, which has no */vis_data/scalars.json. Is it a '
            'work dir of tools/train.py, and did the training reach its first logged iteration?'
        )
    train: dict[int, dict] = {}
    val: list[tuple[int, int, dict]] = []
    for file in files:
        seen = 0  # the last iteration logged before a validation
        for record in _records(file):
            if 'iter' in record or 'lr' in record:
                if not seen and train and record['step'] <= min(train):
                    train, val = {}, []
                seen = record['step']
                train[seen] = record
            else:
                val.append((record['step'], seen, record))
    length = _epoch_length(train, {step for step, _, _ in val})
    # Counted in iterations, a validation is never before the lines above it; a smaller number counts something else.
    validations = {(step * length if length else max(step, seen)): record for step, seen, record in val}
    curves: dict[Curve, list[tuple[float, float]]] = {}
    for is_val, records in ((False, train), (True, validations)):
        for iteration, record in sorted(records.items(), key=lambda item: item[0]):
            for key, value in record.items():
                if key not in _BOOKKEEPING and isinstance(value, int | float):
                    curves.setdefault(Curve(key, is_val), []).append((iteration, value))
    if not curves:
        raise PreflightError(
            f'Logged scalars are needed, got none in {files[-1]}. Was the run killed before its first '
            'logged iteration? Look at default_hooks.logger.interval.'
        )
    return Run(curves, length)


def _records(file: Path) -> Iterator[dict]:
    lines = file.read_text(errors='replace').splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            if number == len(lines):
                return  # the run was killed while it wrote
            record = None
        step = record.get('step') if isinstance(record, dict) else None
        if not isinstance(record, dict) or type(step) is not int or step < 0:
            raise PreflightError(
                f'A JSON object with a step on every line is needed, got {line[:40]!r} in line '
                f'{number} of {file}. Is it a scalars.json of the runner?'
            )
        yield record


def _epoch_length(train: dict[int, dict], val_steps: set[int]) -> float | None:
    """Iterations of an epoch; None where a run counts iterations only, or has not finished its first epoch."""
    first: dict[int, int] = {}  # epoch -> its first logged iteration, which has the same place in each epoch
    for step in sorted(train):
        if type(train[step].get('epoch')) is int and train[step]['epoch'] > 0:
            first.setdefault(train[step]['epoch'], step)
    epochs = sorted(first)
    if len(epochs) > 1:
        return statistics.median((first[b] - first[a]) / (b - a) for a, b in zip(epochs, epochs[1:], strict=False))
    return max(train) / epochs[0] if epochs and val_steps == set(epochs) else None
