"""One neuron stepped in plain Python, mutants of neuron programs, and whether a program keeps its law: by trying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from hypothesis import strategies as st

from snncc.compiler.coding import Coding, Levels, train
from snncc.compiler.neuron import Instruction, NeuronProgram, problems
from tests.compiler.coding.scalar import MEANING

SWAPS = {
    "ge": ["gt", "lt", "eq"],
    "gt": ["ge", "lt", "eq"],
    "lt": ["ge", "gt"],
    "eq": ["ge", "lt"],
    "add": ["sub", "max"],
    "sub": ["add", "min"],
    "min": ["max"],
    "max": ["min", "add"],
    "shl": ["mul", "shr"],
    "shr": ["shl"],
    "mul": ["add"],
}


def step(
    neuron: NeuronProgram, params: Mapping[str, int], states: Mapping[str, int], phase: int, heard: Mapping[str, int]
) -> tuple[dict[str, int], int, list[int]]:
    """Return the states after a step, the payload sent, and what every line gave."""
    values = {**params, **states, "phase": phase, **{f"in.{p}": heard.get(p, 0) for p in neuron.ports}}
    lines, sent = [], 0
    for line in neuron.code:
        args = [values[a] if isinstance(a, str) else a for a in line.args]
        if line.op == "emit":
            sent = args[0]
            lines.append(sent)
            continue
        values[line.target] = MEANING[line.op](*args)
        lines.append(values[line.target])
    return {s.name: values[s.name] for s in neuron.states}, sent, lines


def initial(neuron: NeuronProgram) -> dict[str, int]:
    return {s.name: s.initial for s in neuron.states}


def level_of(charge: int, theta: int, levels: Levels) -> int:
    return min(max(charge // theta, levels.lo), levels.hi)


def keeps_law(
    neuron: NeuronProgram,
    params: Mapping[str, int],
    coding: Coding,
    levels: Levels,
    theta: int,
    charges: Iterable[int],
    start: int,
    interval: int,
) -> bool:
    """Return whether a neuron with one port ``add`` sends E(level) for every charge, offset included, and no more.

    The charges come one after the other, so every window begins with what the last one left.
    """
    states = initial(neuron)
    offset = params.get("offset", 0)
    try:
        for phase in range(-start, 0):
            states, sent, _ = step(neuron, params, states, phase, {})
            if sent:
                return False
        for charge in charges:
            wanted = [int(s) for s in train(coding, [level_of(charge, theta, levels)], levels)[:, 0]]
            for phase in range(interval):
                states, sent, _ = step(neuron, params, states, phase, {"add": charge - offset} if phase == 0 else {})
                if sent != (wanted[phase] if phase < len(wanted) else 0):
                    return False
    except ValueError:  # a negative shift
        return False
    return True


@st.composite
def mutants(draw: st.DrawFn, neuron: NeuronProgram, skip: int = 0) -> NeuronProgram:
    """Return the program with one line changed: another operation, another argument, another order, or none of it."""
    for _ in range(20):
        number = draw(st.integers(skip, len(neuron.code) - 1))
        line = neuron.code[number]
        changed = draw(st.sampled_from([*_changes(neuron, line)] or [line]))
        code = (*neuron.code[:number], changed, *neuron.code[number + 1 :])
        mutant = replace(neuron, code=code)
        if changed != line and not [*problems(mutant)]:
            return mutant
    return neuron


def _changes(neuron: NeuronProgram, line: Instruction) -> Iterator[Instruction]:
    for op in SWAPS.get(line.op, []):
        yield replace(line, op=op)
    for place, arg in enumerate(line.args):
        others: list[str | int] = [arg - 1, arg + 1] if isinstance(arg, int) else [0, 1, *neuron.params, "phase"]
        for other in others:
            yield replace(line, args=(*line.args[:place], other, *line.args[place + 1 :]))
    if len(line.args) > 1:
        yield replace(line, args=(*line.args[:-2], line.args[-1], line.args[-2]))
        yield Instruction(line.target, "copy", line.args[-1:])
