"""A hook that is fed losses, here or on two ranks."""

from types import SimpleNamespace

import torch

from mmkd_ext.hooks import InvalidLossHook


def runner_at(iteration=0, hooks=(), work_dir='absent'):
    return SimpleNamespace(
        iter=iteration,
        epoch=0,
        hooks=list(hooks),
        work_dir=work_dir,
        max_iters=100,
        rank=0,
        train_dataloader=range(4),
        train_loop=None,
    )


def feed(hook, values, hooks=()):
    """One iteration per entry of `values`: a dict of terms."""
    runner = runner_at(hooks=hooks)
    for runner.iter, terms in enumerate(values):
        hook.after_train_iter(runner, 0, outputs={name: torch.tensor(value) for name, value in terms.items()})
    return runner


def one_of_two_ranks(rank, queue, store):
    """Rank 1 sees an infinite term, rank 0 does not even have it; what each of them says goes into the queue."""
    torch.distributed.init_process_group('gloo', f'file://{store}', rank=rank, world_size=2)
    inf = float('inf')
    steps = [dict(loss=1.0)] * 2 + [dict(loss=inf, loss_ce=1.0, loss_kd=inf) if rank else dict(loss=1.0)] * 2
    try:
        feed(InvalidLossHook(interval=4), steps)
    except FloatingPointError as error:
        queue.put(str(error))
    torch.distributed.barrier()
