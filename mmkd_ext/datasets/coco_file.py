"""Checks of the content of an annotation file in COCO's format: images, boxes, masks, and ids that match.

mmdet leaves invalid boxes out without a message, and a mask of infinite size ends its process.
"""

import math
from collections.abc import Mapping, Sequence
from logging import WARNING
from typing import Any

from mmengine.logging import print_log

_HINT = 'Correct the file.'
_BORDER = 1.0  # pixels beyond the image that are rounding


def check_content(content: Any, file: Any) -> None:
    """Look at every image, annotation and category of a file once; boxes that mmdet leaves out are told in one line.

    Args:
        content: What the JSON file holds.
        file: Its name, for the sentences.

    Raises:
        ValueError: Content of another structure, ids that are missing, twice there or unknown, sizes, boxes, areas or outlines that
            are not finite numbers, boxes and outlines outside of their image, or most boxes beyond its border.
    """
    images = _by_id(content, 'images', file)
    if not images:
        raise ValueError(f'Images are needed, got none in {file}. {_HINT}')
    for image in images.values():
        if not isinstance(image.get('file_name'), str) or not all(_positive(image.get(key)) for key in ('width', 'height')):
            raise ValueError(
                f'Images with file_name, width and height are needed, got image {image["id"]!r} with '
                f'{_fields(image, ("file_name", "width", "height"))} in {file}. {_HINT}')
    for category in _by_id(content, 'categories', file).values():
        if not isinstance(category.get('name'), str):
            raise ValueError(f'Categories with a name are needed, got {category} in {file}. {_HINT}')
    left_out, beyond = [], []
    annotations = _by_id(content, 'annotations', file)
    for key, each in annotations.items():
        image = images.get(each.get('image_id')) if isinstance(each.get('image_id'), str | int) else None
        if image is None:
            raise ValueError(
                f'Annotations of listed images are needed, got image_id {each.get("image_id")!r} of annotation {key!r} in {file}, whose '
                f'{len(images)} images have ids as {next(iter(images))!r}. {_HINT[:-1]}: mmdet would skip these boxes without a word.')
        problem = _problem(each, image)
        if problem is not None:
            raise ValueError(
                f'{problem[0]} needed, got {problem[1]} of annotation {key!r} in the {image["width"]} x {image["height"]} pixels of '
                f'{image["file_name"]}, in {file}. {_HINT}')
        x, y, w, h = each['bbox']
        if w < 1 or h < 1 or each['area'] <= 0:
            left_out.append(key)
        if x < -_BORDER or y < -_BORDER or x + w > image['width'] + _BORDER or y + h > image['height'] + _BORDER:
            beyond.append(key)
    if 2 * len(beyond) > len(annotations):
        each = annotations[beyond[0]]
        raise ValueError(
            f'Boxes (x, y, width, height) in the pixels of their images are needed, got {len(beyond)} of {len(annotations)} that reach '
            f'beyond the border in {file}, the first {each["bbox"]} in image {each["image_id"]!r}. Do they hold two corners, or belong '
            'to images of another size?')
    if beyond:
        print_log(f'{len(beyond)} boxes in {file} reach beyond their image (first: annotation {beyond[0]!r}); mmdet cuts them off.',
                  'current', WARNING)  # fmt: skip
    if left_out:
        print_log(f'{len(left_out)} boxes in {file} are left out by mmdet, since a side is below 1 pixel or the area is not above 0 '
                  f'(first: annotation {left_out[0]!r}).', 'current', WARNING)  # fmt: skip


def _by_id(content: Any, key: str, file: Any) -> dict[Any, Any]:
    entries = content.get(key, [] if key == 'annotations' else None) if isinstance(content, Mapping) else None  # test-dev has none
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise ValueError(
            f"A file in COCO's format is needed, got {file} without a list of dicts `{key}`. Look at ann_file of the data set.")
    found = {}
    for each in entries:
        name = each.get('id')
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise ValueError(f'An id (a number or a string) is needed of every entry of `{key}`, got {name!r} in {file}. {_HINT}')
        if name in found:
            raise ValueError(f'An id for each entry of `{key}` is needed, got {name!r} twice in {file}. {_HINT}')
        found[name] = each
    return found


def _problem(each: Mapping[str, Any], image: Mapping[str, Any]) -> tuple[str, str] | None:
    """What was needed and what was got, for an annotation that cannot be trained on; else None."""
    box = each.get('bbox')
    if not isinstance(box, list) or len(box) != 4 or not _finite(box):
        return 'Four finite numbers as bbox are', repr(box)
    x, y, w, h = box
    if w < 0 or h < 0:
        return 'A bbox (x, y, width, height) without negative sides is', repr(box)
    if x >= image['width'] or y >= image['height'] or x + w <= 0 < w or y + h <= 0 < h:
        return 'A bbox inside its image is', repr(box)
    if not _finite([each.get('area')]) or each['area'] < 0:
        return 'A finite area of 0 or more is', repr(each.get('area'))
    if each.get('iscrowd', 0) not in (0, 1):
        return 'iscrowd 0 or 1 is', repr(each['iscrowd'])
    return _outline_problem(each.get('segmentation'), image)


def _outline_problem(outline: Any, image: Mapping[str, Any]) -> tuple[str, str] | None:
    height, width = image['height'], image['width']
    if not outline:
        return None
    if isinstance(outline, list):
        for polygon in outline:
            if not isinstance(polygon, list) or not _finite(polygon):
                return 'Polygons of finite numbers as segmentation are', _shortened(polygon)
            far = polygon and (min(polygon) < -max(width, height) or max(polygon) > 2 * max(width, height))
            if far:  # pycocotools walks along every edge
                return 'A segmentation inside its image is', _shortened(polygon)
        return None
    counts = outline.get('counts') if isinstance(outline, Mapping) else None
    whole = isinstance(counts, str) or (
        isinstance(counts, list) and all(isinstance(n, int) and n >= 0 for n in counts) and sum(counts) == height * width)
    if not whole or outline.get('size') != [height, width]:
        return f'A run-length segmentation of size [{height}, {width}] is', _shortened(outline)
    return None


def _finite(values: Sequence[Any]) -> bool:
    try:
        return all(map(math.isfinite, values)) and bool not in map(type, values)
    except (TypeError, OverflowError):
        return False


def _positive(value: Any) -> bool:
    return _finite([value]) and value > 0


def _fields(entry: Mapping[str, Any], keys: Sequence[str]) -> str:
    return ', '.join(f'{key}={entry.get(key)!r}' for key in keys)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:80]} [...]'
