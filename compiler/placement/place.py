"""Place a program on a chip: the slices of its populations, each on one core, every limit of the chip kept.

Fewest cores come first, then the lowest load of the busiest core, for it sets the time of a step, then short ways of
the messages, then few borders of chips on them. A convolution is never unrolled: the cost of placing grows with layers
and cores, not with synapses. The same program is placed alike every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from snncc.compiler.coding import CODINGS, Levels, spikes_by_level
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.placement.cuts import Ints, boxes
from snncc.compiler.placement.mesh import MOST_SWAPPED, Floats, arrange
from snncc.compiler.placement.misfits import misfits
from snncc.compiler.placement.plan import Plan, lay_out
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Program
from snncc.compiler.targets.target import Target

LONGEST = 1024  # steps; the spikes of longer windows are not counted


def place(program: Program, target: Target, spikes: Mapping[str, float] | None = None) -> Program:
    """Return the program with every neuron on a core.

    Args:
        program: any program; an earlier placement is forgotten.
        target: chip or board.
        spikes: mean spikes of a neuron in an inference by population, from calibration; 1 where not known.

    Raises:
        SnnccError: SNN710 to SNN716, everything that does not fit.
    """
    found, problems = place_if_fits(program, target, spikes or {})
    if problems:
        raise SnnccError(problems)
    return found


def place_if_fits(
    program: Program, target: Target, spikes: Mapping[str, float]
) -> tuple[Program, tuple[Diagnostic, ...]]:
    """Return the placed program; where it does not fit, the program as it is, and every reason; see ``place``."""
    plan = lay_out(program, target, spikes)
    problems = tuple(misfits(plan))
    return (program if problems else placed(plan, spikes)), problems


def mean_spikes(program: Program, counts: Mapping[str, Ints]) -> dict[str, float]:
    """Return the mean spikes of a neuron in an inference, by population.

    Args:
        program: a program that was compiled from a network.
        counts: by node of the network how often it sends each level lo..hi on calibration data; nodes may be missing.
    """
    found = {}
    for population in program.populations:
        claim = population.claim
        if claim is None or not claim.coding or population.window > LONGEST:
            continue
        if (seen := counts.get(claim.node)) is not None:
            sent = spikes_by_level(CODINGS[claim.coding], Levels(claim.lo, claim.hi))
            found[population.name] = float(sent @ seen / max(int(seen.sum()), 1))
    return found


def placed(plan: Plan, spikes: Mapping[str, float]) -> Program:
    """Return the program of a layout that fits, its bins on cores."""
    traffic = _traffic(plan, spikes) if plan.cores <= MOST_SWAPPED else None
    cores = arrange(plan.target.board, traffic, plan.cores)
    return replace(plan.program, board=plan.target.name, slices=tuple(_slices(plan, cores)))


def _slices(plan: Plan, cores: Ints) -> Iterator[Slice]:
    for population in plan.program.populations:
        if population.name not in plan.layers:
            whole = population.shape
            yield Slice(f"{population.name}.0", population.name, (0,) * len(whole), whole, HOST)
            continue
        pairs = zip(boxes(plan.cuts[population.name]), plan.bins[population.name], strict=True)
        for number, (box, chosen) in enumerate(pairs):
            low, high = tuple(a for a, _ in box), tuple(b for _, b in box)
            yield Slice(f"{population.name}.{number}", population.name, low, high, int(cores[chosen]))


def _traffic(plan: Plan, spikes: Mapping[str, float]) -> Floats:
    """Return the messages from bin to bin in an inference, float64 [bins, bins], none from a bin to itself."""
    found = np.zeros((plan.cores, plan.cores))
    for connection in plan.program.connections:
        if connection.source not in plan.cuts:
            continue
        source, receiver = plan.bins[connection.source], plan.bins[connection.target]
        wires = plan.layers[connection.target].hears[connection.name].wires
        shared = wires.shared(plan.cuts[connection.target], plan.cuts[connection.source])
        np.add.at(found, (source[None, :], receiver[:, None]), shared * spikes.get(connection.source, 1.0))
    np.fill_diagonal(found, 0.0)
    return found
