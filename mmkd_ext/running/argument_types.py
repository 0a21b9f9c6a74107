"""Numbers and devices on the command lines; argparse prints the sentence of a number that is none."""

import argparse
import math

import torch

from mmkd_ext.errors import PreflightError

_MOST_THREADS = 4096  # torch takes any number, and ends in its allocator


def positive(text: str) -> int:
    """An argument that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'a whole number of 1 or more is needed, got {text!r}')
    return int(text)


def threads(text: str) -> int:
    """A number of threads."""
    if positive(text) > _MOST_THREADS:
        raise argparse.ArgumentTypeError(f'1 to {_MOST_THREADS} threads are needed, got {text!r}')
    return int(text)


def finite(text: str) -> float:
    """A number of 0 or more, such as seconds or a score."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f'a number of 0 or more is needed, got {text!r}')
    return value


def check_device(device: str) -> None:
    """Whether this machine can compute on a device.

    Raises:
        PreflightError: It cannot, or there is no such device.
    """
    try:
        torch.zeros(1, device=device).item()  # of the meta device nothing can be read
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # AssertionError: torch without CUDA
        raise PreflightError(
            f"--device needs one that this machine has, such as 'cpu' or 'cuda:0', got {device!r}: "
            f'{str(error).splitlines()[0][:200]}') from error
