"""Workers that measure points in parallel: processes that speak JSON, one line a point and one line an outcome.

A worker ends when its input ends, so none is left behind when the tuner is killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from snncc.compiler.diagnostics import InternalError
from snncc.runtime.tuning.laboratory import Laboratory, Problem
from snncc.runtime.tuning.outcome import Outcome, from_json
from snncc.runtime.tuning.packing import pack
from snncc.runtime.tuning.point import Point

Measured = Iterator[tuple[Point, Outcome]]
Worker = Any  # subprocess.Popen[str]


class Crew:
    """Measures points, here or in processes of their own.

    Attributes:
        jobs: how many points are measured at a time.
    """

    def __init__(self, problem: Problem, workers: Sequence[Worker]) -> None:
        """Measure here where there are no workers."""
        self.jobs = max(1, len(workers))
        self._laboratory = None if workers else Laboratory(problem)
        self._pool = ThreadPoolExecutor(self.jobs)
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)

    def measure(self, points: Sequence[Point]) -> Measured:
        """Yield points with their outcomes as they are finished; a caller that stops early leaves the rest undone."""
        if self._laboratory is not None:
            yield from ((point, self._laboratory.measure(point)) for point in points)
            return
        waiting = list(reversed(points))
        running: dict[Future[Outcome], Point] = {}
        while waiting or running:
            while waiting and len(running) < self.jobs:
                point = waiting.pop()
                running[self._pool.submit(self._sent, point)] = point
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()

    def _sent(self, point: Point) -> Outcome:
        """Return what a worker answers."""
        worker = self._idle.get()
        with suppress(BrokenPipeError):
            worker.stdin.write(json.dumps(point.params()) + "\n")
            worker.stdin.flush()
        line = worker.stdout.readline()
        if not line:
            raise InternalError(f"a worker of the tuner ended with {worker.wait()}: out of memory, or killed")
        self._idle.put(worker)
        return from_json(json.loads(line))

    def close(self) -> None:
        """Wait for no one."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def hired(problem: Problem, jobs: int) -> Iterator[Crew]:
    """Give a crew for a problem; its workers end with it."""
    if jobs == 1:
        yield Crew(problem, ())
        return
    with tempfile.TemporaryDirectory(prefix="snncc-tune-") as folder:
        pack(problem, Path(folder))
        workers = [_started(Path(folder), core) for core in range(jobs)]
        crew = Crew(problem, workers)
        try:
            yield crew
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
            crew.close()
            for worker in workers:
                worker.stdin.close()
                worker.stdout.close()


def _started(folder: Path, core: int) -> Worker:
    one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, "-m", "snncc.runtime.tuning.worker", str(folder), str(core)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, **one})


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
