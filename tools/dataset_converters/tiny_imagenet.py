"""TinyImageNet's published archive as class folders: python tools/dataset_converters/tiny_imagenet.py ARCHIVE OUT.

ARCHIVE is tiny-imagenet-200.zip or the folder that it unpacks to. OUT, such as data/tiny_imagenet, gets train/CLASS/*.JPEG
and val/CLASS/*.JPEG, whole or not at all, after the counts of all classes and images were checked.
"""

import argparse
import io
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from mmkd_ext.errors import PreflightError
from mmkd_ext.files.whole_folder import written_whole
from mmkd_ext.running.command_line import run_checked

CLASSES, TRAIN_PER_CLASS, VAL_IMAGES = 200, 500, 10_000
Read = Callable[[str], bytes]


def convert(
    archive: Path,
    out: Path,
    classes: int = CLASSES,
    train_per_class: int = TRAIN_PER_CLASS,
    val_images: int = VAL_IMAGES,
    keep: int | None = None,
) -> tuple[int, int]:
    """Write the class folders and return the numbers of training and validation images.

    Args:
        archive: The zip file, or its unpacked folder.
        out: The folder to make.
        classes: How many there are.
        train_per_class: Training images of each class.
        val_images: Validation images of all classes, as many of each.
        keep: How many classes to write, evenly spaced in the order of their names; None for all.

    Raises:
        PreflightError: A damaged or incomplete archive, other counts, a `keep` that does not divide the number of classes, or an
            `out` that exists or cannot be written.
    """
    if keep is not None and (keep < 2 or classes % keep):
        needed = f'A number of classes that divides {classes} evenly and is at least 2'
        raise PreflightError(f'{needed} is needed, got {keep}. Look at --classes.')
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PreflightError(f'A folder that does not exist yet is needed, got {out}. Remove it, or name another as OUT.')
    if archive.is_dir():
        read = _reader(archive)
        plan = _some(_plan(archive, _files(archive), read, classes, train_per_class, val_images), keep)
        _write(archive, plan, read, out)
    else:
        try:
            with zipfile.ZipFile(archive) as file:
                plan = _some(_plan(archive, file.namelist(), file.read, classes, train_per_class, val_images), keep)
                _write(archive, plan, file.read, out)
        except (OSError, zipfile.BadZipFile) as error:
            raise PreflightError(
                f'tiny-imagenet-200.zip or its folder is needed, got {archive}: {error}. Was it downloaded wholly?'
            ) from error
    number = sum(name.parts[0] == 'train' for name in plan)
    return number, len(plan) - number


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob('*')) if path.is_file()]


def _reader(folder: Path) -> Read:
    return lambda name: (folder / name).read_bytes()


def _plan(
    archive: Path, names: Sequence[str], read: Read, classes: int, train_per_class: int, val_images: int
) -> dict[PurePosixPath, str]:
    """Which file goes where, after everything was counted."""
    roots = [name.removesuffix('wnids.txt') for name in names if PurePosixPath(name).name == 'wnids.txt']
    if len(roots) != 1:
        raise PreflightError(f'{archive} needs one file wnids.txt, which names the classes, got {len(roots)}.')
    root = roots[0]
    there = {name.removeprefix(root) for name in names if name.startswith(root) and not name.endswith('/')}
    wanted = [name for name in _text(archive, read, f'{root}wnids.txt').split() if re.fullmatch(r'\w+', name)]
    if len(set(wanted)) != classes or len(wanted) != classes:
        raise PreflightError(f'{archive} needs {classes} classes in wnids.txt, got {len(set(wanted))} in {len(wanted)} lines.')
    train = [PurePosixPath(name) for name in sorted(there) if re.fullmatch(r'train/\w+/images/[^/]+\.JPEG', name)]
    _count(archive, 'training', Counter(name.parts[1] for name in train), wanted, train_per_class)
    if 'val/val_annotations.txt' not in there:
        raise PreflightError(f'{archive} needs val/val_annotations.txt, the classes of the validation images, got none.')
    rows = [line.split('\t') for line in _text(archive, read, f'{root}val/val_annotations.txt').splitlines()]
    labels = {row[0]: row[1] for row in rows if len(row) > 1 and '/' not in row[0]}
    _count(archive, 'validation', Counter(labels.values()), wanted, val_images // classes)
    missing = [name for name in labels if f'val/images/{name}' not in there]
    extra = [n for n in sorted(there) if n.startswith('val/images/') and n.removeprefix('val/images/') not in labels]
    if missing or extra:
        raise PreflightError(
            f'{archive} needs the images that val_annotations.txt names; {len(missing)} are missing '
            f'({", ".join(missing[:3]) or "none"}) and {len(extra)} not named ({", ".join(extra[:3]) or "none"}).')
    plan = {PurePosixPath('train', name.parts[1], name.name): f'{root}{name}' for name in train}
    plan |= {PurePosixPath('val', label, name): f'{root}val/images/{name}' for name, label in labels.items()}
    return plan


def _some(plan: dict[PurePosixPath, str], keep: int | None) -> dict[PurePosixPath, str]:
    """The images of every n-th class, so that `keep` of them are left."""
    names = sorted({path.parts[1] for path in plan})
    kept = set(names if keep is None else names[:: len(names) // keep])
    return {path: source for path, source in plan.items() if path.parts[1] in kept}


def _count(archive: Path, what: str, found: Counter, classes: Sequence[str], each: int) -> None:
    wrong = sorted(name for name in {*classes, *found} if found[name] != (each if name in classes else 0))
    if wrong:
        named = ', '.join(f'{found[name]} of {name}{"" if name in classes else " (no class)"}' for name in wrong[:3])
        raise PreflightError(
            f'{archive} needs {each} {what} images of each of {len(classes)} classes, got other numbers for '
            f'{len(wrong)}: {named}{", ..." if len(wrong) > 3 else ""}.')


def _text(archive: Path, read: Read, name: str) -> str:
    try:
        return read(name).decode()
    except (UnicodeDecodeError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise PreflightError(f'{archive} needs {name} as text, got {error}. Was it downloaded wholly?') from error


def _write(archive: Path, plan: dict[PurePosixPath, str], read: Read, out: Path) -> None:
    """All images or none."""
    with written_whole(out) as partial:
        for folder in sorted({name.parent for name in plan}):
            (partial / folder).mkdir(parents=True)
        for name, source in plan.items():
            try:
                image = read(source)
                Image.open(io.BytesIO(image)).load()
            except Exception as error:  # zlib's, zipfile's, the decoder's: whatever it is, the image cannot be used
                raise PreflightError(f'{archive} needs {source}, which is damaged: {error}. Download it again.') from error
            (partial / name).write_bytes(image)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('archive', type=Path, help='tiny-imagenet-200.zip, or the folder that it unpacks to')
    parser.add_argument('out', type=Path, help='the folder to write, such as data/tiny_imagenet')
    parser.add_argument('--classes', type=int, metavar='N', help='write N classes, evenly spaced by name; 20: every tenth')
    args = parser.parse_args(argv)

    def run() -> None:
        train, val = convert(args.archive, args.out, keep=args.classes)
        print(f'wrote {train} training and {val} validation images to {args.out}')

    return run_checked(run)


if __name__ == '__main__':
    sys.exit(main())
