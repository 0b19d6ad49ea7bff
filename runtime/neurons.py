"""The neurons of a population: their states, and how they run their program in a step.

A step is a pure function of the states, of what arrives and of what the phase tells the neurons. So where nothing
arrives, no state moves and the phase tells nothing new, a step is the step before it again, and is not computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from snncc.compiler.neuron import NeuronProgram, Operand
from snncc.compiler.program import Population
from snncc.compiler.trace import Sent

Ints = npt.NDArray[np.int64]
MOST_PHASES = 1 << 16  # phases of which is kept what they tell


def _number(value: Ints) -> Ints:
    """Return a comparison's result as 1 and 0."""
    return value.astype(np.int64) if value.dtype == np.bool_ else value


def _on_numbers(op: Callable[..., Ints]) -> Callable[..., Ints]:
    return lambda *args: op(*map(_number, args))


def _select(condition: Ints, then: Ints, other: Ints) -> Ints:
    if condition.ndim == 0:  # of the phase alone
        return then if condition else other
    chosen: Ints = np.where(condition, then, other)
    return chosen


# What an operation computes. Comparisons give booleans, which become 1 and 0 where an operation needs a number; select,
# which follows most of them, does not.
RUN: dict[str, Callable[..., Ints]] = {
    "copy": lambda a: a,
    "add": _on_numbers(np.add),
    "sub": _on_numbers(np.subtract),
    "mul": _on_numbers(np.multiply),
    "shl": _on_numbers(np.left_shift),
    "shr": _on_numbers(np.right_shift),
    "min": _on_numbers(np.minimum),
    "max": _on_numbers(np.maximum),
    "clip": _on_numbers(lambda x, lo, hi: np.minimum(np.maximum(x, lo), hi)),
    "ge": _on_numbers(np.greater_equal),
    "gt": _on_numbers(np.greater),
    "eq": _on_numbers(np.equal),
    "lt": _on_numbers(np.less),
    "select": _select,
}


class StateOverflow(ArithmeticError):  # noqa: N818  named for what happened
    """A state or payload left the width it was declared with.

    Attributes:
        population: name of the population.
        neuron: the first neuron it happened to, index in row-major order.
        stream: stream of that neuron.
    """

    def __init__(self, message: str, population: str, neuron: int, stream: int) -> None:
        """Keep the place beside the message."""
        super().__init__(message)
        self.population, self.neuron, self.stream = population, neuron, stream


class Neurons:
    """A population with its states, [neurons, streams] each.

    Attributes:
        population: what they are.
        states: int64 [neurons, streams] by name of the register.
        fired: whether any of them sent a spike in the last step.
    """

    def __init__(self, population: Population, streams: int) -> None:
        """Put every state to its initial value."""
        self.population = population
        self.neuron: NeuronProgram = population.neuron
        shape = (population.size, streams)
        self.params = {name: _column(value, population.shape) for name, value in population.params.items()}
        self.states = {s.name: np.full(shape, s.initial, dtype=np.int64) for s in self.neuron.states}
        self.silent = np.zeros(shape, dtype=np.int64)
        self.fired = False
        self._told = lru_cache(MOST_PHASES)(partial(told, self.neuron))
        self._last: Sent | None = None
        self._at_rest: tuple[int, ...] | None = None  # what the phase told when a step changed nothing

    def step(self, arrived: Mapping[str, Ints], phase: int) -> Sent:
        """Run the neuron program once; where it would do what it did before, return the same object."""
        now = self._told(phase)
        if self._last is not None and not arrived and now == self._at_rest:
            return self._last
        before = self.states
        self._last = self._run(arrived, phase)
        self.fired = bool(self._last.spikes.any())
        still = not arrived and all(np.array_equal(before[name], array) for name, array in self.states.items())
        self._at_rest = now if still else None
        return self._last

    def _run(self, arrived: Mapping[str, Ints], phase: int) -> Sent:
        values: dict[str, Ints] = {**self.params, **self.states, "phase": np.int64(phase)}
        for port in self.neuron.ports:
            values[f"in.{port}"] = arrived.get(port, self.silent)
        spikes = np.int64(0)
        for line in self.neuron.code:
            args = [value_of(arg, values) for arg in line.args]
            if line.op == "emit":
                spikes = _number(args[0])
            else:
                values[line.target] = RUN[line.op](*args)
        widths = {state.name: state.bits - 1 for state in self.neuron.states}
        self.states = {name: self._fitting(_number(values[name]), name, bits) for name, bits in widths.items()}
        width = self.population.payload_bits - self.population.signed
        sent = self._fitting(spikes, "payload", width, signed=self.population.signed)
        return Sent(sent, self.states[self.neuron.membrane])

    def _fitting(self, value: Ints, name: str, bits: int, signed: bool = True) -> Ints:
        """Return a value for every neuron and stream, once it is known to fit the width."""
        least = -(1 << bits) if signed else 0
        array = np.broadcast_to(value, self.silent.shape)
        if value.size and (value.min() < least or value.max() >= 1 << bits):
            neuron, stream = (int(i) for i in np.argwhere((array < least) | (array >= 1 << bits))[0])
            message = f"{name} of population {self.population.name} left {least}..{(1 << bits) - 1}"
            raise StateOverflow(message, self.population.name, neuron, stream)
        return array


def told(neuron: NeuronProgram, phase: int) -> tuple[int, ...]:
    """Return all that a neuron program makes of a phase alone and goes on to use, in the order of its lines."""
    known: dict[str, Ints] = {"phase": np.int64(phase)}
    used: list[Ints] = []
    for line in neuron.code:
        names = [arg for arg in line.args if isinstance(arg, str)]
        if line.op != "emit" and names and all(name in known for name in names):
            known[line.target] = RUN[line.op](*(value_of(arg, known) for arg in line.args))
        else:
            used += [known[name] for name in names if name in known]
            known.pop(line.target, None)
    used += [known[state.name] for state in neuron.states if state.name in known]
    return tuple(map(int, used))


def _column(value: npt.ArrayLike, shape: tuple[int, ...]) -> Ints:
    array = np.asarray(value, dtype=np.int64)
    if array.size == 1:
        return array.reshape(1, 1)
    return np.broadcast_to(array, shape).reshape(-1, 1)


def value_of(arg: Operand, values: Mapping[str, Ints]) -> Ints:
    """Return what an operand stands for."""
    return values[arg] if isinstance(arg, str) else np.int64(arg)
