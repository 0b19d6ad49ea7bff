"""Run Lava's LIF neurons behind one Dense connection; a program of its own, since a failing process model hangs.

Usage: run_lif.py TASK.json RESULT.json. The task holds ``data`` [inputs][steps], ``weights`` [targets][inputs] and
``cases``, keyword arguments of LIF, or of LIFReset where there is a ``reset_interval``. The result holds for each case
the spikes, u and v of every step.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io import sink, source
from lava.proc.lif.process import LIF, LIFReset
from lava.utils.weightutils import SignMode


def neuron(case: dict[str, Any], size: int) -> Any:
    """Return the Lava process of a case; lists become arrays, one value a neuron."""
    arguments = {name: np.array(value) if isinstance(value, list) else value for name, value in case.items()}
    kind = LIFReset if "reset_interval" in case else LIF
    return kind(shape=(size,), **arguments)


def main(task_file: str, result_file: str) -> None:
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    data, weights = np.array(task["data"]), np.array(task["weights"])
    size, steps = len(weights), data.shape[1]
    spikes = source.RingBuffer(data=data)
    dense = Dense(weights=weights, num_message_bits=8, sign_mode=SignMode.MIXED)
    spikes.s_out.connect(dense.s_in)
    neurons = [neuron(case, size) for case in task["cases"]]
    sinks = [sink.RingBuffer(shape=(size,), buffer=steps) for _ in neurons]
    for cell, end in zip(neurons, sinks, strict=True):
        dense.a_out.connect(cell.a_in)
        cell.s_out.connect(end.a_in)
    states: list[dict[str, list[Any]]] = [{"u": [], "v": []} for _ in neurons]
    for _ in range(steps):
        dense.run(condition=RunSteps(num_steps=1), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        for cell, state in zip(neurons, states, strict=True):
            state["u"].append(cell.u.get().astype(int).tolist())
            state["v"].append(cell.v.get().astype(int).tolist())
    sent = [end.data.get().astype(int).T.tolist() for end in sinks]
    dense.stop()
    result = [{**state, "spikes": s} for state, s in zip(states, sent, strict=True)]
    Path(result_file).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
