"""A case of the conformance kit, and short ways to write one down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import (
    Connection,
    DenseSynapses,
    EventInput,
    Output,
    Population,
    Program,
    SparseSynapses,
    Synapses,
    TensorInput,
)
from snncc.compiler.trace import Arrivals, Event, Feed, feed_levels

Ints = npt.NDArray[np.int64]
FILE = "conformance"  # where the objects of the kit come from, for their diagnostics
ONE = Fraction(1)
# Sends on what it hears, in the same step.
ECHO = "port x\nstate v:24\nv = copy in.x\nemit v"


@dataclass(frozen=True, eq=False)
class Case:
    """A tiny program and what is fed to it.

    Attributes:
        name: unique in the kit; letters, digits and ``-``.
        about: what a backend may get wrong here, in a few words.
        program: keeps every rule of ``check_program``.
        feed: what reaches it, and for how many steps.
    """

    name: str
    about: str
    program: Program
    feed: Feed


def spread(low: int, high: int, *shape: int, seed: int = 0) -> Ints:
    """Return integers low..high, int64 of a shape, that look like chance and are the same everywhere."""
    number = np.arange(1, prod(shape) + 1, dtype=np.uint64) + np.uint64(1009 * seed)
    number = (number ^ (number >> np.uint64(3))) * np.uint64(0x9E3779B97F4A7C15)  # Knuth's multiplicative hash
    kept = (number >> np.uint64(33)) % np.uint64(high - low + 1)
    return kept.astype(np.int64).reshape(shape) + low


def cells(
    name: str,
    shape: tuple[int, ...],
    code: str,
    params: Mapping[str, npt.ArrayLike] | None = None,
    *,
    bits: int = 24,
    start: int = 0,
    window: int = 1,
) -> Population:
    """Return a population of hand-written neurons, whose payloads are signed.

    Args:
        name: of the population.
        shape: its neurons.
        code: assembly of a neuron program.
        params: values of its parameters.
        bits: width of a payload.
        start: first step of the first window.
        window: steps of a window.
    """
    values = {key: np.asarray(value, dtype=np.int64) for key, value in (params or {}).items()}
    return Population(name, shape, parse_neuron(code), values, start, window, bits, True, None, Loc(FILE, name))


def wire(
    source: Population,
    target: Population,
    weight: npt.ArrayLike | Synapses,
    port: str = "x",
    delay: int = 1,
    gather: Sequence[int] | None = None,
) -> Connection:
    """Return a connection; an array [targets, sources] stands for dense synapses."""
    name = f"{source.name}.{target.name}.{port}.{delay}"
    synapses = DenseSynapses(np.asarray(weight, dtype=np.int64)) if not isinstance(weight, Synapses) else weight
    picked = None if gather is None else np.array(gather, dtype=np.int64)
    return Connection(name, source.name, target.name, port, synapses, delay, picked, Loc(FILE, name))


def sparse(*synapses: tuple[int, int, int]) -> SparseSynapses:
    """Return synapses from (source, target, weight) each."""
    table = np.array(synapses, dtype=np.int64).reshape(-1, 3)
    return SparseSynapses(*(column.copy() for column in table.T))


def tensor(population: Population, lo: int, hi: int, port: str = "x", name: str = "") -> TensorInput:
    """Return a tensor input of levels lo..hi."""
    return TensorInput(name or f"in.{population.name}.{port}", population.name, port, population.shape, lo, hi, ONE)


def events(population: Population, port: str = "x", name: str = "") -> EventInput:
    """Return an event input."""
    return EventInput(name or f"in.{population.name}.{port}", population.name, port)


def on_samples(
    name: str,
    about: str,
    populations: Sequence[Population],
    connections: Sequence[Connection],
    fed: Sequence[tuple[TensorInput, npt.ArrayLike]],
    *,
    interval: int = 1,
    outputs: Sequence[Population] = (),
) -> Case:
    """Return a case that is fed samples back to back, an array [samples, ...] for each tensor input.

    Without ``outputs`` the last population is read, so that the run lasts until its last sample.
    """
    read = tuple(Output(f"out.{p.name}", p.name, ONE) for p in outputs or populations[-1:])
    inputs = tuple(source for source, _ in fed)
    program = Program(name.replace("-", "_"), "any", interval, tuple(populations), tuple(connections), inputs, read)
    levels = {source.name: np.asarray(array, dtype=np.int64) for source, array in fed}
    return Case(name, about, program, feed_levels(program, levels))


def on_events(
    name: str,
    about: str,
    populations: Sequence[Population],
    connections: Sequence[Connection],
    fed: Sequence[tuple[EventInput, Sequence[Event]]],
    *,
    steps: int,
    interval: int = 0,
) -> Case:
    """Return a case that is fed events (step, neuron, payload) in so many steps; free-running by default."""
    inputs = tuple(source for source, _ in fed)
    program = Program(name.replace("-", "_"), "any", interval, tuple(populations), tuple(connections), inputs)
    return Case(name, about, program, Feed(steps, {source.name: Arrivals.of(given) for source, given in fed}))


def rain(neurons: int, low: int, high: int, steps: int, seed: int = 0) -> list[Event]:
    """Return one event a step and neuron, payloads low..high, none where that is 0."""
    payloads = spread(low, high, steps, neurons, seed=seed)
    return [(int(step), int(neuron), int(payloads[step, neuron])) for step, neuron in np.argwhere(payloads)]
