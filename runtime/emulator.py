"""The reference emulator: steps neuron programs, one timestep after the other, and nothing else.

It is the living definition of a Program. It knows no coding and no integer network: spikes come from running the neuron
programs on what arrived. State is carried from sample to sample; a batch is a number of independent streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.program import EventInput, Population, Program, TensorInput
from snncc.compiler.trace import Event, Feed, Sent
from snncc.runtime.deliver import Wire
from snncc.runtime.neurons import Neurons

Ints = npt.NDArray[np.int64]


class Emulator:
    """Runs a program step by step.

    Attributes:
        program: what is run.
        streams: number of independent copies stepped together.
        now: the step that ``step`` runs next.
    """

    def __init__(self, program: Program, streams: int = 1) -> None:
        """Put every state to its initial value and every wire to silence."""
        self.program, self.streams, self.now = program, streams, 0
        self._running = {p.name: Neurons(p, streams) for p in program.populations}
        sizes = {p.name: p.size for p in program.populations}
        self._wires = [Wire(c, sizes[c.source], sizes[c.target]) for c in program.connections]
        self.fan_out: dict[str, Ints] = {p.name: np.zeros(p.size, dtype=np.int64) for p in program.populations}
        for wire in self._wires:
            self.fan_out[wire.connection.source] = self.fan_out[wire.connection.source] + wire.fan_out
        longest = max((w.connection.delay for w in self._wires), default=1)
        self._arriving: list[dict[tuple[str, str], Ints]] = [{} for _ in range(longest + 1)]

    def inject(self, population: str, port: str, charge: Ints) -> None:
        """Let a charge [neurons, streams] arrive at a port in the step that runs next."""
        self._deliver(0, population, port, charge)

    def step(self) -> dict[str, Sent]:
        """Run one step of every population; return what each did."""
        arrivals = self._arriving[self.now % len(self._arriving)]
        ports: dict[str, dict[str, Ints]] = {}
        for (name, port), charge in arrivals.items():
            ports.setdefault(name, {})[port] = charge
        arrivals.clear()
        sent = {}
        for name, running in self._running.items():
            sent[name] = running.step(ports.get(name, {}), self.phase(running.population))
        for wire in self._wires:
            connection = wire.connection
            if self._running[connection.source].fired:
                charge = wire.deliver(sent[connection.source].spikes)
                self._deliver(connection.delay, connection.target, connection.port, charge)
        self.now += 1
        return sent

    def phase(self, population: Population, step: int | None = None) -> int:
        """Return step - start before the first window, then (step - start) mod interval."""
        since = (self.now if step is None else step) - population.start
        if since < 0 or not self.program.interval:
            return since
        return since % self.program.interval

    def _deliver(self, delay: int, population: str, port: str, charge: Ints) -> None:
        arriving = self._arriving[(self.now + delay) % len(self._arriving)]
        key = (population, port)
        arriving[key] = arriving[key] + charge if key in arriving else charge


def run_levels(emulator: Emulator, levels: Mapping[str, Ints], samples: int) -> Iterator[dict[str, Sent]]:
    """Feed samples back to back, one every interval, and yield every step until the last output has been read.

    Args:
        emulator: at step 0.
        levels: for each tensor input, integer levels [samples, streams, *shape].
        samples: number of samples in each stream.
    """
    program = emulator.program
    tensors = [i for i in program.inputs if isinstance(i, TensorInput)]
    populations = program.population
    for now in range(program.latency + (samples - 1) * program.interval + 1):
        for tensor in tensors:
            sample, late = divmod(now - populations[tensor.population].start, program.interval)
            if late == 0 and 0 <= sample < samples:
                batch = levels[tensor.name][sample].reshape(emulator.streams, -1)
                emulator.inject(tensor.population, tensor.port, np.ascontiguousarray(batch.T, dtype=np.int64))
        yield emulator.step()


def run_feed(emulator: Emulator, feed: Feed) -> Iterator[dict[str, Sent]]:
    """Run a feed from step 0 on every stream and yield every step."""
    program = emulator.program
    sizes = {population.name: population.size for population in program.populations}
    inputs = [i for i in program.inputs if i.name in feed.arrivals]
    fed = [feed.arrivals[i.name].by_step(feed.steps) for i in inputs]
    for _ in range(feed.steps):
        for source, arriving in zip(inputs, fed, strict=True):
            neurons, values = next(arriving)
            if len(neurons):
                charge = np.zeros((sizes[source.population], emulator.streams), dtype=np.int64)
                charge[neurons] = values[:, None]
                emulator.inject(source.population, source.port, charge)
        yield emulator.step()


def run_events(emulator: Emulator, events: Mapping[str, Iterable[Event]], steps: int) -> Iterator[dict[str, Sent]]:
    """Feed events to every stream and yield each of the next steps.

    Args:
        emulator: at any step; steps of events are counted from its step 0.
        events: for each event input, events (step, neuron, payload) in any order; those that meet add up.
        steps: how many steps to run.

    Raises:
        SnnccError: SNN320 for every event that names no input, step of this run or neuron; before anything is run.
    """
    inputs = {i.name: i for i in emulator.program.inputs if isinstance(i, EventInput)}
    given = [(name, event) for name, stream in events.items() for event in stream]
    problems = [f"the program has no event input {name}" for name in events if name not in inputs]
    for name, event in given:
        if name in inputs and (why := _misfit(event, emulator, inputs[name], steps)):
            problems.append(f"event {event} of {name} {why}")
    if problems:
        raise SnnccError(Diagnostic("SNN320", problem) for problem in problems)
    by_step: dict[int, list[tuple[str, Event]]] = {}
    for name, event in given:
        by_step.setdefault(event[0], []).append((name, event))
    return _run_events(emulator, inputs, by_step, steps)


def _run_events(
    emulator: Emulator, inputs: Mapping[str, EventInput], by_step: Mapping[int, list[tuple[str, Event]]], steps: int
) -> Iterator[dict[str, Sent]]:
    sizes = {population.name: population.size for population in emulator.program.populations}
    for _ in range(steps):
        now = by_step.get(emulator.now, [])
        charges = {name: np.zeros((sizes[inputs[name].population], 1), dtype=np.int64) for name, _ in now}
        for name, (_, neuron, payload) in now:
            charges[name][neuron] += payload
        for name, charge in charges.items():
            every_stream = np.repeat(charge, emulator.streams, axis=1)
            emulator.inject(inputs[name].population, inputs[name].port, every_stream)
        yield emulator.step()


def _misfit(event: Event, emulator: Emulator, source: EventInput, steps: int) -> str:
    """Return why an event cannot be fed, empty if it can."""
    if len(event) != 3 or not all(isinstance(number, (int, np.integer)) for number in event):
        return "is not three integers: step, neuron, payload"
    step, neuron, payload = event
    size = emulator.program.population[source.population].size
    if not emulator.now <= step < emulator.now + steps:
        return f"is outside the steps {emulator.now}..{emulator.now + steps - 1} of this run"
    if not 0 <= neuron < size:
        return f"names no neuron of {source.population}, which has 0..{size - 1}"
    if not -(2**31) <= payload < 2**31:
        return "has a payload of more than 32 bits"
    return ""
