"""What SANA-FE's model of Loihi cannot be: everything at once, each with the nearest fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from snncc.backends.sanafe.layout import CORES, ROOM, groups_of
from snncc.backends.sanafe.roles import FIRE, POOL, READ, role_of
from snncc.backends.sanafe.synapses import most_synapses
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.program import Population, Program, TensorInput

MOST_SYNAPSES = 3_000_000  # written one by one: a file of 120 MB, and SANA-FE takes some 6 GB to run it
RATE = "compile with --coding rate --target loihi1"
SEQUENTIAL = "compile with --schedule sequential"
PLACE = "place it on loihi1"


def problems(program: Program) -> list[Diagnostic]:
    """Return why a program has no form in SANA-FE's loihi.yaml; empty if it has one."""
    found = [*_inputs(program), *_neurons(program)]
    found += [] if found else _windows(program)  # of neurons that can be
    return [*found, *_places(program), *_size(program)]


def _inputs(program: Program) -> Iterator[Diagnostic]:
    loc = Loc(program.name, "")
    if not any(isinstance(i, TensorInput) for i in program.inputs):
        yield Diagnostic("SNN746", f"program '{program.name}' takes no tensor", loc, "export a compiled network")
    for source in program.inputs:
        if not isinstance(source, TensorInput):
            message = f"input '{source.name}' is a stream of events, which come from outside while a chip runs"
            yield Diagnostic("SNN746", message, loc, "export a program that takes tensors")
    if not program.interval:
        message = f"program '{program.name}' runs freely: its neurons keep no windows"
        yield Diagnostic("SNN746", message, loc, RATE)


def _neurons(program: Program) -> Iterator[Diagnostic]:
    for population in program.populations:
        claim, role = population.claim, role_of(program, population)
        if claim is None or not role:
            what = "counts a ladder of thresholds" if claim else "runs a program of its own"
            message = f"population '{population.name}' {what}; the neurons of SANA-FE's Loihi integrate and fire"
            yield Diagnostic("SNN741", message, population.loc, "use ReLU, with or without a cap, in the model")
        elif role != READ and claim.coding != "rate":
            message = (
                f"population '{population.name}' sends in coding '{claim.coding}', for which SANA-FE's Loihi has no "
                f"neuron: its spikes are one bit, its neurons integrate and fire with soft reset"
            )
            yield Diagnostic("SNN740", message, population.loc, RATE)
        elif role in (FIRE, POOL) and claim.lo < 0:
            message = f"population '{population.name}' has levels {claim.lo}..{claim.hi}; its spikes would need a sign"
            yield Diagnostic("SNN741", message, population.loc, "use ReLU before it, in the model")


def _windows(program: Program) -> Iterator[Diagnostic]:
    """Yield populations that would integrate while they fire: SANA-FE's neurons have one potential for both.

    A spike may arrive sooner than the program says, as long as it arrives while its receiver integrates: what a neuron
    has summed up when its window opens does not depend on when. So delays need no form there.
    """
    populations = program.population
    for connection in program.connections:
        source, target = populations[connection.source], populations[connection.target]
        if role_of(program, target) == POOL:
            fits = source.start + 1 == target.start
        else:
            closed = target.start + target.window  # the step in which the closing line arrives
            fits = source.start + 1 + program.interval > closed and target.window < program.interval
            fits = fits and source.start + source.window <= target.start
        if not fits:
            message = (
                f"population '{target.name}' hears '{source.name}' while it fires, or for the next sample before it "
                f"has fired; SANA-FE's neurons have one potential for both"
            )
            yield Diagnostic("SNN742", message, target.loc, SEQUENTIAL)


def _places(program: Program) -> Iterator[Diagnostic]:
    loc = Loc(program.name, "")
    if not program.slices:
        yield Diagnostic("SNN743", f"program '{program.name}' is not placed", loc, PLACE)
        return
    if beyond := sorted({part.core for part in program.slices if part.core >= CORES}):
        message = f"core {beyond[0]} lies beyond the {CORES} cores of the one chip that SANA-FE's loihi.yaml has"
        yield Diagnostic("SNN743", message, loc, f"{PLACE}, which has one chip; fewer neurons if it does not fit")
        return
    held: Counter[int] = Counter()
    for part in program.slices:
        held[part.core] += part.size if part.core >= 0 else 0
    for core, neurons in sorted(held.items()):
        if neurons > ROOM:
            message = f"core {core} holds {neurons} neurons; a core of SANA-FE's Loihi holds {ROOM}"
            yield Diagnostic("SNN743", message, loc, PLACE)
    if last := max((group.core for group in groups_of(program) if group.core >= CORES), default=0):
        message = f"inputs and gate lines need {last - CORES + 1} cores beside those of the placement, of {CORES}"
        yield Diagnostic("SNN743", message, loc, "export a smaller network")


def _size(program: Program) -> Iterator[Diagnostic]:
    sizes = {c.name: most_synapses(c) for c in program.connections}
    if (total := sum(sizes.values())) > MOST_SYNAPSES:
        largest = max(sizes, key=lambda name: sizes[name])
        loc = next(c.loc for c in program.connections if c.name == largest)
        message = (
            f"the network has up to {total} synapses, {sizes[largest]} of them in connection '{largest}'; they are "
            f"written one by one, {MOST_SYNAPSES} at most"
        )
        yield Diagnostic("SNN744", message, loc, "export a smaller network of the same kind")


def too_wide(population: Population, least: int, most: int, limit: int) -> Diagnostic:
    """Return SNN745: potentials beyond what SANA-FE holds."""
    message = (
        f"the potentials of population '{population.name}' may reach {least}..{most} with its gate lines; SANA-FE "
        f"holds them exactly between -{limit} and {limit}"
    )
    return Diagnostic("SNN745", message, population.loc, "compile with fewer levels or weight bits")
