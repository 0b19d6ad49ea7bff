"""A neuron program as single assignments: what is computed once a step, with bounds, and without what nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from snncc.backends.c.arrays import bounds_of, limits, within
from snncc.backends.c.loops import with_loops
from snncc.backends.c.values import Assignment, Loop, Value
from snncc.compiler.bounds import Bounds, instruction_bounds
from snncc.compiler.neuron import Instruction, Operand
from snncc.compiler.program import Population, Program

INT32 = limits("int32_t")
COMPARISONS = ("ge", "gt", "eq", "lt")


@dataclass(frozen=True)
class Flow:
    """What the neurons of a population compute in a step.

    Attributes:
        code: assignments in order, each to a variable of its own, all of them needed.
        read: variables that are not computed: states ``s<k>``, parameters ``a<k>``, arrivals ``x<k>``, ``phase``.
        states: value of each state after the step.
        emitted: the payload, None if the program never emits one.
        word: the type in which everything is computed: ``int32_t`` where no value can leave it, else ``int64_t``.
    """

    code: tuple[Assignment | Loop, ...]
    read: Mapping[str, Value]
    states: tuple[Value, ...]
    emitted: Value | None
    word: str


def flow_of(program: Program, population: Population, arrivals: Mapping[str, Bounds]) -> Flow:
    """Return the flow of a population's neuron program.

    Args:
        program: the program.
        population: one of its populations.
        arrivals: bounds of what arrives at each of its in-ports in a step.
    """
    neuron = population.neuron
    values = _sources(program, population, arrivals)
    sources = dict(values)
    code: list[Assignment] = []
    emitted: Value | None = None
    for line, bounds in zip(neuron.code, instruction_bounds(program, population), strict=True):
        args = tuple(_operand(arg, values) for arg in line.args)
        result = _simplified(line, args)
        if result is None:
            result = Value(f"t{len(code)}", bounds)
            code.append(Assignment(result, line.op, args))
        if line.op == "emit":
            emitted = result
        else:
            values[line.target] = result
    if emitted is not None and emitted.constant == 0:
        emitted = None
    states = tuple(values[s.name] for s in neuron.states)
    kept = _needed(code, [*states, *([emitted] if emitted else [])])
    ends = {value.text for k, value in enumerate(states) if value.text != f"s{k}"}
    ends |= {emitted.text} if emitted else set()
    looped = with_loops(kept, ends)
    used = ends.union(*(line.read for line in looped))
    read = {value.text: value for value in sources.values() if value.text in used}
    given = [value for value in sources.values() if value.text in ends.union(*(line.read for line in kept))]
    fits = _fits(kept, given, states, emitted) and all(s.bits <= 32 for s in neuron.states)
    return Flow(looped, read, states, emitted, "int32_t" if fits else "int64_t")


def _sources(program: Program, population: Population, arrivals: Mapping[str, Bounds]) -> dict[str, Value]:
    """Return what a neuron program reads at the beginning of a step, by its name there."""
    neuron = population.neuron
    last = program.interval - 1 if program.interval else (1 << 63) - 1
    values = {"phase": Value("phase", (-population.start, last))}
    for k, name in enumerate(neuron.params):
        values[name] = Value(f"a{k}", bounds_of(np.asarray(population.params[name])))
    for k, state in enumerate(neuron.states):
        values[state.name] = Value(f"s{k}", (-(1 << (state.bits - 1)), (1 << (state.bits - 1)) - 1))
    for k, port in enumerate(neuron.ports):
        bounds = arrivals[port]
        values[f"in.{port}"] = Value("", (0, 0)) if bounds == (0, 0) else Value(f"x{k}", bounds)
    return values


def _operand(arg: Operand, values: Mapping[str, Value]) -> Value:
    return values[arg] if isinstance(arg, str) else Value("", (arg, arg))


def _simplified(line: Instruction, args: tuple[Value, ...]) -> Value | None:
    """Return an instruction's result if it needs no computing: copies, constants, a value compared with itself.

    C compilers warn of comparisons whose result is known, so these must not be written out.
    """
    if line.op in ("copy", "emit"):
        return args[0]
    constants = [arg.constant for arg in args]
    if line.op == "select" and constants[0] is not None:
        return args[1] if constants[0] else args[2]
    if line.op in COMPARISONS and args[0] == args[1]:
        truth = int(line.op in ("ge", "eq"))
        return Value("", (truth, truth))
    known = [c for c in constants if c is not None]
    if len(known) < len(args):
        return None
    result = _wrapped(FOLD[line.op](*known))
    return Value("", (result, result))


def _wrapped(value: int) -> int:
    """Return a value in 64-bit two's complement."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def _shifted_left(a: int, n: int) -> int:
    return a << n if 0 <= n < 64 else 0


def _shifted_right(a: int, n: int) -> int:
    return a >> (n if 0 <= n < 64 else 64)


FOLD: dict[str, Callable[..., int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "shl": _shifted_left,
    "shr": _shifted_right,
    "min": min,
    "max": max,
    "clip": lambda x, lo, hi: min(max(x, lo), hi),
    "ge": lambda a, b: int(a >= b),
    "gt": lambda a, b: int(a > b),
    "eq": lambda a, b: int(a == b),
    "lt": lambda a, b: int(a < b),
    "select": lambda c, a, b: a if c else b,
}


def _needed(code: list[Assignment], roots: list[Value]) -> tuple[Assignment, ...]:
    """Return the assignments that the roots depend on, in order."""
    needed = {value.text for value in roots}
    kept = []
    for line in reversed(code):
        if line.value.text in needed:
            needed |= {arg.text for arg in line.args}
            kept.append(line)
    return tuple(reversed(kept))


def _fits(code: tuple[Assignment, ...], given: list[Value], states: tuple[Value, ...], emitted: Value | None) -> bool:
    """Return whether every value stays in 32 bits and every shift is one that 32-bit words have."""
    values = [*given, *states, *([emitted] if emitted else [])]
    values += [value for line in code for value in (line.value, *line.args)]
    shifts = [line.args[1].bounds for line in code if line.op in ("shl", "shr")]
    return all(within(v.bounds, INT32) for v in values) and all(within(s, (0, 31)) for s in shifts)
