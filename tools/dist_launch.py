"""Start a script once per device of this machine: python tools/dist_launch.py GPUS SCRIPT ARGUMENTS...

torchrun with a check before it and one sentence after it. NNODES, NODE_RANK, MASTER_ADDR and PORT join several
machines.

GPUS is at most what this machine has: its GPUs, or without one its CPU cores, where two processes (over gloo) always
may run: on a single core they take turns, slowly, which is enough to try a distributed run.
"""

import logging
import os
import sys
from collections.abc import Sequence


def count_devices() -> tuple[int, str]:
    """How many processes this machine takes, and of what."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.device_count(), f'GPUs (CUDA_VISIBLE_DEVICES={os.environ.get("CUDA_VISIBLE_DEVICES", "all")})'
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    return cores, 'CPU cores and no GPU'


def check(gpus: str) -> int:
    """The number of processes.

    Raises:
        ValueError: Not a whole number of 1 or more, or more than there are devices.
    """
    if not gpus.isdecimal() or int(gpus) < 1:
        raise ValueError(
            f'GPUS needs to be a whole number of 1 or more, got {gpus!r}; '
            'look at its place in the command: dist_train.sh CONFIG GPUS, dist_test.sh CONFIG CHECKPOINT GPUS.'
        )
    devices, kind = count_devices()
    most = devices if 'no GPU' not in kind else max(2, devices)
    if int(gpus) > most:
        raise ValueError(
            f'{gpus} processes need {gpus} devices on this machine, got {devices} {kind}; '
            f'give at most {most} as GPUS.'
        )
    if int(gpus) > devices:
        print(f'warning: {gpus} processes take turns on {devices} {kind}: this is slow.', file=sys.stderr)
    if 'no GPU' in kind:
        # Left alone every process would use every core. mmengine sets the second one to 1, with a warning, where it is
        # absent.
        for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'):
            os.environ.setdefault(name, str(max(1, devices // int(gpus))))
    return int(gpus)


def _check_machines() -> None:
    """Refuse what torchrun would answer with its usage.

    Raises:
        ValueError: NNODES, NODE_RANK or PORT that cannot be.
    """
    for name, low, high in (('NNODES', 1, None), ('NODE_RANK', 0, None), ('PORT', 0, 65535)):
        text = os.environ.get(name, str(low))
        if not text.isdecimal() or int(text) < low or (high is not None and int(text) > high):
            limit = f'{low} to {high}' if high else f'{low} or more'
            raise ValueError(f'{name} needs to be a whole number of {limit}, got {text!r}: look at your environment.')
    nodes, rank = (int(os.environ.get(name, default)) for name, default in (('NNODES', '1'), ('NODE_RANK', '0')))
    if rank >= nodes:
        raise ValueError(f'NODE_RANK needs to lie in 0..{nodes - 1}, since NNODES={nodes}, got {rank}: count from 0.')


def launch(gpus: int, command: Sequence[str]) -> int:
    """Run and watch the processes; when one ends badly the others are stopped.

    Returns:
        0, or the exit code of the first process that failed (1 if a signal ended it).
    """
    from torch.distributed import DistNetworkError
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    setting = {
        name: os.environ.get(name, default)
        for name, default in (('NNODES', '1'), ('NODE_RANK', '0'), ('MASTER_ADDR', '127.0.0.1'), ('PORT', '29500'))
    }
    logging.getLogger('torch.distributed.elastic.multiprocessing.api').setLevel(logging.CRITICAL)  # said below, once
    try:
        torchrun(
            [
                f'--nproc_per_node={gpus}',
                f'--nnodes={setting["NNODES"]}',
                f'--node_rank={setting["NODE_RANK"]}',
                f'--master_addr={setting["MASTER_ADDR"]}',
                f'--master_port={setting["PORT"]}',
                *command,
            ]
        )
    except DistNetworkError as error:
        text = str(error).splitlines()[0]
        print(
            f'error: A port that is free on {setting["MASTER_ADDR"]} is needed, got PORT={setting["PORT"]}: {text}. '
            'Set PORT to another number.',
            file=sys.stderr,
        )
        return 2
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode != 2:  # 2: the process has said in one sentence what was wrong
            how = f'signal {-failure.exitcode}' if failure.exitcode < 0 else f'exit code {failure.exitcode}'
            print(
                f'error: All {gpus} processes need to end well, got {how} from rank {rank}; the others were stopped: '
                'look at its last lines above.',
                file=sys.stderr,
            )
        return max(1, failure.exitcode)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0, or 2 where no such number of processes can run."""
    gpus, *command = (sys.argv[1:] if argv is None else argv) or ['']
    try:
        _check_machines()
        number = check(gpus)
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return launch(number, command)


if __name__ == '__main__':
    sys.exit(main())
