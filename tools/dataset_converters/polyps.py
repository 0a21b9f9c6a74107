"""Boxes from polyps' segmentation masks, in COCO's format: python tools/dataset_converters/polyps.py SOURCE OUT.

SOURCE is the folder or the zip file of Kvasir-SEG (images/ and masks/) or of CVC-ClinicDB (Original/ and "Ground Truth/"). OUT, such as
data/polyps, gets a copy of each image in images/, and train.json and val.json (with --test also test.json), whole or not at all. Every
connected piece of a mask is a polyp. The split is drawn image by image: neighbouring frames of a video, as CVC-ClinicDB's are, fall on
both sides of it, so a score on such a split says little of other patients.
"""

import argparse
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from mmkd_ext.errors import PreflightError
from mmkd_ext.files.whole_folder import written_whole
from mmkd_ext.running.command_line import run_checked

LAYOUTS = {'images': 'masks', 'Original': 'Ground Truth'}  # folder of the images -> folder of the masks beside it
SUFFIXES = ('.jpg', '.jpeg', '.png', '.tif', '.tiff', '.bmp')
MIN_AREA = 64  # a block of JPEG's: what its noise leaves in a mask is smaller
THRESHOLD = 128
Read = Callable[[str], bytes]


class Picture(NamedTuple):
    """An image of the source.

    Attributes:
        source: Its name there.
        width: In pixels, turned as its EXIF data says, as training reads it.
        height: Likewise.
        boxes: x, y, width, height and area of each polyp, in pixels.
        specks: How many pieces were too small.
    """

    source: str
    width: int
    height: int
    boxes: list[tuple[int, int, int, int, int]]
    specks: int


def convert(
    source: Path, out: Path, val: float = 0.2, test: float = 0.0, seed: int = 0, min_area: int = MIN_AREA,
    threshold: int = THRESHOLD,
) -> tuple[dict[str, int], list[Picture]]:  # fmt: skip
    """Write the images and the annotations of each part.

    Args:
        source: Folder or zip file of one of the layouts.
        out: The folder to make.
        val: Fraction of the images, in (0, 1).
        test: Fraction of the images; 0 writes no test.json.
        seed: Which images the parts get; the same one gives the same bytes.
        min_area: Pieces of fewer pixels are dropped.
        threshold: The darkest grey, of 255, that belongs to a polyp.

    Returns:
        The number of images in each part, and all images.

    Raises:
        PreflightError: Images and masks that do not belong together or cannot be read, no polyp in any mask, numbers out of range or
            fractions that leave a part empty, or an `out` that exists or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PreflightError(f'A folder that does not exist yet is needed, got {out}. Remove it, or name another as OUT.')
    if not (1 <= threshold <= 255 and min_area >= 1):
        raise PreflightError(f'--threshold of 1 to 255 and --min-area of 1 or more are needed, got {threshold} and {min_area}.')
    if source.is_dir():
        names = [path.relative_to(source).as_posix() for path in sorted(source.rglob('*')) if path.is_file()]
        return _convert(source, names, lambda name: (source / name).read_bytes(), out, (val, test), seed, min_area, threshold)
    try:
        with zipfile.ZipFile(source) as file:
            return _convert(source, sorted(file.namelist()), file.read, out, (val, test), seed, min_area, threshold)
    except (OSError, zipfile.BadZipFile) as error:
        raise PreflightError(
            f'A folder or a zip file of images and masks is needed, got {source}: {error}. Was it downloaded wholly?'
        ) from error


def _convert(
    source: Path, names: Sequence[str], read: Read, out: Path, fractions: tuple[float, float], seed: int, min_area: int,
    threshold: int,
) -> tuple[dict[str, int], list[Picture]]:  # fmt: skip
    pairs = _pairs(source, names)
    parts = _split([PurePosixPath(image).name for image in pairs], *fractions, seed)
    pictures = _look(source, pairs, read, min_area, threshold)
    _write(source, pictures, parts, read, out)
    return {part: len(members) for part, members in parts.items()}, pictures


def _pairs(source: Path, names: Sequence[str]) -> dict[str, str]:
    """Image -> mask, sorted by name."""
    folders: dict[PurePosixPath, dict[str, list[str]]] = {}
    for name in map(PurePosixPath, names):
        if name.suffix.lower() in SUFFIXES and not name.name.startswith('.'):  # ._NAME is macOS's
            folders.setdefault(name.parent, {}).setdefault(name.stem, []).append(name.as_posix())
    found = [f for f in sorted(folders) if f.name in LAYOUTS and f.with_name(LAYOUTS[f.name]) in folders]
    if len(found) != 1:
        raise PreflightError(
            f'{source} needs images/ beside masks/ (Kvasir-SEG) or Original/ beside "Ground Truth/" (CVC-ClinicDB), once, got '
            f'{_few(str(f) for f in found) if found else "neither"}. Name the folder that holds one pair of them.')
    images, masks = folders[found[0]], folders[found[0].with_name(LAYOUTS[found[0].name])]
    problems = {
        'images without a mask': sorted(set(images) - set(masks)),
        'masks without an image': sorted(set(masks) - set(images)),
        'names given twice': sorted(name for files in (images, masks) for name in files if len(files[name]) > 1),
    }
    for problem, stems in problems.items():
        if stems:
            raise PreflightError(
                f'{source} needs one mask of the same name for each image, got {len(stems)} {problem}: {_few(stems)}. '
                'Was it downloaded wholly?')
    return {images[stem][0]: masks[stem][0] for stem in sorted(images)}


def _split(names: Sequence[str], val: float, test: float, seed: int) -> dict[str, list[str]]:
    """Part -> its images; by a digest of seed and name, which no version of Python changes."""
    counts = {}
    if 0 < val < 1 and 0 <= test < 1:
        counts = {'val': round(val * len(names))} | ({'test': round(test * len(names))} if test else {})
        counts = {'train': len(names) - sum(counts.values()), **counts}
    if not counts or min(counts.values()) < 1:
        raise PreflightError(
            f'Fractions that leave images in each part are needed, got --val {val} and --test {test} of {len(names)} images.')
    left = sorted(names, key=lambda name: hashlib.sha256(f'{seed}/{name}'.encode()).digest())
    parts = {}
    for part, count in counts.items():
        parts[part], left = sorted(left[:count]), left[count:]
    return parts


def _look(source: Path, pairs: Mapping[str, str], read: Read, min_area: int, threshold: int) -> list[Picture]:
    """Read every image and every mask, so that nothing is written where one is wrong."""
    pictures, sizes, brightest = [], [], 0
    for image, mask in pairs.items():
        width, height = _open(source, image, read).size
        grey = np.asarray(_open(source, mask, read).convert('L'))
        if grey.shape != (height, width):
            sizes.append(f'{mask} of {grey.shape[1]} x {grey.shape[0]} for {image} of {width} x {height}')
        brightest = max(brightest, int(grey.max()))
        pictures.append(Picture(image, width, height, *_boxes(grey >= threshold, min_area)))
    if sizes:
        raise PreflightError(f"{source} needs masks of their images' sizes, got {len(sizes)} of another: {_few(sizes)}.")
    if not any(picture.boxes for picture in pictures):
        raise PreflightError(
            f'{source} needs a polyp in one mask at least, got none from grey {threshold} on and of {min_area} pixels or more; the '
            f'brightest pixel is {brightest}. Look at --threshold and --min-area.')
    return pictures


def _open(source: Path, name: str, read: Read) -> Image.Image:
    try:
        return ImageOps.exif_transpose(Image.open(io.BytesIO(read(name))))
    except Exception as error:  # zlib's, zipfile's, the decoder's: whatever it is, the image cannot be used
        raise PreflightError(f'{source} needs {name}, which cannot be read: {error}. Download it again.') from error


def _boxes(mask: np.ndarray, min_area: int) -> tuple[list[tuple[int, int, int, int, int]], int]:
    """Box and area of each piece, by rows and columns, and the number of pieces that were too small."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pieces = stats[1:].tolist()  # the first is the ground
    polyps = [(x, y, width, height, area) for x, y, width, height, area in pieces if area >= min_area]
    return sorted(polyps, key=lambda box: (box[1], box[0], *box[2:])), len(pieces) - len(polyps)


def _few(items: Iterable[str]) -> str:
    items = list(items)
    return ', '.join(items[:3]) + (', ...' if len(items) > 3 else '')


def _annotations(pictures: Sequence[Picture], members: Sequence[str]) -> bytes:
    """COCO's file of a part; an image has one number in all of them, and numbers start at 1, as COCO's own do."""
    images: list[dict] = []
    annotations: list[dict] = []
    wanted = set(members)
    for number, picture in enumerate(pictures, start=1):
        name = PurePosixPath(picture.source).name
        if name in wanted:
            images.append(dict(id=number, file_name=name, width=picture.width, height=picture.height))
            annotations += [
                dict(id=len(annotations) + k, image_id=number, category_id=1, bbox=box, area=area, iscrowd=0)
                for k, (*box, area) in enumerate(picture.boxes, start=1)]
    categories = [dict(id=1, name='polyp')]
    return json.dumps(dict(info={}, licenses=[], images=images, annotations=annotations, categories=categories)).encode()


def _write(
    source: Path, pictures: Sequence[Picture], parts: Mapping[str, Sequence[str]], read: Read, out: Path
) -> None:
    """Images and annotations, all or nothing."""
    with written_whole(out) as partial:
        (partial / 'images').mkdir()
        for picture in pictures:
            (partial / 'images' / PurePosixPath(picture.source).name).write_bytes(read(picture.source))
        for part, members in parts.items():
            (partial / f'{part}.json').write_bytes(_annotations(pictures, members))


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', type=Path, help='folder or zip file of Kvasir-SEG or CVC-ClinicDB')
    parser.add_argument('out', type=Path, help='the folder to write, such as data/polyps')
    parser.add_argument('--val', type=float, default=0.2, metavar='FRACTION', help='of the images (default: %(default)s)')
    parser.add_argument('--test', type=float, default=0.0, metavar='FRACTION', help='of the images (default: no test.json)')
    parser.add_argument('--seed', type=int, default=0, help='which images the parts get (default: %(default)s)')
    parser.add_argument('--min-area', type=int, default=MIN_AREA, metavar='PIXELS', help='of a polyp (default: %(default)s)')
    parser.add_argument('--threshold', type=int, default=THRESHOLD, help="a polyp's darkest grey (default: %(default)s)")
    args = parser.parse_args(argv)

    def run() -> None:
        parts, pictures = convert(args.source, args.out, args.val, args.test, args.seed, args.min_area, args.threshold)
        boxes, specks, empty = (
            sum(len(p.boxes) for p in pictures), sum(p.specks for p in pictures), sum(not p.boxes for p in pictures))
        print(
            f'copied {len(pictures)} images ({", ".join(f"{count} {part}" for part, count in parts.items())}) with {boxes} polyps to '
            f'{args.out}; {empty} without a polyp; {specks} specks of fewer than {args.min_area} pixels dropped')

    return run_checked(run)


if __name__ == '__main__':
    sys.exit(main())
