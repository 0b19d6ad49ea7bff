"""A toy backend of snncc: a program becomes one file of plain Python that needs nothing else."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from snncc.backends.artifact import broken, read_manifest
from snncc.backends.base import Backend
from snncc.backends.process import run_limited
from snncc.compiler.bounds import WORD, arrival_bounds, instruction_bounds
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.neuron import NeuronProgram
from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, Population, Program
from snncc.compiler.trace import Feed, Sent, Trace

# Each operation in Python. A payload is assigned like any result: the last one of a step counts.
SPELLED = {
    "copy": "{}",
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "shl": "{} << {}",
    "shr": "{} >> {}",
    "min": "min({}, {})",
    "max": "max({}, {})",
    "clip": "min(max({}, {}), {})",
    "ge": "int({} >= {})",
    "gt": "int({} > {})",
    "eq": "int({} == {})",
    "lt": "int({} < {})",
    "select": "{1} if {0} else {2}",
    "emit": "{}",
}


def neuron_function(number: int, neuron: NeuronProgram) -> Iterator[str]:
    """Yield a function of one neuron in one step: (phase, states, parameters, arrivals) -> (payload, states)."""
    states = [s.name for s in neuron.states]
    given = [*states, *neuron.params, *(f"in.{port}" for port in neuron.ports)]
    register = {"": "payload", "phase": "phase"}
    for name in (*given, *(line.target for line in neuron.code)):
        register.setdefault(name, f"r{len(register)}")
    yield f"def p{number}({', '.join(['phase', *(register[name] for name in given)])}):"
    yield "    payload = 0"
    for line in neuron.code:
        args = (register[arg] if isinstance(arg, str) else f"({arg})" for arg in line.args)
        yield f"    {register[line.target]} = {SPELLED[line.op].format(*args)}"
    yield f"    return payload, [{', '.join(register[name] for name in states)}]"


def population_entry(number: int, population: Population) -> str:
    """Return the line (function, start, in-ports, place of the membrane, initial states, parameters by neuron)."""
    neuron = population.neuron
    columns = [np.broadcast_to(population.params[name], population.shape).ravel() for name in neuron.params]
    params = [[int(column[i]) for column in columns] for i in range(population.size)]
    membrane = [s.name for s in neuron.states].index(neuron.membrane)
    facts = population.start, len(neuron.ports), membrane, [s.initial for s in neuron.states], params
    return f"    (p{number}, {', '.join(map(str, facts))}),"


def synapse_list(connection: Connection) -> list[list[int]]:
    """Return [source neuron, target neuron, weight] of every synapse."""
    synapses = connection.synapses
    if isinstance(synapses, ConvSynapses):
        found = [*_taps(synapses)]
    elif isinstance(synapses, DenseSynapses):
        found = [[j, i, int(synapses.weight[i, j])] for i, j in np.argwhere(synapses.weight).tolist()]
    else:
        found = np.stack([synapses.source, synapses.target, synapses.weight], axis=1).tolist()
    if connection.gather is not None:
        found = [[int(connection.gather[j]), i, w] for j, i, w in found if connection.gather[j] != SILENCE]
    return found


def _taps(conv: ConvSynapses) -> Iterator[list[int]]:
    """Yield [input, output, weight] wherever a tap of the kernel meets the input; both are counted row-major."""
    inputs, outputs = (np.arange(np.prod(shape)).reshape(shape) for shape in (conv.in_shape, conv.out_shape))
    rank, deep, outs = len(conv.strides), conv.weight.shape[1], conv.weight.shape[0] // conv.groups
    for out, channel, *tap in np.ndindex(*conv.weight.shape):
        for place in np.ndindex(*conv.out_shape[1:]):
            at = [place[a] * conv.strides[a] + tap[a] * conv.dilations[a] - conv.pads[a] for a in range(rank)]
            if all(0 <= at[a] < conv.in_shape[1 + a] for a in range(rank)):
                source, target, weight = (out // outs * deep + channel, *at), (out, *place), (out, channel, *tap)
                yield [int(inputs[source]), int(outputs[target]), int(conv.weight[weight])]


HEAD = '''\
"""A spiking program. `python program.py` compares it with golden.txt; `python program.py FEED.json` runs a feed."""
import json
import sys
from pathlib import Path
'''
TAIL = '''\
PRIME = 1099511628211


def run(steps, arrivals):
    """Yield, for every step, the membranes and the payloads of every population."""
    states = [[initial] * len(params) for _, _, _, _, initial, params in POPULATIONS]
    mail = {}  # (step, population, in-port, neuron): charge
    for step, number, neuron, value in arrivals:
        place = (step, *INPUTS[number], neuron)
        mail[place] = mail.get(place, 0) + value
    for now in range(steps):
        did = []
        for k, (neuron, start, ports, membrane, _, params) in enumerate(POPULATIONS):
            phase = now - start if now < start or not INTERVAL else (now - start) % INTERVAL
            payloads = []
            for i, own in enumerate(params):
                heard = [mail.pop((now, k, port, i), 0) for port in range(ports)]
                payload, states[k][i] = neuron(phase, *states[k][i], *own, *heard)
                payloads.append(payload)
            did.append(([values[membrane] for values in states[k]], payloads))
        for source, target, port, delay, synapses in CONNECTIONS:
            for j, i, weight in synapses:
                if did[source][1][j]:
                    place = (now + delay, target, port, i)
                    mail[place] = mail.get(place, 0) + weight * did[source][1][j]
        yield did


def golden_line(k, membranes, payloads):
    """Return what golden.txt says of a population in a step."""
    checksum = 0
    for value in membranes:
        checksum = (checksum * PRIME + value) % 2**64
    spikes = [(i, payload) for i, payload in enumerate(payloads) if payload]
    return " ".join(map(str, ["p", k, checksum, len(spikes), *(number for spike in spikes for number in spike)]))


def self_test(lines):
    """Return how many steps are as golden.txt has them; stop with a message at the first that is not."""
    arrivals, expected = [], []
    for kind, *numbers in map(str.split, lines):
        if kind == "t":
            expected.append([])
        elif kind == "p":
            expected[-1].append(" ".join([kind, *numbers]))
        elif kind == "i":
            number, _, *pairs = map(int, numbers)
            arrivals += [(len(expected) - 1, number, *pair) for pair in zip(pairs[::2], pairs[1::2])]
    for step, did in enumerate(run(len(expected), arrivals)):
        for k, line in enumerate(expected[step]):
            if golden_line(k, *did[k]) != line:
                sys.exit(f"step {step}, population {k}: {golden_line(k, *did[k])} and not {line}")
    return len(expected)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for did in run(*json.loads(Path(sys.argv[1]).read_text())):
            print(json.dumps(did))
    else:
        steps = self_test(Path(__file__).with_name("golden.txt").read_text().splitlines())
        print(f"{steps} steps are as golden.txt has them")
'''
README = """\
# A spiking program in plain Python

`python program.py` runs the golden vectors of golden.txt and says whether every spike and membrane is as it stands
there. manifest.json tells which population of the program is which layer of the model.
"""


def program_text(program: Program) -> Iterator[str]:
    """Yield program.py in pieces."""
    number = {p.name: k for k, p in enumerate(program.populations)}
    ports = {p.name: p.neuron.ports for p in program.populations}
    yield HEAD
    for population in program.populations:
        yield "\n".join(neuron_function(number[population.name], population.neuron)) + "\n"
    yield f"INTERVAL = {program.interval}"
    yield f"INPUTS = {[(number[i.population], ports[i.population].index(i.port)) for i in program.inputs]}"
    yield "POPULATIONS = ["
    yield from (population_entry(number[p.name], p) for p in program.populations)
    yield "]\nCONNECTIONS = ["
    for wire in program.connections:
        ends = number[wire.source], number[wire.target], ports[wire.target].index(wire.port)
        yield f"    ({', '.join(map(str, [*ends, wire.delay, synapse_list(wire)]))}),"
    yield "]"
    yield TAIL


class ToyBackend(Backend):
    """Plain Python, slow and easy to read."""

    name: ClassVar[str] = "toy"
    about: ClassVar[str] = "one file of plain Python, to read"

    def check(self, program: Program) -> list[Diagnostic]:
        """Return where 64 bits may be too few, for Python's integers do not wrap."""
        arriving, problems = arrival_bounds(program), []
        for p in program.populations:
            heard = [arriving[p.name, port] for port in p.neuron.ports]
            if any(low < WORD[0] or high > WORD[1] for low, high in heard):
                message = f"what arrives at population {p.name} may leave 64 bits"
                problems.append(Diagnostic("SNN611", message, p.loc, "use smaller weights"))
            if WORD in instruction_bounds(program, p):
                message = f"a result in population {p.name} may leave 64 bits"
                problems.append(Diagnostic("SNN610", message, p.loc, "narrow its states"))
        return problems

    def emit(self, program: Program, folder: Path) -> Mapping[str, Any]:
        """Write program.py and README.md."""
        for name, text in {"program.py": "\n".join(program_text(program)), "README.md": README}.items():
            (folder / name).write_text(text, encoding="ascii", newline="\n")
        return {"self_test": "python program.py"}

    def run(self, artifact: Path, feed: Feed) -> Trace:
        """Run program.py on a feed; what a run has printed is its trace."""
        manifest = read_manifest(artifact)
        number = {entry["name"]: k for k, entry in enumerate(manifest["inputs"])}
        columns = {number[name]: (a.step, a.neuron, a.value) for name, a in feed.arrivals.items()}
        arrivals = [
            [step, k, neuron, value]
            for k, column in columns.items()
            for step, neuron, value in np.stack(column, axis=1).tolist()
        ]
        with tempfile.TemporaryDirectory(prefix="snncc-toy-") as folder:
            fed = Path(folder, "feed.json")
            fed.write_text(json.dumps([feed.steps, arrivals]), encoding="ascii")
            command = [sys.executable, "-I", str(artifact / "program.py"), str(fed)]
            printed = run_limited(command, "the emitted program", 600).splitlines()
        if len(printed) != feed.steps:
            raise broken(artifact, f"program.py ran {len(printed)} of {feed.steps} steps")
        names = [entry["name"] for entry in manifest["populations"]]
        for line in printed:
            told = zip(names, json.loads(line), strict=True)
            yield {name: Sent(_column(payloads), _column(membranes)) for name, (membranes, payloads) in told}


def _column(values: list[int]) -> Any:
    return np.array(values, dtype=np.int64).reshape(-1, 1)
