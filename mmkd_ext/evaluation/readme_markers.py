"""Replacing the text between two markers of a README, `<!-- NAME -->` and `<!-- /NAME -->`."""

from pathlib import Path

from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend
from mmkd_ext.errors import PreflightError


def write_between_markers(readme: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    AtomicBackend().put(between_markers(readme, name, text).encode(), readme)


def between_markers(readme: Path, name: str, text: str) -> str:
    """A README's text with another one between its markers.

    Raises:
        PreflightError: It cannot be read, or does not have the markers once each and in order.
    """
    try:
        old = readme.read_text(encoding='utf-8')
    except (OSError, ValueError) as error:
        raise PreflightError(f'A README that can be read is needed, got {readme}: {error}. Look at --readme.') from error
    begin, end = f'<!-- {name} -->', f'<!-- /{name} -->'
    if old.count(begin) != 1 or old.count(end) != 1:
        raise PreflightError(
            f'{readme} needs the markers {begin} and {end} once each; put them where the table belongs.'
        )
    before, rest = old.split(begin)
    if end not in rest:
        raise PreflightError(f'{readme} needs the marker {begin} before {end}, got them the other way round.')
    return f'{before}{begin}\n{text}\n{end}{rest.split(end)[1]}'
