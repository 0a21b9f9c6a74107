"""What networks ask mmengine's message hub about the run: a step outside of one has to tell it."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.logging import MessageHub

_START = dict(epoch=0, iter=0, max_epochs=1, max_iters=1)


@contextmanager
def as_at_the_start() -> Iterator[None]:
    """Let steps inside be those of a run that begins; what a run has told already stays.

    mmdet's TOOD asks for the epoch, its BoxInst and the resizing of YOLOX's batches for the iteration. Without an answer they end in an
    error about None.

    Example:
        >>> hub = MessageHub.get_current_instance()
        >>> with as_at_the_start():
        ...     print(hub.get_info('iter'))
        0
    """
    hub = MessageHub.get_current_instance()
    told = [name for name in _START if hub.get_info(name) is None]
    for name in told:
        hub.update_info(name, _START[name])
    try:
        yield
    finally:
        for name in told:
            hub.pop_info(name, None)
