"""Memory that a training step on a CPU frees: kept for the next step instead of given back to the system."""

import ctypes
import os

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_LARGEST = 32 * 1024 * 1024  # glibc takes no higher threshold


def keep_freed_memory() -> bool:
    """Keep what a step frees for the next one, where glibc would give it back to the system and fetch it again page by page.

    A step of a small network spends a tenth to a quarter of its time on these pages. The process stays as large as its largest step.
    Nothing is done where there is a GPU, another C library, or `MALLOC_TRIM_THRESHOLD_` in the environment.

    Returns:
        Whether it is so from now on.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None or torch.cuda.is_available() or 'MALLOC_TRIM_THRESHOLD_' in os.environ:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
