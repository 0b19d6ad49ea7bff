"""The checker of placements counts as its definitions say, accepts legal placements, and rejects every violation."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from snncc import import_model
from snncc.compiler.container import program_bytes
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Graph
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.draft import draft
from snncc.compiler.mapping.lower import lower
from snncc.compiler.options import make_options
from snncc.compiler.placement.place import place
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Connection, DenseSynapses, Program, SparseSynapses
from snncc.compiler.targets import load_target, target_names
from snncc.compiler.targets.target import Board, Core, Host, Packing
from snncc.runtime import placement_check, placement_counts, placement_reading
from snncc.runtime.placement_check import check_placement, is_placed, judge_placement
from tests.integer_nets import IntegerNet, integer_networks, two_layers
from tests.random_models import networks
from tests.random_slices import placements
from tests.runtime.placed_files import PLANTS, Limits, PlacedFile
from tests.runtime.unrolled import needs, width

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
MODULES = (placement_check, placement_counts, placement_reading)
CODINGS = ("graded", "bitplane", "rate", "ttfs")
BITS: dict[str, Any] = {"kernel_bits": 2, "list_bits": 5, "delay_bits": 6, "header_bits": 12, "word_bits": 32}
WIDTHS = (1, 4, 9, 64)
PACKINGS = (
    Packing(),
    Packing(**BITS, block_synapses=3, widths=WIDTHS),
    Packing(**BITS, shared_kernels=False, widths=WIDTHS, loops=1),
    Packing("crossbar", rows=5, widths=(1, 2, 4, 8, 64), loops=2),
)
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture)


def lowered(network: Graph, coding: str = "graded") -> Program:
    chip = load_target("loihi2")
    return lower(network, choose(coding, chip), chip)


def listed(connection: Connection) -> Connection:
    """Return a connection with the nonzero weights of its matrix in a list."""
    if not isinstance(connection.synapses, DenseSynapses):
        return connection
    weight = connection.synapses.weight
    target, source = np.nonzero(weight)
    return replace(connection, synapses=SparseSynapses(source, target, weight[target, source]))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Return a random program, not placed; some of its matrices are stored as lists."""
    network, coding = draw(integer_networks(every=True)), draw(st.sampled_from(CODINGS))
    try:
        program = lowered(network, coding)
    except SnnccError:
        assume(False)
    wires = [listed(c) if draw(st.booleans()) else c for c in program.connections]
    return replace(program, connections=tuple(wires))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "test.toml"


@pytest.fixture(scope="module")
def small() -> Program:
    """Return conv, pool and dense layers, every population on a core of its own."""
    program = lowered(two_layers())
    whole = enumerate(program.populations)
    slices = tuple(Slice(f"{p.name}.0", p.name, (0,) * len(p.shape), p.shape, core) for core, p in whole)
    return replace(program, board="test", slices=slices)


# ---- what it is


@pytest.mark.parametrize("module", MODULES)
def test_it_needs_numpy_and_the_standard_library_alone(module: Any) -> None:
    source = Path(module.__file__).read_text(encoding="utf-8")
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    own = {m.__name__ for m in MODULES}
    assert {name.split(".")[0] for name in names - own} - set(sys.stdlib_module_names) <= {"numpy", "tomli", "tomllib"}
    assert source.count("\n") < 300


# ---- how it counts


@settings(max_examples=40, suppress_health_check=SLOW)
@given(programs(), st.sampled_from(PACKINGS), st.data())
def test_each_limit_holds_up_to_the_need_of_unrolled_synapses(
    file: Path, program: Program, packing: Packing, data: st.DataObject
) -> None:
    placed = data.draw(placements(program))
    found, content = needs(placed, packing), program_bytes(placed)
    most = {limit: max(loads.values(), default=0) for limit, loads in found.items()}
    verdict = judge_placement(content, Limits(Core(**most), packing, weight_bits=64).write(file))
    assert verdict.problems == []
    assert {limit: seen["most"] for limit, seen in verdict.checked.items() if limit in most} == most
    for limit in (limit for limit, need in most.items() if need):
        problems = check_placement(
            content, Limits(Core(**{limit: most[limit] - 1}), packing, weight_bits=64).write(file)
        )
        assert {where for where, _ in problems} == {f"core {c}" for c, n in found[limit].items() if n == most[limit]}
        assert all(sentence.endswith(f", the limit is {most[limit] - 1}") for _, sentence in problems)


@settings(max_examples=25, suppress_health_check=SLOW)
@given(programs(), st.data())
def test_weights_and_delays_hold_up_to_the_widest_and_longest(
    file: Path, program: Program, data: st.DataObject
) -> None:
    content = program_bytes(data.draw(placements(program)))
    bits = {c.name: width(c, program.population[c.target]) for c in program.connections}
    waits = {c.name: c.delay - 1 for c in program.connections}
    widest, longest = max(bits.values()), max(waits.values())
    least = Limits(weight_bits=widest, max_delay=longest)
    assert check_placement(content, least.write(file)) == []
    for limits, found, most in (
        (replace(least, weight_bits=widest - 1), bits, widest),
        (replace(least, weight_bits=64, packing=Packing(widths=(widest - 1,))), bits, widest),
        (replace(least, max_delay=longest - 1), waits, longest),
    ):
        wrong = check_placement(content, limits.write(file))
        assert {where for where, _ in wrong} == {f"connection {name}" for name, n in found.items() if n == most}


@settings(max_examples=25, suppress_health_check=SLOW)
@given(programs(), st.data())
def test_what_neurons_can_do_holds_up_to_what_each_population_needs(
    file: Path, program: Program, data: st.DataObject
) -> None:
    content = program_bytes(data.draw(placements(program)))
    each = {p.name: p for p in program.populations}
    found = {
        "state_bits": {name: max((s.bits for s in p.neuron.states), default=0) for name, p in each.items()},
        "payload_bits": {name: p.payload_bits for name, p in each.items()},
        "ports": {name: len(p.neuron.ports) for name, p in each.items()},
    }
    least: dict[str, Any] = {limit: max(needed.values()) for limit, needed in found.items()}
    assert check_placement(content, Limits(**least).write(file)) == []
    for limit, most in least.items():
        if most > 1:  # a spike is one bit at least
            told = check_placement(content, Limits(**{**least, limit: most - 1}).write(file))
            widest = {f"population {name}" for name, need in found[limit].items() if need == most}
            assert {where for where, _ in told} == widest
            assert all(sentence.endswith(f", the limit is {most - 1}") for _, sentence in told)
    signed = {f"population {name}" for name, p in each.items() if p.signed}
    assert {where for where, _ in check_placement(content, Limits(signed=False).write(file))} == signed
    coded = {f"population {n}": p.claim.coding for n, p in each.items() if p.claim and p.claim.coding}
    for codings, graded in ((("rate",), True), ((), True), ((), False)):
        able = codings or tuple(c for c in CODINGS if graded or c != "graded")
        told = check_placement(content, Limits(codings=codings, graded=graded).write(file))
        unable = {where for where, sentence in told if sentence.startswith("sends in coding ")}
        assert unable == {where for where, coding in coded.items() if coding not in able}


def test_an_absent_limit_is_not_checked(file: Path, small: Program) -> None:
    verdict = judge_placement(program_bytes(small), Limits(Core(neurons=32)).write(file))
    assert set(verdict.checked) == {"neurons", "weight_bits", "max_delay"}
    assert verdict.checked["neurons"] == {"limit": 32, "most": 32}
    assert (verdict.target, verdict.cores) == ("test", len(small.populations))


# ---- what it rejects


@settings(max_examples=20, suppress_health_check=SLOW)
@given(programs(), st.integers(0, 999), st.data())
def test_every_planted_violation_is_rejected(file: Path, program: Program, seed: int, data: st.DataObject) -> None:
    placed = PlacedFile(data.draw(placements(program)))
    loads = [neurons for core, neurons in placed.neurons().items() if core != HOST]
    path = Limits(Core(neurons=max(loads, default=0))).write(file)
    assert check_placement(placed.data(), path) == []
    for number, (kind, plant) in enumerate(PLANTS.items()):
        planted = placed.copy()
        if plant(planted, np.random.default_rng([seed, number])):
            assert check_placement(planted.data(), path), kind


@pytest.mark.parametrize("kind", PLANTS)
def test_each_kind_of_violation_is_named(file: Path, kind: str) -> None:
    net = IntegerNet(1)
    hidden = net.fire(net.conv(net.input(2, 4, 4), 4, 3, pads=(1, 1, 1, 1)), name="hidden")
    program = lowered(net.graph(net.read(net.dense(hidden, 2), name="y")))
    slices = [
        Slice(f"{p.name}.{k}", p.name, (low, *(0,) * len(p.shape[1:])), (high, *p.shape[1:]), 3 * row + k)
        for row, p in enumerate(program.populations)
        for k, (low, high) in enumerate(pairwise([0, 1, p.shape[0]]))
    ]
    placed = PlacedFile(replace(program, board="test", slices=tuple(slices)))
    path = Limits(Core(neurons=48)).write(file)
    assert check_placement(placed.data(), path) == []
    assert PLANTS[kind](placed, np.random.default_rng(0))
    places = {where.split()[0] for where, _ in check_placement(placed.data(), path)}
    assert places & {"the", "slice", "population", "core", "connection"}


def test_a_program_moved_to_a_chip_whose_neurons_cannot_run_it_is_rejected(small: Program) -> None:
    told = check_placement(program_bytes(replace(small, board="loihi1")))
    assert ("population first", "sends in coding graded, which the neurons of loihi1 cannot") in told
    assert ("population first", "has spikes of 2 bits, the limit is 1") in told
    assert ("population first", "has a state u of 24 bits, the limit is 17") in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"core": 0.5}, "is nowhere: core 0.5 is no whole number"),
        ({"core": True}, "is nowhere: core True is no whole number"),
        ({"lo": [0.0]}, "is nowhere: lo 0.0 is no whole number"),
        ({"hi": [True]}, "is nowhere: hi True is no whole number"),
    ],
)
def test_numbers_that_are_no_integers_are_named(file: Path, small: Program, change: dict[str, Any], told: str) -> None:
    placed = PlacedFile(small)
    next(s for s in placed.slices if s["population"] == "y").update(change)
    wrong = check_placement(placed.data(), Limits().write(file))
    assert ("slice y.0", told) in wrong


@pytest.mark.parametrize("delay", [0, -1, 1.5, True])
def test_delays_below_one_step_are_rejected(file: Path, small: Program, delay: Any) -> None:
    placed = PlacedFile(small)
    placed.plain["connections"][0]["delay"] = delay
    told = f"has a delay of {delay!r}, which is no whole number of at least 1 step"
    name = placed.plain["connections"][0]["name"]
    assert (f"connection {name}", told) in check_placement(placed.data(), Limits().write(file))


def test_a_program_with_a_board_and_no_slices_says_so(file: Path, small: Program) -> None:
    told = check_placement(program_bytes(replace(small, slices=())), Limits().write(file))
    assert told == [("the program", "has no slices: none of its neurons has a core")]


@pytest.mark.parametrize("encoders", ["host", "cores"])
def test_the_host_plays_inputs_where_the_target_has_it_do_so(file: Path, small: Program, encoders: str) -> None:
    hosted = tuple(replace(s, core=HOST) if s.population == "x.levels" else s for s in small.slices)
    content = program_bytes(replace(small, slices=hosted))
    verdict = judge_placement(content, Limits(Core(neurons=32), host=Host(encoders)).write(file))
    told = [] if encoders == "host" else [("slice x.levels.0", "is on the host, which may not play it")]
    assert (verdict.problems, verdict.cores) == (told, len(small.populations) - 1)


def test_boxes_of_another_shape_than_the_convolution_computes_are_rejected(file: Path, small: Program) -> None:
    placed = PlacedFile(small)
    first = next(p for p in placed.plain["populations"] if p["name"] == "first")
    first["shape"] = [32]
    part = next(s for s in placed.slices if s["population"] == "first")
    part["lo"], part["hi"] = [0], [32]
    wrong = check_placement(placed.data(), Limits().write(file))
    assert ("connection first.in", "computes (2, 4, 4), its target is (32,)") in wrong


# ---- what it says of our own placements


@settings(max_examples=25, suppress_health_check=SLOW)
@given(programs(), st.sampled_from(PACKINGS), st.data())
def test_our_placements_keep_every_limit(file: Path, program: Program, packing: Packing, data: st.DataObject) -> None:
    def few(least: int, most: int) -> int | None:
        return data.draw(st.none() | st.integers(least, most))

    core = Core(few(4, 30), few(2, 3), few(2, 9), few(20, 90), few(10, 90), few(20, 200), few(9, 60), few(9, 60))
    limits = Limits(core, packing, Board(cores=4096), Host(data.draw(st.sampled_from(["host", "cores"]))), 64)
    chip = limits.chip()
    try:
        placed = place(program, chip)
    except SnnccError:
        assume(False)
    assert check_placement(program_bytes(placed), limits.write(file)) == []


@pytest.mark.parametrize("name", target_names())
def test_our_placements_on_the_bundled_targets_keep_every_limit(name: str) -> None:
    target, few = load_target(name), IntegerNet(1)
    hidden = few.fire(few.dense(few.input(6), 5), name="hidden")
    number = 0
    for graph in (two_layers(), few.graph(few.read(few.dense(hidden, 2), name="y"))):
        for coding in target.codings:
            program = lower(graph, choose(coding, target), target)
            number += 1
            assert check_placement(program_bytes(place(program, target))) == []
    assert number >= 2


@pytest.mark.parametrize("name", ["keyword_dscnn", "fashion_resnet", "vowels_cnn"])
def test_our_placements_of_example_networks_keep_every_limit(name: str) -> None:
    graph = import_model(EXAMPLES / name / f"{name}.onnx")
    for target in ("loihi2", "loihi1", "generic"):
        placed = place(draft(graph, make_options(target)), load_target(target))
        assert check_placement(program_bytes(placed)) == []


@settings(max_examples=12, suppress_health_check=SLOW)
@given(networks(), st.sampled_from(["loihi2", "loihi1", "paicore"]))
def test_our_placements_of_random_models_keep_every_limit(tmp_path: Path, model: onnx.ModelProto, target: str) -> None:
    onnx.save(model, tmp_path / "it.onnx")
    try:
        placed = place(draft(import_model(tmp_path / "it.onnx"), make_options(target)), load_target(target))
    except SnnccError:
        assume(False)
    assert check_placement(program_bytes(placed)) == []


# ---- files


def test_a_board_is_read_on_top_of_its_chip(tmp_path: Path, small: Program) -> None:
    Limits(Core(neurons=31), board=Board(cores=2)).write(tmp_path / "chip.toml")
    board = tmp_path / "test.toml"
    board.write_text('schema = 2\nchip = "chip.toml"\n[board]\nchips = { value = 3, source = "tests" }\n')
    content = program_bytes(small)
    assert check_placement(content, str(board)) == [("core 1", "has 32 neurons, the limit is 31")]
    board.write_text('schema = 2\nchip = "loihi2"\n[board]\ncores = { value = 4, source = "tests" }\n')
    assert check_placement(content, str(board)) == [("slice y.0", "is on core 4, the board has 4")]


def test_paths_and_bytes_are_read_alike(tmp_path: Path, file: Path, small: Program) -> None:
    small.save(tmp_path / "it.snnp")
    path = Limits().write(file)
    assert check_placement(tmp_path / "it.snnp", path) == check_placement(str(tmp_path / "it.snnp"), path) == []
    assert is_placed(tmp_path / "it.snnp")
    assert not is_placed(program_bytes(lowered(two_layers())))
    assert not is_placed(b"no zip")


def test_the_board_it_names_is_taken_where_no_target_is_given(small: Program) -> None:
    assert check_placement(program_bytes(replace(small, board="loihi2"))) == []
    ((where, sentence),) = check_placement(program_bytes(small))
    assert where == "the target"
    assert sentence.startswith("is not there: ")
    assert sentence.endswith("test.toml; give its file with --target")


@pytest.mark.parametrize("content", ["core = 1", "[core\n", '[core]\nneurons = { value = "many" }', ""])
def test_a_malformed_target_is_no_reason_to_accept(file: Path, small: Program, content: str) -> None:
    file.write_text(content)
    assert len(check_placement(program_bytes(small), str(file))) > 0


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip"])
def test_a_malformed_program_is_no_reason_to_accept(file: Path, content: bytes) -> None:
    ((where, sentence),) = check_placement(content, Limits().write(file))
    assert (where, sentence.split(":")[0]) == ("the file", "cannot be read")
