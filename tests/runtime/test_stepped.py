"""A program that leaves its network is caught, and the place where it does is named, in every coding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.neuron import Instruction
from snncc.compiler.program import ConvSynapses, EventInput, Population, Program
from snncc.compiler.targets import load_target
from snncc.compiler.trace import Sent
from snncc.runtime import stepped
from snncc.runtime.neurons import Neurons
from snncc.runtime.reference import execute
from snncc.runtime.stepped import Tally, step_and_compare
from snncc.runtime.witness import witnesses
from tests.integer_nets import IntegerNet, integer_networks, random_levels, two_layers

each_coding = pytest.mark.parametrize("name", CODINGS)
Change = Callable[[Population], Population]
AFTER = {"x.levels": "first", "first": "pool", "pool": "second", "second": "y", "y": "y"}


def program_of(graph: Graph, name: str) -> Program:
    return lower(graph, Choice(CODINGS[name], CODINGS[name]), load_target("loihi2"))


def tallied(program: Program, graph: Graph) -> Tally:
    tally = Tally()
    step_and_compare(program, graph, witnesses(graph).levels, tally)
    return tally


def with_population(program: Program, name: str, change: Change) -> Program:
    changed = change(program.population[name])
    return replace(program, populations=tuple(changed if p.name == name else p for p in program.populations))


def with_code(old: str, new: str) -> Change:
    """Return a change of the first instruction of that text."""

    def change(population: Population) -> Population:
        neuron = population.neuron
        code = list(neuron.code)
        at = next(i for i, line in enumerate(code) if str(line) == old)
        target, _, call = new.rpartition(" = ")
        op, *args = call.split()
        operands = tuple(int(a) if a.lstrip("-").isdigit() else a for a in args)
        code[at] = Instruction(target, op, operands)
        return replace(population, neuron=replace(neuron, code=tuple(code)))

    return change


def with_param(name: str, amount: int) -> Change:
    return lambda p: replace(p, params={**p.params, name: p.params[name] + amount})


def assert_located(program: Program, graph: Graph, name: str) -> None:
    """Assert that the first divergence names the changed population, or the one directly after it."""
    tally = tallied(program, graph)
    assert tally.mismatches > 0
    assert tally.first is not None
    assert tally.first.population in (name, AFTER[name])


@each_coding
@pytest.mark.parametrize("theta", [4, 3])
def test_an_unchanged_program_is_exact(name: str, theta: int) -> None:
    graph = two_layers(theta=theta)
    tally = tallied(program_of(graph, name), graph)
    assert (tally.mismatches, tally.first) == (0, None)
    assert tally.samples == witnesses(graph).count


@each_coding
@pytest.mark.parametrize("where", ["first", "second"])
def test_a_wrong_threshold_is_located(name: str, where: str) -> None:
    graph = two_layers(theta=3)
    assert_located(with_population(program_of(graph, name), where, with_param("theta", 1)), graph, where)


def test_a_wrong_shift_is_located() -> None:
    graph = two_layers()
    assert_located(with_population(program_of(graph, "graded"), "first", with_param("shift", -1)), graph, "first")


@each_coding
@pytest.mark.parametrize("where", ["first", "second", "y"])
@pytest.mark.parametrize("amount", [1, -1])
def test_a_wrong_offset_is_located(name: str, where: str, amount: int) -> None:
    graph = two_layers()
    assert_located(with_population(program_of(graph, name), where, with_param("offset", amount)), graph, where)


@each_coding
@pytest.mark.parametrize("where", ["first", "pool", "second", "y"])
def test_a_wrong_weight_is_located(name: str, where: str) -> None:
    graph = two_layers()
    program = program_of(graph, name)
    victim = next(c for c in program.connections if c.target == where)
    weight = np.array(victim.synapses.weight)
    weight.flat[1] -= 1
    wrong = replace(victim, synapses=replace(victim.synapses, weight=weight))
    connections = tuple(wrong if c is victim else c for c in program.connections)
    assert_located(replace(program, connections=connections), graph, where)


@each_coding
@pytest.mark.parametrize("where", ["first", "pool", "second", "y"])
def test_a_wrong_delay_is_located(name: str, where: str) -> None:
    graph = two_layers()
    program = program_of(graph, name)
    connections = tuple(replace(c, delay=c.delay + 1) if c.target == where else c for c in program.connections)
    assert_located(replace(program, connections=connections), graph, where)


@each_coding
def test_a_latch_in_the_wrong_phase_is_located(name: str) -> None:
    graph = two_layers()
    late = with_code("first = eq phase 0", "first = eq phase 1")
    assert_located(with_population(program_of(graph, name), "first", late), graph, "first")


COMPARISONS = [
    ("graded", 3, "s = ge x w", "s = gt x w"), ("bitplane", 4, "s = ge v w", "s = gt v w"),
    ("rate", 4, "s = ge v theta", "s = gt v theta"), ("ttfs", 4, "s = ge v fall", "s = gt v fall"),
    ("rate", 4, "live = lt phase 3", "live = lt phase 2"), ("ttfs", 4, "k = sub 3 phase", "k = sub 2 phase"),
    ("bitplane", 4, "k = sub 1 phase", "k = sub 2 phase"), ("graded", 4, "q = clip q 0 3", "q = clip q 0 2"),
    ("bitplane", 4, "capped = min v cap", "capped = max v cap"), ("rate", 4, "v = sub v drop", "v = add v drop"),
    ("graded", 4, "u = select first 0 u", "u = copy u"), ("bitplane", 4, "d = shl d 1", "d = shl d 2"),
    ("ttfs", 4, "c = select first 0 c", "c = copy c"), ("ttfs", 4, "fired = max fired s", "fired = copy s"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "theta", "old", "new"), COMPARISONS, ids=lambda v: str(v).replace(" ", "_"))
def test_a_wrong_instruction_is_located(name: str, theta: int, old: str, new: str) -> None:
    graph = two_layers(theta=theta)
    assert_located(with_population(program_of(graph, name), "first", with_code(old, new)), graph, "first")


@pytest.mark.parametrize(("name", "old", "new"), [
    ("rate", "s = gt in.add 0", "s = gt in.add 1"), ("ttfs", "s = select fired 0 s", "s = copy s"),
    ("graded", "q = max q m3", "q = min q m3"), ("bitplane", "same = eq m0 s", "same = ge m0 0"),
])  # fmt: skip
def test_a_wrong_pool_is_located(name: str, old: str, new: str) -> None:
    graph = two_layers()
    assert_located(with_population(program_of(graph, name), "pool", with_code(old, new)), graph, "pool")


@each_coding
@settings(max_examples=15)
@given(graph=integer_networks(every=True))
def test_ladders_joins_and_moved_values_are_exact(name: str, graph: Graph) -> None:
    tally = Tally()
    program = lower(graph, Choice(CODINGS[name], CODINGS["graded"]), load_target("loihi2"))
    given = random_levels(graph, 20)
    outputs = step_and_compare(program, graph, given, tally)
    assert (tally.mismatches, tally.samples) == (0, 20), tally.first
    values = execute(graph, given)
    assert all((outputs[name] == values[name]).all() for name in graph.outputs)


@each_coding
def test_a_wrong_threshold_of_a_ladder_is_located(name: str) -> None:
    net = IntegerNet(2)
    charge = net.conv(net.input(1, 4, 4), 2, 3)
    first = net.ladder(charge, hi=3, thresholds=[[-6, 1, 8], [-3, 0, 4]], name="first")
    graph = net.graph(net.read(net.dense(first), name="y"))
    program = program_of(graph, name)
    assert tallied(program, graph).mismatches == 0
    for parameter in ("t0", "t1", "t2"):
        tally = tallied(with_population(program, "first", with_param(parameter, 1)), graph)
        assert tally.first is not None
        assert tally.first.population == "first"


def test_a_divergence_tells_step_sample_neuron_values_and_inputs() -> None:
    """One neuron of the last population is off by 5 for its third sample and later ones."""
    net = IntegerNet()
    x = net.input(2, hi=3)
    graph = net.graph(net.read(net.dense(x, 2, [1, 2, 3, 4]), name="y"))
    program = program_of(graph, "graded")
    weight = np.array([[1, 2], [3, 9]])
    wire = program.connections[0]
    wrong = replace(program, connections=(replace(wire, synapses=replace(wire.synapses, weight=weight)),))
    tally = Tally()
    step_and_compare(wrong, graph, {"x.levels": np.array([[0, 0], [3, 0], [3, 1], [0, 2]])}, tally)
    first = tally.first
    assert tally.mismatches == 2
    assert first is not None
    assert (first.step, first.sample, first.population, first.neuron, first.what) == (3, 2, "y", 1, "membrane")
    assert (first.expected, first.found) == (13, 18)
    assert first.inputs == (("x.levels", 0, 3, 3), ("x.levels", 1, 1, 9))
    assert first.loc == program.population["y"].loc


@each_coding
def test_a_state_that_overflows_is_located(name: str) -> None:
    net = IntegerNet()
    graph = net.graph(net.read(net.dense(net.input(2, hi=3), 2, [1, 0, 0, 5]), name="y"))

    def narrow(population: Population) -> Population:
        states = tuple(replace(s, bits=4) if s.name == "v" else s for s in population.neuron.states)
        return replace(population, neuron=replace(population.neuron, states=states))

    tally = Tally()
    program = with_population(program_of(graph, name), "y", narrow)
    step_and_compare(program, graph, {"x.levels": np.array([[3, 0], [0, 1], [1, 2], [3, 3]])}, tally)
    assert tally.mismatches == 1
    assert tally.first is not None
    assert tally.first.what == "v of population y left -8..7"
    assert (tally.first.population, tally.first.sample, tally.first.neuron) == ("y", 2, 1)
    assert tally.first.loc == program.population["y"].loc


def test_streams_and_chunks_cover_every_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = two_layers()
    program = program_of(graph, "bitplane")
    levels = random_levels(graph, 23)
    wanted = execute(graph, levels)["y"]
    counts = []
    for deep, wide in ((20, 32), (2, 3), (1, 1), (5, 2)):
        monkeypatch.setattr(stepped, "BACK_TO_BACK", deep)
        monkeypatch.setattr(stepped, "MOST_STREAMS", wide)
        tally = Tally()
        done: list[int] = []
        found = step_and_compare(program, graph, levels, tally, done.append)
        assert found["y"].tolist() == wanted.tolist()
        assert (sum(done), tally.samples, tally.mismatches) == (23, 23, 0)
        counts.append((tally.spikes, tally.synops, tally.payload_bits, tally.by_population))
    assert all(count == counts[0] for count in counts)


def test_a_divergence_names_the_sample_whatever_the_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only sample 7 has a spike through the wrong weight."""
    net = IntegerNet()
    graph = net.graph(net.read(net.dense(net.input(2, hi=3), 1, [1, 2]), name="y"))
    program = program_of(graph, "graded")
    wire = program.connections[0]
    wrong = replace(program, connections=(replace(wire, synapses=replace(wire.synapses, weight=np.array([[1, 3]]))),))
    q = np.zeros((12, 2), dtype=np.int64)
    q[:, 0] = 1
    q[7, 1] = 1
    for deep, wide in ((20, 32), (3, 4), (2, 3), (4, 1), (1, 12)):
        monkeypatch.setattr(stepped, "BACK_TO_BACK", deep)
        monkeypatch.setattr(stepped, "MOST_STREAMS", wide)
        tally = Tally()
        step_and_compare(wrong, graph, {"x.levels": q}, tally)
        assert tally.first is not None
        assert tally.first.sample == 7


def test_only_programs_with_a_network_can_be_compared() -> None:
    graph = two_layers()
    program = program_of(graph, "graded")
    events = replace(program, inputs=(EventInput("x", "x.levels", "add"),))
    with pytest.raises(InternalError):
        step_and_compare(events, graph, random_levels(graph, 1), Tally())


def test_changes_to_convolutions_are_changes() -> None:
    """The mutants above do change something: the pool's connection is a convolution whose second tap they lower."""
    program = program_of(two_layers(), "graded")
    pool = next(c for c in program.connections if c.target == "pool")
    assert isinstance(pool.synapses, ConvSynapses)
    assert pool.synapses.weight.flat[1] == 4


def test_a_membrane_that_moves_in_a_step_that_rests_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = two_layers()
    step = Neurons.step
    told: list[str] = []

    def drifting(self: Neurons, arrived: Mapping[str, np.ndarray], phase: int) -> Sent:
        before, sent = self._last, step(self, arrived, phase)
        if before is sent and phase > 0 and not told:
            told.append(self.population.name)
            return replace(sent, membrane=sent.membrane + 1)
        return sent

    monkeypatch.setattr(Neurons, "step", drifting)
    tally = tallied(program_of(graph, "rate"), graph)
    assert tally.first is not None
    assert [tally.first.population] == told
