"""Placements keep every limit, and take few cores."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.placement.cuts import boxes
from snncc.compiler.placement.fit import fit
from snncc.compiler.placement.place import place
from snncc.compiler.placement.plan import lay_out
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import ConvSynapses, Population, Program
from snncc.compiler.targets import load_target
from snncc.compiler.targets.target import Board, Core, Host, Packing, Target
from tests.compiler.placement.cutting import members, programs, stored

IDEAL = load_target("generic")
PLAIN = Packing("list", 8, shared_kernels=False, list_bits=3, header_bits=2)


def chip(core: Core, board: Board | None = None, packing: Packing = PLAIN, host: Host | None = None) -> Target:
    """Return a target that limits cores alone."""
    return replace(
        IDEAL, name="chip", core=core, board=board or Board(4, 16, 1, 4, 2), packing=packing, host=host or Host()
    )


@st.composite
def cores(draw: st.DrawFn) -> Core:
    """Return limits, from none to very few of everything."""
    few = [None, 4, 9, 30, 100]
    return Core(
        neurons=draw(st.sampled_from([*few, 3])),
        programs=draw(st.sampled_from([None, 1, 2])),
        thresholds=draw(st.sampled_from([None, 1, 3])),
        in_axons=draw(st.sampled_from([None, 20, 60])),
        out_axons=draw(st.sampled_from([None, 20, 60])),
        synapse_words=draw(st.sampled_from([None, 60, 300])),
    )


def counted(program: Program, target: Target) -> dict[int, dict[str, int]]:
    """Return what every core holds, counted synapse by synapse."""
    populations, held = program.population, defaultdict[int, dict[str, int]](lambda: defaultdict(int))
    at = {p.name: np.full(p.size, HOST) for p in program.populations}
    for part in program.slices:
        own = members(populations[part.population], tuple(zip(part.lo, part.hi, strict=True)))
        at[part.population][own] = part.core
        held[part.core]["neurons"] += len(own)
    for connection in program.connections:
        source, receiver = populations[connection.source], populations[connection.target]
        joined = stored(connection, source, receiver)
        for part in (s for s in program.slices if s.population == receiver.name):
            box = tuple(zip(part.lo, part.hi, strict=True))
            lists = joined[members(receiver, box)].sum(axis=0)
            held[part.core]["in_axons"] += int((lists > 0).sum())
            for core, count in zip(*np.unique(at[source.name][lists > 0], return_counts=True), strict=True):
                held[int(core)]["out_axons"] += int(count)
    return held


@given(programs(), st.integers(0, 2))
def test_neurons_that_reset_themselves_take_axons_and_words(program: Program, loops: int) -> None:
    sending = sum(p.size for p in program.populations if p.name in {c.source for c in program.connections})
    plain, looped = (lay_out(program, chip(Core(), packing=replace(PLAIN, loops=n))) for n in (0, loops))
    for entry in ("in_axons", "out_axons", "synapse_words"):
        more = [int(plan.loads(p)[entry].sum()) for plan in (looped, plain) for p in plan.cuts]
        assert sum(more[: len(more) // 2]) - sum(more[len(more) // 2 :]) == loops * sending, entry


@given(programs(), cores())
def test_no_limit_is_exceeded_and_every_neuron_has_its_core(program: Program, core: Core) -> None:
    target = chip(core, Board(64, 16, 1, 4, 8))
    try:
        placed = place(program, target)
    except SnnccError as error:
        assert {d.code for d in error.diagnostics} <= {"SNN710", "SNN711"}  # noqa: PT017
        return
    covered = {p.name: np.zeros(p.size, dtype=int) for p in program.populations}
    for part in placed.slices:
        covered[part.population][
            members(program.population[part.population], tuple(zip(part.lo, part.hi, strict=True)))
        ] += 1
    assert all((count == 1).all() for count in covered.values())
    for core_number, held in counted(placed, target).items():
        assert 0 <= core_number < target.board.all_cores
        for name, amount in held.items():
            assert getattr(core, name) is None or amount <= getattr(core, name), name


@given(programs(), cores())
def test_loads_of_a_layout_are_those_counted(program: Program, core: Core) -> None:
    plan = lay_out(program, chip(replace(core, in_axons=None, out_axons=None, synapse_words=None)))
    if plan.stuck or plan.cores > plan.target.board.all_cores:
        return
    held = counted(place(program, plan.target), plan.target)
    total = {name: sum(h[name] for h in held.values()) for name in ("neurons", "in_axons", "out_axons")}
    for name, amount in total.items():
        assert amount == sum(int(plan.loads(p)[name].sum()) for p in plan.cuts), name


@given(programs())
def test_a_program_is_placed_alike_every_time(program: Program) -> None:
    target = chip(Core(neurons=7))
    assert place(program, target).slices == place(program, target).slices


def population(size: int) -> Population:
    from tests.strategies_program import example

    y = example().population["y"]
    return replace(y, name="y", shape=(size,), params={name: np.array(1) for name in y.params}, claim=None)


def alone(*sizes: int) -> Program:
    """Return a program of populations that hear nothing."""
    parts = tuple(replace(population(size), name=f"p{i}") for i, size in enumerate(sizes))
    return Program("alone", "generic", 1, parts, ())


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [((10,), 1), ((11,), 2), ((6, 6, 6, 2), 2), ((30,), 3), ((7, 7, 6), 2), ((1,) * 20, 2), ((95,), 10)],
)
def test_as_few_cores_as_can_be(sizes: tuple[int, ...], wanted: int) -> None:
    assert fit(alone(*sizes), chip(Core(neurons=10))).cores == wanted


def test_work_is_spread_over_the_cores_there_must_be() -> None:
    placed = place(alone(6, 6, 3, 3), chip(Core(neurons=10)))
    held = defaultdict[int, int](int)
    for part in placed.slices:
        held[part.core] += part.size
    assert sorted(held.values()) == [9, 9]


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    small = chip(Core(neurons=2), Board(1, 2, 1, 1, 1))
    limited = replace(small, state_bits=3, max_delay=0, codings=("rate",))
    from tests.strategies_program import example

    with pytest.raises(SnnccError) as caught:
        place(example(), replace(limited, packing=replace(PLAIN, widths=(1, 2))))
    codes = {d.code for d in caught.value.diagnostics}
    assert {"SNN711", "SNN714", "SNN715"} <= codes


def test_inputs_live_on_the_host_where_the_target_says_so() -> None:
    from tests.strategies_program import example

    placed = place(example(), chip(Core(), host=Host("host")))
    assert [s.core for s in placed.slices if s.population == "x"] == [HOST]
    assert Slice("y.0", "y", (0, 0, 0), (9, 1, 1), 0) in placed.slices


def test_a_neuron_that_needs_too_much_is_named() -> None:
    from tests.strategies_program import example

    found = fit(example(), chip(Core(in_axons=2)))
    assert not found.fits
    (problem,) = found.violations
    assert problem.code == "SNN710"
    assert "one neuron of 'y' needs" in problem.message


def test_shared_kernels_take_what_intel_publishes_for_pilotnet() -> None:
    """Words of SynMem a core: conv1 to conv5 of PilotNet on Loihi 2, public notebook of lava-dl."""
    chip2 = load_target("loihi2")
    rows = [(3, 24, 8, 81), (24, 36, 7, 864), (36, 48, 6, 1620), (48, 64, 6, 2592), (64, 64, 5, 2880)]
    for ins, outs, bits, words in rows:
        most = (1 << (bits - 1)) - 1
        kernel = np.full((outs, ins, 3, 3), most, dtype=np.int64)
        from snncc.compiler.placement.memory import words as taken
        from snncc.compiler.program import Connection

        conv = ConvSynapses(kernel, (ins, 5, 5), (1, 1), (0, 0, 0, 0), (1, 1))
        wires = Connection("c", "a", "b", "add", conv)
        cuts = ((0, outs), (0, 3), (0, 3))
        assert taken(wires, None, cuts, chip2.packing, bits).tolist() == [[[words]]]  # type: ignore[arg-type]
    assert len(list(boxes(cuts))) == 1
