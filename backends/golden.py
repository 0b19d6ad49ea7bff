"""Golden vectors: what is fed, every spike that must follow, every output, and a checksum of all membranes.

One text file, golden.txt, that C reads with scanf and Python with split: ASCII tokens between blanks and line ends.

    snncc-golden 1
    populations N               then N lines:  population <k> <neurons> <name> <layer>
    inputs N                    then N lines:  input <k> <population> <name>
    outputs N                   then N lines:  output <k> <population> <name>
    steps N                     then for every step:
    t <step>
    i <input> <count> <neuron> <value> ...          charges that arrive in this step, for inputs that get any
    p <population> <checksum> <count> <neuron> <payload> ...     for every population: membranes, spikes
    o <output> <count> <membrane> ...               in the steps in which an output is read, in the output's order
    end

A checksum is the sum of membrane[i] * PRIME^(n - 1 - i) modulo 2^64 over the n neurons in order, that is
h = h * PRIME + membrane[i], starting from 0. Names are escaped: everything but letters, digits and ``_.:/-`` as %XX
of its UTF-8 bytes, at most LONGEST characters.

A backend that gives levels gets golden.npz instead: ``input/<name>`` and ``level/<node>``, int64 [samples, *shape]
each, for every input and for every node of the network that carries levels, charges at readouts and outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Readout
from snncc.compiler.ir.types import LEVEL
from snncc.compiler.program import Population, Program
from snncc.compiler.trace import Feed, Sent, Trace

Ints = npt.NDArray[np.int64]
GOLDEN = "golden.txt"
GOLDEN_LEVELS = "golden.npz"
PRIME = 1099511628211  # of the 64-bit FNV hash (Fowler, Noll, Vo)
LONGEST = 120


def write_golden(program: Program, feed: Feed, trace: Trace, folder: Path) -> None:
    """Write golden.txt: a feed, and what the program does on it, step by step."""
    with open(folder / GOLDEN, "w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in _lines(program, feed, trace))


def write_golden_levels(network: Graph, values: Mapping[str, Ints], folder: Path) -> None:
    """Write golden.npz: the levels of samples at every node of a quantized network, int64 [samples, *shape] each."""
    arrays: dict[str, Any] = {}
    for node in network.nodes:
        if isinstance(node.op, Encode):
            arrays[f"input/{node.inputs[0]}"] = values[node.name]
    arrays |= {f"level/{node.name}": values[node.name] for node in shown_nodes(network)}
    np.savez_compressed(folder / GOLDEN_LEVELS, **arrays)


def shown_nodes(network: Graph) -> list[Node]:
    """Return the nodes whose values are compared where levels are: those that carry levels, readouts and outputs."""
    ends = set(network.outputs)
    return [n for n in network.nodes if n.type.dtype == LEVEL or isinstance(n.op, Readout) or n.name in ends]


def _lines(program: Program, feed: Feed, trace: Trace) -> Iterator[str]:
    number = {p.name: k for k, p in enumerate(program.populations)}
    yield "snncc-golden 1"
    yield f"populations {len(program.populations)}"
    yield from (f"population {k} {p.size} {escaped(p.name)} {layer(p)}" for k, p in enumerate(program.populations))
    for kind, ends in (("input", program.inputs), ("output", program.outputs)):
        yield f"{kind}s {len(ends)}"
        yield from (f"{kind} {k} {number[end.population]} {escaped(end.name)}" for k, end in enumerate(ends))
    yield f"steps {feed.steps}"
    fed = [feed.arrivals[i.name].by_step(feed.steps) if i.name in feed.arrivals else None for i in program.inputs]
    for step in range(feed.steps):
        yield f"t {step}"
        for k, arriving in enumerate(fed):
            if arriving is not None:
                neurons, values = next(arriving)
                if len(neurons):
                    yield f"i {k} {_pairs(neurons, values)}"
        sent = next(trace)
        yield from (_population(k, sent[p.name]) for k, p in enumerate(program.populations))
        yield from _reads(program, step, sent)
    yield "end"


def _population(k: int, did: Sent) -> str:
    spikes = did.spikes[:, 0]
    neurons = np.flatnonzero(spikes)
    return f"p {k} {checksum(did.membrane[:, 0])} {_pairs(neurons, spikes[neurons])}"


def _reads(program: Program, step: int, sent: Mapping[str, Sent]) -> Iterator[str]:
    for k, output in enumerate(program.outputs):
        since = step - program.population[output.population].start
        if since >= 0 and program.interval and since % program.interval == 0:
            read = program.shown(output, sent[output.population].membrane.T).ravel()
            yield f"o {k} {len(read)} {' '.join(map(str, read))}"


def _pairs(keys: Ints, values: Ints) -> str:
    return " ".join(map(str, [len(keys), *np.stack([keys, values], axis=1).ravel()]))


def checksum(values: Ints) -> int:
    """Return the checksum of integers, in order, 0..2^64 - 1."""
    weights = np.full(len(values), PRIME, dtype=np.uint64)
    weights[:1] = 1
    with np.errstate(over="ignore"):
        powers = np.multiply.accumulate(weights)[::-1]
        return int((np.asarray(values).astype(np.uint64) * powers).sum(dtype=np.uint64))


def escaped(text: str) -> str:
    """Return a name as one ASCII token that no language takes for anything but letters; ``-`` if it is empty."""
    quoted = quote(text, safe="_.:/-", errors="replace").replace("~", "%7E")  # which quote takes for a letter
    return quoted[:LONGEST] or "-"


def layer(population: Population) -> str:
    """Return the name of the user's layer that a population comes from, escaped."""
    return layer_of(population.loc)


def layer_of(loc: Loc) -> str:
    """Return the name of a layer in the user's model, escaped; ``-`` where none is known."""
    return "-" if loc == Loc() else escaped(loc.module or loc.name)
