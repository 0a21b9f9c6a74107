"""Writing several files as one: after an interruption, files of two exports never lie side by side."""

from collections.abc import Mapping
from pathlib import Path

from mmkd_ext.files.partial_files import opened_partial, partial_of, remove_partial_files

from .checkpoint_files import AtomicBackend


def put_together(files: Mapping[Path, bytes]) -> None:
    """Write all files, the last one as the one that leads to the others.

    All are first written whole under other names; then the old ones go, the last one first, and the new ones take their names, the
    last one last. So a process that is killed leaves the old files, or some of the old or some of the new without the last one, but
    never old ones beside new ones; and an error while they are written leaves the old ones.
    """
    backend = AtomicBackend()
    targets = list(files)
    for folder in {target.parent for target in targets}:
        remove_partial_files(folder)
    partial = {target: partial_of(target) for target in targets}
    try:
        for target, content in files.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened_partial(partial[target]) as file:
                backend.write_through(file, content, target)
        old = {target: target.read_bytes() for target in targets if target.exists()}
        try:
            for target in reversed(targets):
                target.unlink(missing_ok=True)
            for target in targets:
                partial[target].replace(target)
        except BaseException:
            for target in targets:
                target.unlink(missing_ok=True)
            for target, content in old.items():
                target.write_bytes(content)
            raise
    finally:
        for path in partial.values():
            path.unlink(missing_ok=True)
