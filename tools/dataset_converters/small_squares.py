"""Class folders of photographs as class folders of small squares: python tools/dataset_converters/small_squares.py IN OUT.

IN holds train/CLASS/* and val/CLASS/*, as Imagenette does. Each image's shorter edge becomes SIZE pixels, and its middle is kept. OUT gets
the same folders with PNG files, whole or not at all. With --per-class only the first images of each training class, by name, are taken:
all classes in a budget that a CPU can train.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from mmkd_ext.errors import PreflightError
from mmkd_ext.files.whole_folder import written_whole
from mmkd_ext.running.command_line import run_checked

_IMAGES = {'.jpg', '.jpeg', '.png', '.bmp', '.webp'}


def convert(source: Path, out: Path, size: int, per_class: int | None = None) -> tuple[int, int]:
    """Write the squares and return the numbers of training and validation images.

    Args:
        source: Holds `train` and `val`, in each a folder for every class.
        out: The folder to make.
        size: Edge of the squares in pixels.
        per_class: How many training images of each class, the first by name; None: all.

    Raises:
        PreflightError: `size` or `per_class` below 1, no or other classes in one of the two, a class without images, an image that
            cannot be read, or an `out` that exists or cannot be written.
    """
    for name, value in (('--size', size), ('--per-class', per_class)):
        if value is not None and value < 1:
            raise PreflightError(f'{name} needs to be a whole number of 1 or more, got {value}.')
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PreflightError(f'A folder that does not exist yet is needed, got {out}. Remove it, or name another as OUT.')
    found = {split: _images(source / split) for split in ('train', 'val')}
    if found['train'].keys() != found['val'].keys():
        differ = sorted(found['train'].keys() ^ found['val'].keys())
        raise PreflightError(f'{source} needs the same classes in train and val, got {", ".join(differ[:3])} in one of them only.')
    found['train'] = {name: files[:per_class] for name, files in found['train'].items()}
    with written_whole(out) as partial:
        for split, classes in found.items():
            for name, files in classes.items():
                (partial / split / name).mkdir(parents=True)
                for file in files:
                    _square(file, size).save(partial / split / name / f'{file.stem}.png')
    train, val = (sum(map(len, found[split].values())) for split in ('train', 'val'))
    return train, val


def _images(folder: Path) -> dict[str, list[Path]]:
    """Class -> its files by name."""
    classes = sorted(path for path in folder.glob('*/') if not path.name.startswith('.'))
    found = {path.name: sorted(file for file in path.iterdir() if file.suffix.lower() in _IMAGES) for path in classes}
    empty = [name for name, files in found.items() if not files]
    if not found or empty:
        raise PreflightError(
            f'A folder with images for each class is needed in {folder}, got {f"none in {empty[0]}" if empty else "no folder"}.')
    return found


def _square(file: Path, size: int) -> Image.Image:
    try:
        return ImageOps.fit(ImageOps.exif_transpose(Image.open(file)).convert('RGB'), (size, size), Image.Resampling.BICUBIC)
    except Exception as error:  # the decoder's: whatever it is, the image cannot be used
        raise PreflightError(f'Images are needed, got {file}, which cannot be read: {error}. Replace or remove it.') from error


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', type=Path, metavar='IN', help='holds train/CLASS/* and val/CLASS/*')
    parser.add_argument('out', type=Path, metavar='OUT', help='the folder to write')
    parser.add_argument('--size', type=int, default=144, help='edge of the squares in pixels (default 144)')
    parser.add_argument('--per-class', type=int, metavar='N', help='training images of each class (default: all)')
    args = parser.parse_args(argv)

    def run() -> None:
        train, val = convert(args.source, args.out, args.size, args.per_class)
        print(f'{args.out}: {train} training and {val} validation images of {args.size} px')

    return run_checked(run)


if __name__ == '__main__':
    sys.exit(main())
