"""Two processes for a test, copies of this one: what is imported here need not be imported there, which takes seconds."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.multiprocessing


def start_two(work: Callable[..., None], arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    """Start `work(rank, queue, *arguments)` for two ranks; return what they are joined by, and the queue.

    Args:
        work: A function of a module.
        arguments: After rank and queue.
    """
    queue = torch.multiprocessing.get_context('fork').SimpleQueue()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # Python 3.12 warns of threads beside a fork
        return torch.multiprocessing.start_processes(work, (queue, *arguments), nprocs=2, join=False, start_method='fork'), queue
