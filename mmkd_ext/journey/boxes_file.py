"""A COCO file with boxes and a folder of its images, looked at before any work, and a split where it has none."""

import json
import random
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmkd_ext.datasets.coco_file import check_content
from mmkd_ext.errors import PreflightError

from .image_folder import check_readable


class Scenes(NamedTuple):
    """Images with boxes.

    Attributes:
        root: The folder of the images, absolute.
        classes: Names in the order of the file's categories.
        train: The file names of the images that are trained on.
        val: Of those that are validated on.
        side: The median of the images' shorter sides, in pixels.
        long_side: Of their longer ones.
        train_file: Content of a COCO file of the training images.
        val_file: Likewise of the others.
        notes: What a user should know of them, a sentence each.
    """

    root: Path
    classes: tuple[str, ...]
    train: list[str]
    val: list[str]
    side: int
    long_side: int
    train_file: dict[str, Any]
    val_file: dict[str, Any]
    notes: tuple[str, ...] = ()


def read_scenes(file: str | Path, images: str | Path | None, val_file: str | Path | None, val_share: float, seed: int) -> Scenes:
    """Look through a COCO file and its images, of which a share becomes the validation data where no file names these.

    Args:
        file: The COCO file.
        images: The folder that each `file_name` starts from.
        val_file: Another such file of images in the same folder; None: a share of the first one's.
        val_share: That share.
        seed: Of that choice; the same file and seed give the same split.

    Raises:
        PreflightError: A file or folder that is not there, without boxes or categories, two categories of one name, a category of the
            validation file that the training file lacks, or images that cannot be read.
        ValueError: As `check_content`.
    """
    if images is None or not Path(images).is_dir():
        got = 'none' if images is None else f'{images}, which is {"a file" if Path(images).exists() else "not there"}'
        raise PreflightError(f'The folder of the images of {file} is needed as --images, got {got}.')
    root, content = Path(images).absolute(), _content(file, '--data')
    classes = tuple(each['name'] for each in content['categories'])
    if not classes or len(set(classes)) < len(classes):
        got = 'none' if not classes else f'{next(name for name in classes if classes.count(name) > 1)!r} twice'
        raise PreflightError(f'Categories, each with a name of its own, are needed, got {got} in {file}.')
    _check_categories(content, file)
    notes = []
    if val_file is None:
        train, val = _split(content, file, val_share, seed)
        notes.append(f'no --val-data: {val_share:.0%} of the images are held back for validation, by the split seed {seed}.')
    else:
        train, val = content, _content(val_file, '--val-data')
        unknown = [each['name'] for each in val['categories'] if each['name'] not in classes]
        if unknown:
            raise PreflightError(
                f'Categories in {val_file} that {file} has are needed, got {", ".join(unknown[:5])} in the former only; the latter has '
                f'{", ".join(classes[:10])}. Look at their spelling.')
        lacking = [name for name in classes if name not in {each['name'] for each in val['categories']}]
        if lacking:
            raise PreflightError(
                f'Every category of {file} is needed in {val_file}, got no {", ".join(lacking[:5])}: mmdet counts by them.')
        _check_categories(val, val_file)
    for what, each, where in (('training', train, file), ('validation', val, val_file or file)):
        if not each.get('annotations'):
            raise PreflightError(f'Boxes in the {what} images are needed, got none in {where}.')
    shown = {each['category_id'] for each in train['annotations']}
    bare = [each['name'] for each in train['categories'] if each['id'] not in shown]
    if bare:
        notes.append(f'no training image has a box of {", ".join(bare[:5])}.')
    train_names, val_names = ([each['file_name'] for each in part['images']] for part in (train, val))
    check_readable(root, [*train_names, *val_names])
    short, long = (
        int(statistics.median(pick(each['width'], each['height']) for each in train['images'])) for pick in (min, max))
    return Scenes(root, classes, train_names, val_names, short, long, train, val, tuple(notes))


def _content(file: str | Path, flag: str) -> dict[str, Any]:
    if not Path(file).is_file():
        what = 'a folder' if Path(file).exists() else 'not there'
        raise PreflightError(f'A JSON file of boxes is needed as {flag}, got {file}, which is {what}.')
    try:
        content = json.loads(Path(file).read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise PreflightError(f'A JSON file of boxes is needed as {flag}, got {file}: {str(error)[:200]}.') from error
    check_content(content, file)
    return content


def _check_categories(content: Mapping[str, Any], file: object) -> None:
    known = {each['id'] for each in content['categories']}
    strange = next((
        each for each in content.get('annotations', [])
        if not isinstance(each.get('category_id'), int | str) or each['category_id'] not in known), None)
    if strange is not None:
        raise PreflightError(
            f'Boxes of listed categories are needed, got category_id {strange.get("category_id")!r} of annotation {strange["id"]!r} in '
            f'{file}.')


def _split(content: Mapping[str, Any], file: object, share: float, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    images = content['images']
    full = {each['image_id'] for each in content.get('annotations', [])}
    if len(full) < 2:
        raise PreflightError(f'Two images or more with boxes are needed to hold some back, got {len(full)} in {file}.')
    held: set[Any] = set()
    for with_boxes in (True, False):  # so that both parts have boxes
        shuffled = [each['id'] for each in images if (each['id'] in full) == with_boxes]
        random.Random(f'{seed}/{with_boxes}').shuffle(shuffled)
        least = 1 if with_boxes else 0
        held.update(shuffled[: min(max(least, round(share * len(shuffled))), max(0, len(shuffled) - 1))])
    parts = ([each for each in images if (each['id'] in held) == wanted] for wanted in (False, True))
    train, val = (_part(content, each) for each in parts)
    return train, val


def _part(content: Mapping[str, Any], images: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ids = {each['id'] for each in images}
    boxes = [each for each in content.get('annotations', []) if each['image_id'] in ids]
    return {'images': list(images), 'annotations': boxes, 'categories': content['categories']}
