"""``python -m snncc.runtime.tuning.worker FOLDER CORE``: measure the points that come in, one a line, to the last."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from snncc.runtime.tuning.laboratory import Laboratory
from snncc.runtime.tuning.packing import unpack
from snncc.runtime.tuning.point import from_params, layer_names


def main(folder: str, core: int) -> None:
    """Answer each point with its outcome, on one processor: libraries that spin on all of them hinder each other."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[core % len(usable)]})
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    problem = unpack(Path(folder))
    laboratory, layers = Laboratory(problem), layer_names(problem.graph)
    for line in sys.stdin:
        outcome = laboratory.measure(from_params(layers, json.loads(line)))
        sys.stdout.write(json.dumps(outcome.to_json()) + "\n")
        sys.stdout.flush()


def _end_with(parent: int) -> None:
    """End when the tuner has: it may have been killed while a point was measured."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
