"""Turn a checkpoint of the KD field's CIFAR zoo into one that the zoo's own `ImageClassifier` loads."""

import argparse
import io
from collections.abc import Sequence

import torch

from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend
from mmkd_ext.models.zoo.cifar_zoo import CIFAR_ZOO, convert_cifar_zoo, read_cifar_zoo


def main(argv: Sequence[str] | None = None) -> None:
    """Convert SRC, a checkpoint of architecture ARCH, to DST; DST appears whole or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', metavar='SRC', help="published checkpoint, {'model': state_dict}")
    parser.add_argument('arch', metavar='ARCH', help=f'one of {", ".join(CIFAR_ZOO)}')
    parser.add_argument('dst', metavar='DST', help='where to write the converted checkpoint')
    args = parser.parse_args(argv)
    try:
        weights = convert_cifar_zoo(read_cifar_zoo(args.src), args.arch)
    except ValueError as error:
        raise SystemExit(f'{args.src} was not converted. {error}') from error
    buffer = io.BytesIO()
    torch.save({'state_dict': weights, 'meta': {'arch': args.arch, 'converted_from': args.src}}, buffer)
    AtomicBackend().put(buffer.getvalue(), args.dst)
    print(f'{args.dst}: all {len(weights)} keys of {args.arch} mapped')


if __name__ == '__main__':
    main()
