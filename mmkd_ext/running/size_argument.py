"""`--size H [W]` of the command lines: one number for square images, or height and width."""

import argparse
import re
import sys
from collections.abc import Sequence

from mmkd_ext.models.images.image_shape import Size, short_size

HELP = 'pixels of the images: a side, or height and width (default: from the data)'
METAVAR = 'H [W]'


def with_joined_sizes(argv: Sequence[str] | None) -> list[str]:
    """The words of a command line in which `--size 32 64` is `--size 32x64`.

    argparse's own `nargs` would take the arguments behind it, too.
    """
    words = [str(word) for word in (sys.argv[1:] if argv is None else argv)]
    for i, word in enumerate(words):
        if word == '--size' and all(re.fullmatch(r'[+-]?\d+', each) for each in words[i + 1 : i + 3]) and len(words) > i + 2:
            words[i + 1 : i + 3] = ['x'.join(words[i + 1 : i + 3])]
    return words


def pixels(text: str) -> Size:
    """A size out of `H` or `HxW`.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    sides = text.split('x')
    if len(sides) > 2 or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise argparse.ArgumentTypeError(f'a whole number of 1 or more is needed, or two for height and width, got {text!r}')
    return short_size((int(sides[0]), int(sides[-1])))
