"""No number in a program leaves its bounds, and 64 bits are called too few only where they may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.backends.conformance import Case, cases
from snncc.compiler.bounds import (
    EVENT,
    WORD,
    Bounds,
    arrival_bounds,
    connection_bounds,
    instruction_bounds,
    payload_bounds,
)
from snncc.compiler.neuron import OPERATIONS, NeuronProgram, Operand, parse_neuron
from snncc.compiler.program import (
    Connection,
    ConvSynapses,
    DenseSynapses,
    EventInput,
    Population,
    Program,
    SparseSynapses,
    TensorInput,
)
from snncc.compiler.trace import Sent
from snncc.runtime import emulator
from snncc.runtime.matrix import synapse_matrix
from snncc.runtime.neurons import RUN, Neurons, value_of
from tests.strategies_program import neurons, programs

Ints = npt.NDArray[np.int64]

# Each operation on Python's integers, which never wrap.
EXACT: dict[str, Callable[..., int]] = {
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
    "select": lambda c, a, b: a if c else b,
    "emit": lambda a: a,
}


ECHO = parse_neuron("port x\nstate v:16\nv = copy in.x\nemit v")


def test_every_operation_has_bounds() -> None:
    assert set(EXACT) == set(OPERATIONS)


def alone(
    neuron: NeuronProgram, params: Mapping[str, npt.ArrayLike], interval: int, start: int, fed: Bounds
) -> Program:
    """Return a program of one population of two neurons, which gets ``fed`` at every in-port."""
    arrays = {name: np.asarray(value, dtype=np.int64) for name, value in params.items()}
    population = Population("p", (2,), neuron, arrays, start)
    inputs = [TensorInput(f"in{k}", "p", port, (2,), *fed, Fraction(1)) for k, port in enumerate(neuron.ports)]
    return Program("net", "any", interval, (population,), (), tuple(inputs))


@given(neurons(), st.data())
def test_every_result_stays_within_its_bounds(neuron: NeuronProgram, data: st.DataObject) -> None:
    """One step from any states, with any arrivals and phase there can be, on integers that do not wrap."""
    interval, start = data.draw(st.integers(1, 9)), data.draw(st.integers(0, 9))
    fed = data.draw(st.tuples(st.integers(-99, 0), st.integers(1, 99)))
    params = {name: data.draw(st.lists(some, min_size=2, max_size=2)) for name in neuron.params}
    program = alone(neuron, params, interval, start, fed)
    bounds = instruction_bounds(program, program.populations[0])
    assert len(bounds) == len(neuron.code)
    values = {"phase": data.draw(st.integers(-start, interval - 1))}
    values |= {name: data.draw(st.sampled_from(pair)) for name, pair in params.items()}
    values |= {s.name: data.draw(st.integers(-(1 << s.bits - 1), (1 << s.bits - 1) - 1)) for s in neuron.states}
    values |= {f"in.{port}": data.draw(st.integers(*fed)) for port in neuron.ports}
    walk(neuron, values, bounds)


some = st.integers(-(2**62), 2**62) | st.integers(-9, 70)


def walk(neuron: NeuronProgram, values: dict[str, int], bounds: list[Bounds]) -> None:
    """Run a neuron program once; what may wrap may be anything from there on, so it stops being followed."""
    for line, (low, high) in zip(neuron.code, bounds, strict=True):
        args = [operand(arg, values) for arg in line.args]
        if (low, high) == WORD:
            values[line.target] = 0
            continue
        result = EXACT[line.op](*args)
        assert low <= result <= high, f"{line} of {args} gave {result}, not {low}..{high}"
        values[line.target] = result


def operand(arg: Operand, values: Mapping[str, int]) -> int:
    return values[arg] if isinstance(arg, str) else arg


PAIRS = [(low, high) for low in (-5, -1, 0, 2) for high in (-1, 0, 2, 6) if low <= high]


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op != "emit"])
def test_the_bounds_of_an_operation_are_reached(op: str) -> None:
    """On small ranges, all of them: what bounds say is neither too little nor, for most operations, too much."""
    count = OPERATIONS[op]
    for pairs in np.ndindex(*[len(PAIRS)] * min(count, 2)):
        chosen = [PAIRS[k] for k in pairs] + [(-1, 3)] * (count - len(pairs))
        if op in ("shl", "shr") and chosen[1][0] < 0:
            assert bounds_of(op, chosen) == WORD
            continue
        grids = np.meshgrid(*(np.arange(low, high + 1) for low, high in chosen))
        results = [EXACT[op](*map(int, args)) for args in zip(*(g.ravel() for g in grids), strict=True)]
        low, high = bounds_of(op, chosen)
        assert low <= min(results)
        assert max(results) <= high
        if op not in ("ge", "gt", "eq", "lt", "select"):
            assert (low, high) == (min(results), max(results)), chosen


def bounds_of(op: str, ranges: list[Bounds]) -> Bounds:
    """Return the bounds of an operation on parameters of given ranges."""
    names = "abc"[: len(ranges)]
    neuron = parse_neuron(f"param {' '.join(names)}\nstate v:24\nr = {op} {' '.join(names)}")
    program = alone(neuron, dict(zip(names, map(list, ranges), strict=True)), 1, 0, (0, 1))
    return instruction_bounds(program, program.populations[0])[0]


@pytest.mark.parametrize(
    ("code", "fits"),
    [
        ("r = mul v v", True),  # 2^62
        ("r = mul v v\nr = mul r 2", False),
        ("r = shl v 32", True),
        ("r = shl v 33", False),
        ("r = shl 1 v", False),
        ("n = clip v 0 61\nr = shl 1 n", True),
        ("n = clip v 0 64\nr = shr v n", False),
        ("n = clip v 0 63\nr = shr v n", True),
        ("r = mul v v\nr = add r r", False),
        ("r = mul v v\nr = add r r\nr = min r 5\nr = max r -5", False),
    ],
)
def test_what_may_leave_64_bits_can_be_anything(code: str, fits: bool) -> None:
    program = alone(parse_neuron(f"state v:32\n{code}"), {}, 1, 0, (0, 1))
    assert (WORD not in instruction_bounds(program, program.populations[0])) == fits


def test_the_phase_begins_before_the_first_window_and_ends_before_the_next() -> None:
    program = alone(parse_neuron("state v:24\nv = copy phase"), {}, 7, 3, (0, 1))
    assert instruction_bounds(program, program.populations[0]) == [(-3, 6)]
    free = replace(program, interval=0)
    low, high = instruction_bounds(free, free.populations[0])[0]
    assert low == -3
    assert high > 1 << 32


@pytest.mark.parametrize(
    ("bits", "signed", "bounds"), [(1, False, (0, 1)), (1, True, (-1, 0)), (8, False, (0, 255)), (8, True, (-128, 127))]
)
def test_payloads_have_the_bounds_the_emulator_holds_them_to(bits: int, signed: bool, bounds: Bounds) -> None:
    population = Population("p", (1,), parse_neuron("state v:24"), {}, payload_bits=bits, signed=signed)
    assert payload_bounds(population) == bounds


def delivered(program: Program, connection: Connection) -> Bounds:
    """Return the least and the greatest sum over the synapses of any neuron, one synapse after the other."""
    populations = program.population
    source = populations[connection.source]
    low, high = payload_bounds(source)
    sums: dict[int, list[int]] = {}
    for target, j, weight in listed(connection):
        ends = sums.setdefault(target, [0, 0])
        ends[0] += min(weight * low, weight * high)
        ends[1] += max(weight * low, weight * high)
        assert 0 <= j < source.size
    return min((low for low, _ in sums.values()), default=0), max((high for _, high in sums.values()), default=0)


def listed(connection: Connection) -> list[tuple[int, int, int]]:
    """Return (target, source, weight) of every synapse, weights as Python's integers."""
    synapses = connection.synapses
    if isinstance(synapses, SparseSynapses):
        rows = zip(synapses.target.tolist(), synapses.source.tolist(), synapses.weight.tolist(), strict=True)
        found = list(rows)
    elif isinstance(synapses, DenseSynapses):
        found = [(i, j, int(synapses.weight[i, j])) for i, j in np.ndindex(*synapses.weight.shape)]
    else:
        found = convolved(synapses)
    gather = connection.gather
    return found if gather is None else [(i, int(gather[j]), weight) for i, j, weight in found if gather[j] >= 0]


def convolved(conv: ConvSynapses) -> list[tuple[int, int, int]]:
    """Return the synapses of a convolution, whose weights may be too large for a matrix of sums."""
    number = np.arange(1, conv.weight.size + 1).reshape(conv.weight.shape)
    inputs, outputs = int(np.prod(conv.in_shape)), int(np.prod(conv.out_shape))
    whole = Connection("c", "a", "b", "x", replace(conv, weight=number))
    matrix = synapse_matrix(whole, inputs, outputs).tocoo()
    entries = zip(matrix.row.tolist(), matrix.col.tolist(), matrix.data.tolist(), strict=True)
    return [(i, j, int(conv.weight.flat[k - 1])) for i, j, k in entries]


@given(programs())
@settings(max_examples=40)
def test_what_a_connection_delivers_stays_within_its_bounds(program: Program) -> None:
    for connection in program.connections:
        low, high = connection_bounds(program, connection)
        least, greatest = delivered(program, connection)
        assert low <= least
        assert greatest <= high
        if not isinstance(connection.synapses, ConvSynapses):  # a kernel's taps may all lie outside the input
            assert (low, high) == (min(least, 0), max(greatest, 0))


def test_channels_of_a_convolution_that_hear_nothing_do_not_count() -> None:
    weight = np.array([[[100], [3]], [[-50], [7]]])  # [out, in, kernel]
    conv = ConvSynapses(weight, (2, 2), (1,), (0, 0), (1,))
    split = ConvSynapses(weight[:, :1], (2, 2), (1,), (0, 0), (1,), 2)
    for synapses, gather, expected in (
        (conv, [-1, -1, 0, 1], (0, 7)),
        (conv, [-1, 0, 0, 1], (-50, 103)),
        (split, [-1, -1, 0, 1], (-50, 0)),
        (split, [0, 1, -1, -1], (0, 100)),
    ):
        a, b = Population("a", (2,), parse_neuron("state v:8"), {}), Population("b", (2, 2), ECHO, {})
        wire = Connection("c", "a", "b", "x", synapses, gather=np.array(gather))
        assert connection_bounds(Program("p", "any", 0, (a, b), (wire,)), wire) == expected


@given(programs())
@settings(max_examples=40)
def test_what_arrives_in_a_step_is_what_all_connections_and_inputs_deliver(program: Program) -> None:
    found = arrival_bounds(program)
    assert found.keys() == {(p.name, port) for p in program.populations for port in p.neuron.ports}
    for (name, port), bounds in found.items():
        ends = [connection_bounds(program, c) for c in program.connections if (c.target, c.port) == (name, port)]
        for source in program.inputs:
            if (source.population, source.port) == (name, port):
                ends.append(EVENT if isinstance(source, EventInput) else (source.lo, source.hi))
        assert bounds == (sum(low for low, _ in ends), sum(high for _, high in ends))


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_nothing_that_the_emulator_computes_leaves_its_bounds(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    arriving = arrival_bounds(case.program)
    computed = {p.name: instruction_bounds(case.program, p) for p in case.program.populations}
    step = Neurons.step

    def watched(self: Neurons, arrived: Mapping[str, Ints], phase: int) -> Sent:
        name = self.population.name
        values: dict[str, Ints] = {**self.params, **self.states, "phase": np.int64(phase)}
        for port in self.neuron.ports:
            values[f"in.{port}"] = arrived.get(port, self.silent)
            assert_within(values[f"in.{port}"], arriving[name, port])
        for line, bounds in zip(self.neuron.code, computed[name], strict=True):
            args = [value_of(arg, values) for arg in line.args]
            values[line.target] = args[0] if line.op == "emit" else RUN[line.op](*args)
            assert_within(values[line.target], bounds)
        sent = step(self, arrived, phase)
        assert_within(sent.spikes, payload_bounds(self.population))
        return sent

    monkeypatch.setattr(Neurons, "step", watched)
    assert len(list(emulator.run_feed(emulator.Emulator(case.program), case.feed))) == case.feed.steps


def assert_within(values: Ints, bounds: Bounds) -> None:
    assert bounds[0] <= np.min(values)
    assert np.max(values) <= bounds[1]
