"""Exports for SANA-FE hold the program, not its spikes: a page of numpy runs them, spike for spike."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from snncc.backends.sanafe.problems import problems
from snncc.backends.sanafe.trains import LEAD
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.ir.integer_ops import Fire
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.placement.place import place
from tests.backends.sanafe_model import Model, read_network, simulate
from tests.backends.sanafe_programs import CHIP, exported, levels_of, on_core, rate_program
from tests.integer_nets import IntegerNet, integer_networks, two_layers
from tests.random_slices import placements

SAMPLES = 4
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def ran(expected: dict[str, Any], folder: Path) -> tuple[Model, dict[str, Any]]:
    """Simulate an export; assert that every spike and all that is read is as expected."""
    model = read_network(folder / "network.yaml")
    spikes, potentials, events = simulate(model, expected["steps"])
    for group in expected["groups"]:
        seen = [np.flatnonzero(row).tolist() for row in spikes[group["name"]]]
        assert seen == group["spikes"], group["population"]
        begins = [group.get("first_step", 0) + k * expected["interval"] for k in range(expected["samples"])]
        counts = [spikes[group["name"]][b : b + expected["interval"]].sum(axis=0).tolist() for b in begins]
        assert counts == group.get("counts", counts)
        read = [(potentials[group["name"]][b] - 0.5).tolist() for b in begins]
        assert read == group.get("read", read)
    return model, events


def summed(events: dict[str, dict[str, Any]], what: str) -> int:
    return sum(of[what] for of in events.values() if what in of)


@settings(max_examples=25, suppress_health_check=CHECKS)
@given(data=st.data(), graph=integer_networks(), seed=st.integers(0, 99))
def test_random_networks_on_random_cores_fire_spike_for_spike(data: st.DataObject, graph: Graph, seed: int) -> None:
    assume(all(node.type.lo >= 0 for node in graph.nodes if isinstance(node.op, Fire | MaxPool)))
    program = data.draw(placements(rate_program(graph), 12, "loihi1"))
    assert problems(program) == []
    with tempfile.TemporaryDirectory() as folder:
        expected = exported(program, levels_of(program, graph, SAMPLES, seed), Path(folder, "out"))
        _, events = ran(expected, Path(folder, "out"))
    known = expected["events"]
    for what in ("messages", "hops_x", "hops_y", "updates", "accesses"):
        assert events[what] == summed(known, what), what
    units = {unit for of in known.values() for unit in of["synapses"]}
    assert events["synapses"] == {unit: sum(of["synapses"].get(unit, 0) for of in known.values()) for unit in units}


def test_neurons_of_a_slice_stand_on_its_core_and_inputs_and_gate_lines_on_their_own(tmp_path: Path) -> None:
    graph = two_layers()
    program = place(rate_program(graph), CHIP)
    expected = exported(program, levels_of(program, graph, SAMPLES), tmp_path / "out")
    model, _ = ran(expected, tmp_path / "out")
    used = {part.core for part in program.slices if part.core >= 0}
    for group in expected["groups"]:
        tile, inside = divmod(group["core"], 4)
        assert model.core[group["name"]] == (tile % 8, tile // 8, inside)
        assert (group["core"] in used) == (group["role"] not in ("input", "gate"))
    assert sum(len(g["neurons"]) for g in expected["groups"] if g["role"] != "gate") == sum(
        p.size for p in program.populations
    )


def test_only_inputs_and_gate_lines_are_fed(tmp_path: Path) -> None:
    graph = two_layers()
    program = place(rate_program(graph), CHIP)
    expected = exported(program, levels_of(program, graph, SAMPLES), tmp_path / "out")
    model = read_network(tmp_path / "out" / "network.yaml")
    fed = {name for name, neurons in model.neurons.items() if any("spikes" in neuron for neuron in neurons)}
    assert fed == {group["name"] for group in expected["groups"] if group["role"] in ("input", "gate")}


def test_a_weight_that_is_off_by_one_is_seen(tmp_path: Path) -> None:
    graph = two_layers()
    program = place(rate_program(graph), CHIP)
    expected = exported(program, levels_of(program, graph, SAMPLES), tmp_path / "out")
    text = (tmp_path / "out" / "network.yaml").read_text(encoding="ascii")
    (tmp_path / "out" / "network.yaml").write_text(text.replace("[weight: 3]", "[weight: 4]"), encoding="ascii")
    with pytest.raises(AssertionError):
        ran(expected, tmp_path / "out")


def test_negative_levels_of_an_input_come_from_neurons_of_their_own(tmp_path: Path) -> None:
    net = IntegerNet(3)
    graph = net.graph(net.read(net.dense(net.fire(net.dense(net.input(3, lo=-3, hi=3), 4), theta=2), 2), name="y"))
    program = on_core(rate_program(graph))
    levels = levels_of(program, graph, SAMPLES)
    expected = exported(program, levels, tmp_path / "out")
    ran(expected, tmp_path / "out")
    counts = {g["sign"]: np.array(g["counts"]) for g in expected["groups"] if g["role"] == "input"}
    assert (counts[1] - counts[-1] == levels["x"]).all()


def test_the_same_program_and_samples_give_the_same_bytes(tmp_path: Path) -> None:
    graph = two_layers()
    program = place(rate_program(graph), CHIP)
    for name in ("one", "two"):
        exported(program, levels_of(program, graph, SAMPLES), tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["README.md", "expected.json", "manifest.json", "network.yaml", "run.py"]
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in names)


def test_an_export_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    graph = two_layers()
    program = place(rate_program(graph), CHIP)
    exported(program, levels_of(program, graph, 1), tmp_path / "out")
    assert exported(program, levels_of(program, graph, 2), tmp_path / "out")["samples"] == 2
    (tmp_path / "out" / "mine.txt").write_text("kept", encoding="ascii")
    with pytest.raises(SnnccError, match="SNN603"):
        exported(program, levels_of(program, graph, 1), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "expected.json").read_text(encoding="ascii"))["samples"] == 2


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    graph = two_layers()
    program = place(rate_program(graph), CHIP)
    (tmp_path / "file").write_text("kept", encoding="ascii")
    with pytest.raises(SnnccError, match="SNN603"):
        exported(program, levels_of(program, graph, 1), tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_run_begins_with_steps_that_put_every_neuron_to_its_first_value(tmp_path: Path) -> None:
    graph = two_layers()
    program = place(rate_program(graph), CHIP)
    expected = exported(program, levels_of(program, graph, SAMPLES), tmp_path / "out")
    assert expected["steps"] == LEAD + SAMPLES * program.interval
    model = read_network(tmp_path / "out" / "network.yaml")
    _, potentials, _ = simulate(model, LEAD)
    for group in (g for g in expected["groups"] if g["role"] in ("fire", "read")):
        first = [float(neuron["reverse_reset"]) for neuron in model.neurons[group["name"]]]
        assert potentials[group["name"]][-1].tolist() == first
