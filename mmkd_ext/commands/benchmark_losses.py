"""Time of the losses, forward and backward, on random outputs of two networks: python tools/benchmark_losses.py."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.benchmark.steps import compare_calls
from mmkd_ext.losses import dist_loss, dkd_loss, hcl_loss, kd_loss, nd_loss
from mmkd_ext.running.argument_types import positive, threads
from mmkd_ext.running.command_line import run_checked
from mmkd_ext.running.witness import load_witness


def backward(loss: Callable[..., Tensor], *leaves: Tensor, **arguments: Any) -> Callable[[], None]:
    """A call that computes a loss of the first tensor, and its gradient."""
    student = leaves[0].clone().requires_grad_()

    def step() -> None:
        loss(student, *leaves[1:], **arguments).backward()
        student.grad = None

    return step


def benchmark(argv: Sequence[str] | None = None) -> dict[str, float]:
    """Measure, print a table, and return the median milliseconds by name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--samples', type=positive, default=512, help='N')
    parser.add_argument('--channels', type=positive, default=2048, help='D, of the embedding')
    parser.add_argument('--classes', type=positive, default=1000, help='K')
    parser.add_argument('--rounds', type=positive, default=10)
    parser.add_argument('--threads', type=threads, default=torch.get_num_threads())
    parser.add_argument('--witness', metavar='FILE.py:FUNCTION', help='another nd_loss to compare with')
    args = parser.parse_args(argv)
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, args.samples, args.classes, generator=rng)
    embeddings = torch.randn(2, args.samples, args.channels, generator=rng)
    maps = torch.randn(2, args.samples, 64, 8, 8, generator=rng)
    target = torch.randint(args.classes, (args.samples,), generator=rng)
    means = torch.randn(args.classes, args.channels, generator=rng)
    calls = {
        'kd_loss': backward(kd_loss, *logits, tau=4.0),
        'dkd_loss': backward(dkd_loss, *logits, target, tau=4.0, alpha=1.0, beta=8.0),
        'dist_loss': backward(dist_loss, *logits, tau=4.0),
        'hcl_loss (64 x 8 x 8)': backward(lambda s, t: hcl_loss([s], [t]), *maps),
        'nd_loss': backward(nd_loss, *embeddings, target, means),
    }
    if args.witness:
        calls['nd_loss, witness'] = backward(load_witness(args.witness), *embeddings, target, means)
    found = {t.name: 1e3 * t.median for t in compare_calls(calls, args.rounds, args.threads)}
    print(f'N {args.samples}, D {args.channels}, K {args.classes}, {args.threads} threads, torch {torch.__version__}')
    print('| loss | median ms | of nd_loss |\n|---|---|---|')
    for name, milliseconds in found.items():
        print(f'| {name} | {milliseconds:.2f} | {milliseconds / found["nd_loss"]:.1f} |')
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: benchmark(argv))
