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
    """

    def __init__(self, iterations: int, fd: int) -> None:
        self.iterations, self.fd, self._done = iterations, fd, 0
        self._start()

    def _start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def step_done(self) -> None:
        """An iteration is complete.

        Raises:
            SystemExit: There is no further turn.
        """
        self._done += 1
        if self._done % self.iterations:
            return
        spent = dict(cpu=time.process_time() - self._cpu, wall=time.perf_counter() - self._wall)
        os.write(self.fd, json.dumps(spent).encode() + b'\n')
        if not sys.stdin.readline():
            raise SystemExit(0)
        self._start()
