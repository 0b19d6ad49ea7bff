"""The lava backend: Lava's own connections and generated fixed-point neurons, for lava-nc 0.10 on a CPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from snncc.backends.base import Backend
from snncc.backends.lava.arrays import write_arrays
from snncc.backends.lava.graph import graph_text, membrane_type, message_type
from snncc.backends.lava.interpreter import HINT, missing_lava
from snncc.backends.lava.limits import problems
from snncc.backends.lava.neurons import Variant, neurons_text, variant
from snncc.backends.lava.plan import Wiring, plan
from snncc.backends.lava.running import run_artifact
from snncc.backends.lava.synapses import channel_pairs
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Trace

LAVA = "0.10.0"
# What is emitted as it stands, and where.
TEMPLATES = {
    "README.md": "README.md",
    "run.py.txt": "run.py",
    "selftest.py.txt": "selftest.py",
    "neuron.py.txt": "network/neuron.py",
    "synapses.py.txt": "network/synapses.py",
}


class LavaBackend(Backend):
    """Emits a Lava network and runs it on Lava's CPU simulation of Loihi 2."""

    name: ClassVar[str] = "lava"
    about: ClassVar[str] = f"Intel's Lava {LAVA}: fixed-point process models, on a CPU"

    def check(self, program: Program) -> list[Diagnostic]:
        """Return everything in a program that Lava's processes and models cannot hold."""
        return problems(program)

    def emit(self, program: Program, folder: Path) -> Mapping[str, Any]:
        """Write network/, arrays/, run.py, selftest.py and README.md; return facts."""
        wirings = plan(program)
        variants = _variants(program, wirings)
        _write(folder, "network/__init__.py", '"""The network; run.py runs it."""\n')
        _write(folder, "network/neurons.py", neurons_text([*dict.fromkeys(made for _, made in variants.values())]))
        _write(folder, "network/graph.py", graph_text(program, wirings, variants))
        for name, place in TEMPLATES.items():
            text = (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")
            _write(folder, place, text)
        return _facts(program, wirings) | {"arrays": write_arrays(program, wirings, folder / "arrays")}

    def run(self, artifact: Path, feed: Feed) -> Trace:
        """Run an artifact in Lava's own Python; what went wrong is raised when the first step is asked for."""
        return run_artifact(artifact, feed)

    def missing(self) -> str:
        """Return what is missing to run Lava, in a sentence; empty if nothing is."""
        reason = missing_lava()
        return f"{reason}; {HINT}" if reason else ""


def _variants(program: Program, wirings: Sequence[Wiring]) -> dict[str, tuple[int, Variant]]:
    """Return by population what it runs and hears, and the number of that."""
    made = {p.name: variant(program, p, wirings) for p in program.populations}
    number = {v: k for k, v in enumerate(dict.fromkeys(made.values()))}
    return {name: (number[v], v) for name, v in made.items()}


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _facts(program: Program, wirings: Sequence[Wiring]) -> dict[str, Any]:
    kinds = Counter(w.kind for w in wirings for _ in w.planes)
    lines = Counter("Sparse" if w.line == 1 else "DelaySparse" for w in wirings if w.line and w.planes)
    processes = Counter({"neurons": len(program.populations), "RingBuffer": len(program.inputs)}) + kinds + lines
    return {
        "lava": LAVA,
        "python": "3.10",
        "processes": dict(sorted(processes.items())),
        "connections": {w.name: _connection(w) for w in wirings},
        "memory_bytes": _memory(program, wirings),
        "seconds_per_step": _seconds(sum(processes.values()), wirings),
        "trace": {f"p{k}": [message_type(p), membrane_type(p)] for k, p in enumerate(program.populations)},
    }


def _seconds(processes: int, wirings: Sequence[Wiring]) -> float:
    """Return seconds that a step surely does not take, about ten times what it takes on a desktop computer."""
    pairs = sum(channel_pairs(w.conv) for w in wirings if w.conv for _ in w.planes)
    synapses = sum(p.weight.size for w in wirings if not w.conv for p in w.planes)
    return round(0.5 + 0.1 * processes + 2e-4 * pairs + 2e-8 * synapses, 1)


def _connection(wiring: Wiring) -> dict[str, Any]:
    return {"process": wiring.kind, "planes": [p.number for p in wiring.planes], "line_steps": wiring.line}


def _memory(program: Program, wirings: Sequence[Wiring]) -> dict[str, int]:
    """Return bytes of synapses as Lava holds them (int32, and an index each in Sparse) and of neuron states."""
    synapses = sum(p.weight.size * (8 if w.ends is not None else 4) for w in wirings for p in w.planes)
    states = sum(4 * p.size * len(p.neuron.states) for p in program.populations)
    return {"synapses": int(synapses), "states": states}
