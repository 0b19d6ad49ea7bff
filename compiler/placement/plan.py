"""How a program is laid out on a target: the cuts of every population, what each box needs, and the core it goes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from snncc.compiler.placement.cuts import Cuts, Ints, count
from snncc.compiler.placement.kinds import Kinds, kinds_of_boxes
from snncc.compiler.placement.loads import Layer, layers, loads, work
from snncc.compiler.placement.pack import Items, pack
from snncc.compiler.placement.split import fits, limits, split
from snncc.compiler.program import Population, Program, TensorInput
from snncc.compiler.targets.target import Target

FINER = 2_000  # cores up to which finer boxes are tried, which fill cores better and share kernels less
SHARES = (2, 3, 4, 6)  # parts of a core that a box may take there
ROUNDS = 4  # of cutting again where connections run backwards and receivers were not cut yet


@dataclass
class Plan:
    """A layout.

    Attributes:
        program: what is laid out.
        target: where.
        layers: populations on cores, by name, with what they hear.
        kinds: of neurons.
        cuts: of each population that could be cut.
        stuck: populations of which not even a single neuron fits a core.
        bins: for each population the bin of each box, numbered from 0 in the order of the data flow.
    """

    program: Program
    target: Target
    layers: dict[str, Layer]
    kinds: Kinds
    cuts: dict[str, Cuts] = field(default_factory=dict)
    stuck: list[str] = field(default_factory=list)
    bins: dict[str, Ints] = field(default_factory=dict)

    @property
    def cores(self) -> int:
        """Return the number of bins."""
        return max((int(bins.max()) + 1 for bins in self.bins.values()), default=0)

    def loads(self, name: str) -> dict[str, Ints]:
        """Return what each box of a population needs, int64 [boxes], by entry of SUMS."""
        found = loads(self.layers[name], self.cuts[name], self.target)
        return {entry: values.ravel() for entry, values in found.items()}


def lay_out(program: Program, target: Target, spikes: Mapping[str, float] | None = None) -> Plan:
    """Return a layout on as few cores as are found, whether the target has as many or not.

    Args:
        program: any program.
        target: chip or board.
        spikes: mean spikes of a neuron in an inference by population, from calibration; 1 where not known.
    """
    first = _attempt(program, target, spikes or {}, None)
    neurons = target.core.neurons
    if neurons is None or first.stuck or first.cores > FINER or first.cores <= _least(first):
        return first
    sizes = dict.fromkeys(neurons // share for share in SHARES if neurons >= share)
    finer = [_attempt(program, target, spikes or {}, size) for size in sizes]
    return min([first, *(plan for plan in finer if not plan.stuck)], key=lambda plan: plan.cores)


def _attempt(program: Program, target: Target, spikes: Mapping[str, float], most: int | None) -> Plan:
    """Return a layout whose boxes have no more than some neurons each."""
    kinds = Kinds()
    known = layers(program, target, spikes, kinds)
    placed = {p.name: known[p.name] for p in program.populations if not on_host(p, program, target)}
    plan = Plan(program, target, placed, kinds)
    for _ in range(ROUNDS):
        _cut(plan, most)
        if all(fits(plan.layers[name], cuts, target) for name, cuts in plan.cuts.items()):
            break
    _pack(plan)
    return plan


def _least(plan: Plan) -> int:
    """Return a number of cores that no layout with such boxes can do without: the fullest resource divided."""
    whole = [plan.loads(name) for name in plan.cuts]
    shares = (sum(int(load[e].sum()) for load in whole) / most for e, most in limits(plan.target).items() if most)
    return ceil(max(shares, default=1))


def on_host(population: Population, program: Program, target: Target) -> bool:
    """Return whether the host plays a population: an input that no synapse reaches."""
    if target.host.encoders != "host":
        return False
    fed = any(isinstance(i, TensorInput) and i.population == population.name for i in program.inputs)
    return fed and all(c.target != population.name for c in program.connections)


def _cut(plan: Plan, most: int | None) -> None:
    """Cut every population, the receivers before those they hear."""
    plan.stuck.clear()
    for name, layer in reversed(plan.layers.items()):
        heard_by = [c for c in plan.program.connections if c.source == name and c.target in plan.cuts]
        layer.heard_by = [plan.layers[c.target].hears[c.name].wires.reach(plan.cuts[c.target]) for c in heard_by]
        cuts = split(layer, plan.target, most)
        if cuts is None:
            plan.stuck.append(name)
            plan.cuts.pop(name, None)
        else:
            plan.cuts[name] = cuts


def _pack(plan: Plan) -> None:
    """Give every box a bin."""
    names = [name for name in plan.layers if name in plan.cuts]
    if not names:
        return
    bounds, core = limits(plan.target), plan.target.core
    needs = [plan.loads(name) for name in names]
    table = [np.concatenate([need[entry] for need in needs]) for entry in bounds]
    boxes_of = [count(plan.cuts[name]) for name in names]
    busy = [work(plan.layers[name], plan.cuts[name], plan.program.interval, plan.target).ravel() for name in names]
    kinds = [k for name in names for k in kinds_of_boxes(plan.layers[name].kinds, plan.cuts[name])]
    numbers = plan.kinds.program
    summed = np.stack(table, axis=1) if table else np.zeros((sum(boxes_of), 0), dtype=np.int64)
    most = np.array(list(bounds.values()), dtype=np.int64)
    bins = _in_order(pack(Items(summed, most, np.concatenate(busy), kinds, numbers, core.programs, core.thresholds)))
    plan.bins = dict(zip(names, np.split(bins, np.cumsum(boxes_of)[:-1]), strict=True))


def _in_order(bins: Ints) -> Ints:
    """Number bins as the data flow first meets them."""
    _, first, inverse = np.unique(bins, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), dtype=np.int64)
    ranks[np.argsort(first, kind="stable")] = np.arange(len(first))
    ordered: Ints = ranks[inverse]
    return ordered
