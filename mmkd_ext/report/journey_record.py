"""What `mmkd distill` leaves in its folder for the page about it: its command, its settings with reasons, and which runs are its own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_FILE = 'steps/journey.json'


class JourneyRecord(NamedTuple):
    """Of a journey.

    Attributes:
        command: The line that made it.
        remarks: Sentences: settings and warnings.
        runs: Its work dirs, relative to its folder; those of earlier settings may lie beside them.
    """

    command: str
    remarks: list[str]
    runs: list[str]


def record_file(folder: Path) -> Path:
    """Where the record of a journey in a folder stands."""
    return folder / _FILE


def record_text(command: str, remarks: Sequence[str], runs: Sequence[str]) -> str:
    """The content of that file."""
    return json.dumps({'command': command, 'remarks': list(remarks), 'runs': list(runs)}, indent=1)


def read_journey(folder: Path) -> JourneyRecord | None:
    """The record in a folder; None where there is none that can be read."""
    try:
        found = json.loads(record_file(folder).read_text(encoding='utf-8'))
        return JourneyRecord(str(found['command']), [str(each) for each in found['remarks']], [str(each) for each in found['runs']])
    except (OSError, ValueError, KeyError, TypeError):
        return None
