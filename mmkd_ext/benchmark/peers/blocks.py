"""Blocks of iterations that a process measures when it is told to."""

import json
import os
import sys
import time


class Blocks:
    """A process's share of a comparison: it trains a block of iterations, reports what the block cost, and waits for its next turn.

    The first block starts at once and warms up. Each report is a line of JSON on a file descriptor: `cpu`, seconds of this process on
    all its threads, and `wall`, seconds of the clock. A line on standard input is the next turn; its end ends the process.

    Args:
        iterations: Of a block.
        fd: Where reports go.
        warm_up: Iterations of the first block; None: as many as of the others.
    """

    def __init__(self, iterations: int, fd: int, warm_up: int | None = None) -> None:
        self.iterations, self.fd, self._left = iterations, fd, warm_up or iterations
        self._start()

    def _start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def step_done(self) -> None:
        """An iteration is complete.

        Raises:
            SystemExit: There is no further turn.
        """
        self._left -= 1
        if self._left:
            return
        spent = dict(cpu=time.process_time() - self._cpu, wall=time.perf_counter() - self._wall)
        os.write(self.fd, json.dumps(spent).encode() + b'\n')
        if not sys.stdin.readline():
            raise SystemExit(0)
        self._left = self.iterations
        self._start()
