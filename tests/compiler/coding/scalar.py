"""One neuron, run in plain Python: what the tests hold neuron programs against, independent of the emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from snncc.compiler.neuron import NeuronProgram, Operand

MEANING: dict[str, Callable[..., int]] = {
    "copy": lambda a: a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "shl": lambda a, b: a << b,
    "shr": lambda a, b: a >> b,
    "min": min,
    "max": max,
    "clip": lambda x, low, high: min(max(x, low), high),
    "ge": lambda a, b: int(a >= b),
    "gt": lambda a, b: int(a > b),
    "eq": lambda a, b: int(a == b),
    "lt": lambda a, b: int(a < b),
    "select": lambda condition, then, other: then if condition else other,
}

Step = tuple[int, Mapping[str, int]]  # phase, what arrives at each port


def run(neuron: NeuronProgram, params: Mapping[str, int], steps: Iterable[Step]) -> tuple[list[int], list[int]]:
    """Return the payload sent in each step, and the membrane after it.

    Raises:
        AssertionError: a state left its register.
    """
    states = {state.name: state.initial for state in neuron.states}
    sent, membranes = [], []
    for phase, arrivals in steps:
        values = {**params, **states, "phase": phase, **{f"in.{p}": arrivals.get(p, 0) for p in neuron.ports}}
        payload = 0
        for line in neuron.code:
            args = [_value(arg, values) for arg in line.args]
            if line.op == "emit":
                payload = args[0]
            else:
                values[line.target] = MEANING[line.op](*args)
        states = {name: values[name] for name in states}
        for state in neuron.states:
            assert -(1 << (state.bits - 1)) <= states[state.name] < 1 << (state.bits - 1), state
        sent.append(payload)
        membranes.append(states[neuron.membrane])
    return sent, membranes


def _value(arg: Operand, values: Mapping[str, int]) -> int:
    return values[arg] if isinstance(arg, str) else arg
