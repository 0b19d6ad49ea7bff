"""No number leaves the bounds of the certificate, in any step of any run; and where they can be met they are tight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snncc.compiler.certificate import certify
from snncc.compiler.certificate.ranges import hearing
from snncc.compiler.certificate.receive import kernel
from snncc.compiler.certificate.trains import broken_law, grows, partial_bounds, spikes
from snncc.compiler.coding import CODINGS, Coding, Levels
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import Choice, choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from snncc.runtime import neurons
from snncc.runtime.emulator import Emulator, run_levels
from tests.compiler.coding.scalar import MEANING
from tests.integer_nets import IntegerNet, integer_networks, random_levels

LOIHI2 = load_target("loihi2")
each_coding = pytest.mark.parametrize("coding", CODINGS.values(), ids=lambda coding: coding.name)


# What plain Python's meaning of an operation does not do on arrays.
NUMPY: dict[str, Callable[..., Any]] = {
    "min": np.minimum,
    "max": np.maximum,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "ge": lambda a, b: np.greater_equal(a, b) * 1,
    "gt": lambda a, b: np.greater(a, b) * 1,
    "eq": lambda a, b: np.equal(a, b) * 1,
    "lt": lambda a, b: np.less(a, b) * 1,
    "select": lambda condition, then, other: np.where(np.not_equal(condition, 0), then, other),
    "emit": lambda a: a,
}


class Watch:
    """Keeps the least and the greatest of everything that an emulator computes, by population and place."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.seen: dict[tuple[str, str, object], list[int]] = {}

    def note(self, population: str, what: str, place: object, values: Any) -> None:
        low, high = int(np.min(values)), int(np.max(values))
        ends = self.seen.setdefault((population, what, place), [low, high])
        ends[:] = min(ends[0], low), max(ends[1], high)

    def run(self, levels: Mapping[str, Any], samples: int) -> None:
        """Step samples back to back; each population's program is run a second time to see every line."""
        running = Emulator(self.program, next(iter(levels.values())).shape[1])
        states = {p.name: {s.name: s.initial for s in p.neuron.states} for p in self.program.populations}
        original = neurons.Neurons.step

        def watched(unit: Any, arrived: Mapping[str, Any], phase: int) -> Any:
            self._lines(unit, states[unit.population.name], arrived, phase)
            sent = original(unit, arrived, phase)
            states[unit.population.name] = dict(unit.states)
            for name, values in unit.states.items():
                self.note(unit.population.name, "registers", name, values)
            return sent

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(neurons.Neurons, "step", watched)
            for _ in run_levels(running, levels, samples):
                pass

    def _lines(self, unit: Any, states: Mapping[str, Any], arrived: Mapping[str, Any], phase: int) -> None:
        name = unit.population.name
        values = {**unit.params, **states, "phase": phase}
        for port in unit.neuron.ports:
            values[f"in.{port}"] = arrived.get(port, unit.silent)
            self.note(name, "arrivals", port, values[f"in.{port}"])
        for number, line in enumerate(unit.neuron.code):
            args = [values[a] if isinstance(a, str) else np.int64(a) for a in line.args]
            result = (NUMPY.get(line.op) or MEANING[line.op])(*args)
            values[line.target] = result
            self.note(name, "instructions", number, result)


def feeds(program: Program, graph: Graph, seed: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield six samples back to back, all least and all greatest first, on two streams."""
    names = {p.claim.node: p.name for p in program.populations if p.claim and p.claim.kind == "copy"}
    taken = {i.population: i.name for i in program.inputs}
    samples, streams = 6, 2
    found = random_levels(graph, samples * streams, seed)
    yield {taken[names[node]]: q.reshape(samples, streams, *q.shape[1:]) for node, q in found.items()}, samples


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graph=integer_networks(), data=st.data())
def test_nothing_leaves_the_bounds_of_the_certificate(graph: Graph, data: st.DataObject) -> None:
    nodes = [n.name for n in graph.nodes if n.op.name in ("fire", "ladder", "encode")]
    by_node = {name: CODINGS[data.draw(st.sampled_from(sorted(CODINGS)))] for name in nodes}
    choice = Choice(CODINGS["graded"], CODINGS["graded"], by_node)
    program = lower(graph, choice, LOIHI2, data.draw(st.sampled_from(["pipelined", "sequential"])))
    proved = certify(program, graph, LOIHI2)["populations"]
    watch = Watch(program)
    for levels, samples in feeds(program, graph, 1):
        watch.run(levels, samples)
    for (name, what, place), (low, high) in watch.seen.items():
        least, most = proved[name][what][place]
        assert least <= low <= high <= most, (name, what, place)


@each_coding
@pytest.mark.parametrize("ends", [(0, 1), (0, 4), (0, 15), (-3, 2), (-7, 7)])
def test_partial_windows_are_bounded_by_what_trains_add_up_to(coding: Coding, ends: tuple[int, int]) -> None:
    if ends[0] < 0 and not coding.signed:
        pytest.skip("sends none below 0")
    levels = Levels(*ends)
    assert broken_law(coding, levels) == ""
    does = kernel(coding.kernel)
    terms = tuple(sorted(does.after[does.charge].items()))
    assert partial_bounds(coding, levels, coding.kernel, terms)[0] == ends
    assert all(sent[-levels.lo] == 0 for sent in spikes(coding, levels))


def test_the_charge_is_tight() -> None:
    net = IntegerNet()
    charge = net.dense(net.input(3, lo=-2, hi=5), 2, [[3, -1, 2], [-4, 0, 1]])
    graph = net.graph(net.read(charge, bias=[7, -1], name="y"))
    program = lower(graph, choose("graded", LOIHI2), LOIHI2)
    low, high = hearing(program, program.population["y"]).charge(["add"])
    assert low.tolist() == [7 + 3 * -2 - 5 + 2 * -2, -1 - 4 * 5 - 2]
    assert high.tolist() == [7 + 15 + 2 + 10, -1 + 8 + 5]
    assert certify(program, graph, LOIHI2)["populations"]["y"]["charge"] == [-23, 34]


def test_two_parts_of_one_weight_are_bounded_together() -> None:
    """High and low mantissas of opposite signs must not count twice."""
    net = IntegerNet()
    weight = [[129, -127]]
    graph = net.graph(net.read(net.dense(net.input(2, hi=3), 1, weight), name="y"))
    program = lower(graph, choose("graded", LOIHI2), LOIHI2)
    assert len(program.connections) == 2
    assert certify(program, graph, LOIHI2)["populations"]["y"]["charge"] == [-381, 387]


@pytest.mark.parametrize(("name", "grown"), [("rate", True), ("graded", True), ("bitplane", False), ("ttfs", False)])
def test_which_trains_grow_in_every_step(name: str, grown: bool) -> None:
    always, words, once = grows(CODINGS[name], Levels(0, 6))
    assert (always, words, once) == (grown, True, name == "ttfs")


def test_a_coding_that_breaks_its_law_is_told() -> None:
    class Deaf(type(CODINGS["rate"])):  # type: ignore[misc]
        def spike_at(self, q: Any, step: int, levels: Levels) -> Any:
            return super().spike_at(q, step, levels) * (step != 2)

    assert broken_law(Deaf(), Levels(0, 3)) == "level 3 is received as 2"
    assert broken_law(Deaf(), Levels(0, 2)) == ""
