"""The sentence for a part of a config of which mmengine's registries could make nothing, with the place where the part stands."""

from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from mmengine.config import Config

MORE = 'in the config or in --cfg-options (MMKD_TRACEBACK=1 shows more)'


def unbuilt_part(error: BaseException, text: str, frames: Sequence[FrameType], place: str | None) -> str | None:
    """The sentence, or None where no registry was building anything.

    Args:
        error: What was raised.
        text: Its kind and text on one line.
        frames: Of its traceback, the outermost first.
        place: The key of the config that mmengine was reading, if that is known.
    """
    builders = [frame for frame in frames if frame.f_code.co_name == 'build_from_cfg']
    if not builders:
        return None
    part, asked = builders[-1].f_locals.get('cfg'), builders[-1].f_locals.get('obj_type')
    where = _dotted(part, frames, place) or place or 'its place'
    if 'must contain the key "type"' in text:
        return f'A dict with a `type` is needed, got one with {list(part or {}) or "nothing"}. Look at {where} {MORE}.'
    if not asked or not (isinstance(asked, str) or callable(asked)):
        outer = builders[-2].f_locals.get('cfg') if len(builders) > 1 else None
        found = [f'{key} of {outer["type"]}' for key, value in outer.items() if value is part] if isinstance(outer, dict) else []
        what = found[0] if found else getattr(builders[-1].f_locals.get('registry'), 'name', 'part')
        given = f'one with type={part.get("type")!r}' if isinstance(part, dict) else repr(part)
        return f'A dict with a `type` is needed as {what}, got {given}. Look at {where} {MORE}.'
    if place or isinstance(error, ValueError | TypeError | KeyError | AssertionError):
        return f'Arguments that {asked} takes are needed, got {text}. Look at type={asked!r} {MORE}.'
    return None


def _dotted(part: Any, frames: Sequence[FrameType], place: str | None) -> str | None:
    """Where a part stands in the config, below a key; None where it stands nowhere, or in several places."""
    if not isinstance(part, Mapping) or place is None:
        return None
    seen = [value for frame in frames for value in (*frame.f_locals.values(), getattr(frame.f_locals.get('self'), 'cfg', None))]
    cfg = next((value for value in seen if isinstance(value, Config)), None)
    found = [path for path, value in _dicts(place, (cfg or {}).get(place)) if value == part]
    return found[0] if len(found) == 1 else None


def _dicts(path: str, part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, Mapping):
        yield path, part
    for key, value in part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list | tuple) else ():
        yield from _dicts(f'{path}.{key}', value)
