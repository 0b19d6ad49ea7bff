"""Whether a program fits a chip, and what it needs of it: every limit that does not hold, each with what would help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.placement.loads import SUMS, fan_in
from snncc.compiler.placement.misfits import misfits
from snncc.compiler.placement.plan import Plan, lay_out
from snncc.compiler.placement.split import limits
from snncc.compiler.program import Population, Program
from snncc.compiler.targets.target import Target


@dataclass(frozen=True)
class Need:
    """What a population needs.

    Attributes:
        population: its name.
        kind: ``input``, or what its claim says: ``fire``, ``ladder``, ``pool``, ``copy`` (a relay), ``read``.
        coding: how it sends; empty where it sends nothing.
        shape: its sizes.
        neurons: how many.
        slices: how many boxes it is cut into; 0 where it cannot be cut to fit, or where the host plays it.
        on_host: whether the host plays it.
        cores: how many cores hold a box of it.
        most: of its boxes the greatest need, by entry of SUMS.
        total: of all of them together.
        fan_in: stored synapses of the neuron that has most, connection by connection.
        weight_bits: of the widest of its stored weights, sign included; 0 where it has none.
        loc: where it comes from in the user's model.
    """

    population: str
    kind: str
    coding: str
    shape: tuple[int, ...]
    neurons: int
    slices: int
    on_host: bool
    cores: int
    most: Mapping[str, int]
    total: Mapping[str, int]
    fan_in: int
    weight_bits: int
    loc: str


@dataclass(frozen=True)
class Fit:
    """What a program needs of a target.

    Attributes:
        target: chip or board.
        layers: the needs of each population, in the order of the data flow.
        cores: cores that all of them take together, inputs included; those that cannot be cut count none.
        inputs: cores that hold nothing but inputs.
        chips: chips that so many cores take.
        limits: what a core has, by entry of SUMS; those that are known.
        violations: every limit that does not hold; warnings are not among them.
    """

    target: Target
    layers: tuple[Need, ...]
    cores: int
    inputs: int
    chips: int
    limits: Mapping[str, int]
    violations: tuple[Diagnostic, ...]

    @property
    def fits(self) -> bool:
        """Return whether every limit holds."""
        return not self.violations


def fit(program: Program, target: Target) -> Fit:
    """Return what a program needs of a target, and every limit that does not hold.

    Args:
        program: any program; a draft, see ``mapping.draft``, where nothing is calibrated yet.
        target: chip or board.
    """
    plan = lay_out(program, target)
    needs = tuple(_need(plan, population) for population in program.populations)
    chips = -(-plan.cores // target.board.cores)
    return Fit(target, needs, plan.cores, _input_cores(plan), chips, limits(target), tuple(misfits(plan)))


def _need(plan: Plan, population: Population) -> Need:
    claim, name = population.claim, population.name
    loads = plan.loads(name) if name in plan.cuts else {entry: None for entry in SUMS}
    heard = plan.layers[name].hears.values() if name in plan.layers else ()
    bins = plan.bins.get(name)
    return Need(
        name,
        "input" if _is_input(plan.program, name) else claim.kind if claim else "",
        claim.coding if claim else "",
        population.shape,
        population.size,
        0 if bins is None else len(bins),
        name not in plan.layers,
        0 if bins is None else len(set(bins.tolist())),
        {entry: int(values.max()) for entry, values in loads.items() if values is not None},
        {entry: int(values.sum()) for entry, values in loads.items() if values is not None},
        sum(fan_in(one.connection, population) for one in heard),
        max((one.bits for one in heard), default=0),
        str(population.loc),
    )


def _input_cores(plan: Plan) -> int:
    """Return how many cores hold inputs and nothing else."""
    held = {True: set[int](), False: set[int]()}
    for name, bins in plan.bins.items():
        held[_is_input(plan.program, name)] |= set(bins.tolist())
    return len(held[True] - held[False])


def _is_input(program: Program, name: str) -> bool:
    return any(i.population == name for i in program.inputs)
