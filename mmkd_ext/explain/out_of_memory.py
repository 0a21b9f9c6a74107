"""One sentence for an error of too little memory, of a GPU or of the machine."""

import torch


def out_of_memory(error: BaseException) -> str | None:
    """A sentence for an allocation that failed, on a CPU or a GPU; None for other errors."""
    text = ' '.join(str(error).split())
    on_cpu = isinstance(error, RuntimeError) and "can't allocate memory" in text
    if not on_cpu and not isinstance(error, MemoryError | torch.OutOfMemoryError):
        return None
    got = text.partition("can't allocate memory: ")[2] or text or type(error).__name__
    return (
        f'More memory than this machine has free is needed, got: {got[:300].rstrip(".")}. '
        'Look at the batch size and the size of the images.')
