"""Steps of `mmkd distill` that are done are not done again: a record beside each result, with a digest of what it was made of."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .step_configs import put


class DoneOnce:
    """The records of the steps in a folder.

    Args:
        folder: Where they are written, `<step>.json` after a step and `<step>.begun` before it.
        say: What is told to the user.
    """

    def __init__(self, folder: Path, say: Callable[[str], object] = print) -> None:
        self.folder, self.say = folder, say

    def do(self, name: str, origin: str, work: Callable[[bool], dict[str, Any]]) -> dict[str, Any]:
        """The result of a step: of an earlier call where that is of the same origin, else of `work`.

        Args:
            name: Of the step.
            origin: A digest of all that it depends on.
            work: Does it, and returns what JSON can hold, with the files that it made as `files`; it is told whether to go on with what
                a killed call of the same origin began.
        """
        record, begun = self.folder / f'{name}.json', self.folder / f'{name}.begun'
        known = _read(record)
        if known.get('origin') == origin and isinstance(known.get('result'), dict):
            gone = [each for each in known['result'].get('files', ()) if not Path(each).is_file()]
            if not gone:
                self.say(f'{name}: done before, kept')
                return known['result']
            self.say(f'{name}: done before, but {gone[0]} is not there any more, done again')
        elif known:
            self.say(f'{name}: done before with other settings, done again')
        goes_on = _read(begun).get('origin') == origin
        put(begun, json.dumps({'origin': origin}))
        self.say(f'{name}: {"goes on" if goes_on else "begins"}')
        result = work(goes_on)
        put(record, json.dumps({'origin': origin, 'result': result}, indent=1))
        begun.unlink(missing_ok=True)
        return result


def origin_of(*parts: Any) -> str:
    """A digest of texts, numbers and dicts of them."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
