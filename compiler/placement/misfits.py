"""Every limit of a target that a layout breaks, each with the object, both numbers and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.placement.boards import board_with
from snncc.compiler.placement.cuts import Bounds, Cuts
from snncc.compiler.placement.loads import SUMS, Layer, fan_in, is_pool, loads
from snncc.compiler.placement.memory import width
from snncc.compiler.placement.plan import Plan
from snncc.compiler.placement.split import limits
from snncc.compiler.program import Connection, Population
from snncc.compiler.targets.target import Target

WORDS = {
    "neurons": "neurons",
    "in_axons": "in-axons",
    "out_axons": "out-axons",
    "synapse_words": "words of synapse memory",
}
HINTS = {
    "in_axons": "split its input channels between layers that are summed, pool before it, or use a target with more",
    "out_axons": "use fewer output channels in the layers that hear it, or a target with more",
    "synapse_words": "split its input channels between layers that are summed, or pool before it",
    "neurons": "use another target",
}


def misfits(plan: Plan) -> Iterator[Diagnostic]:
    """Yield every limit that does not hold."""
    for population in plan.program.populations:
        yield from _abilities(population, plan.target)
        if population.name in plan.stuck:
            yield from _stuck(plan.layers[population.name], plan.target)
        if population.name in plan.layers:
            yield from _fans(plan, population)
    for connection in plan.program.connections:
        yield from _connection(connection, plan.program.population[connection.target], plan.target)
    yield from _cores(plan)


def _abilities(population: Population, target: Target) -> Iterator[Diagnostic]:
    """Yield what the neurons of the target cannot do."""
    claim, neuron, name = population.claim, population.neuron, population.name
    if claim and claim.coding and target.codings and claim.coding not in target.codings:
        message = f"population '{name}' sends in coding '{claim.coding}', which the neurons of {target.name} cannot"
        yield Diagnostic("SNN714", message, population.loc, f"compile with --coding {target.codings[0]}")
    if population.payload_bits > max(target.payload_bits, 1):
        message = f"spikes of '{name}' carry {population.payload_bits} bits, {target.name}'s {target.payload_bits}"
        yield Diagnostic("SNN714", message, population.loc, "use fewer bits, or another coding")
    if population.signed and not target.signed:
        message = f"'{name}' sends negative spikes, and those of {target.name} have no sign"
        yield Diagnostic("SNN714", message, population.loc, f"compile with --target {target.name}")
    if wide := [state for state in neuron.states if state.bits > target.state_bits]:
        bits, names = max(state.bits for state in wide), ", ".join(state.name for state in wide)
        message = f"states of '{name}' ({names}) have {bits} bits, those of {target.name} {target.state_bits}"
        yield Diagnostic("SNN714", message, population.loc, f"compile with --target {target.name}")
    if len(neuron.ports) > target.ports:
        message = f"the neurons of '{name}' have {len(neuron.ports)} in-ports, those of {target.name} {target.ports}"
        yield Diagnostic("SNN714", message, population.loc, "use one coding for all that the layer hears")


def _stuck(layer: Layer, target: Target) -> Iterator[Diagnostic]:
    """Yield the limits that a single neuron in the middle of a population exceeds on a core of its own."""
    population, bounds = layer.population, limits(target)
    cuts: Cuts = tuple(_middle(size) for size in population.shape)
    place, told = tuple(min(1, len(axis) - 2) for axis in cuts), False
    for entry, most in bounds.items():
        needed = int(loads(layer, cuts, target, [entry])[entry][place])
        if needed > most:
            message = f"one neuron of '{population.name}' needs {needed} {WORDS[entry]}, a core of {target.name}"
            yield Diagnostic("SNN710", f"{message} has {most}", population.loc, HINTS[entry])
            told = True
    if not told:  # those at its borders need more
        message = f"no cut of '{population.name}' fits the cores of {target.name}: some of its neurons need too much"
        yield Diagnostic("SNN710", message, population.loc, HINTS["out_axons"])


def _middle(size: int) -> Bounds:
    """Return bounds of an axis whose second part, or only one, is a single index."""
    middle = size // 2
    return tuple(sorted({0, middle, middle + 1, size}))


def _fans(plan: Plan, population: Population) -> Iterator[Diagnostic]:
    """Yield fan-ins and fan-outs that the target has not."""
    core, layer = plan.target.core, plan.layers[population.name]
    heard = sum(fan_in(one.connection, population) for one in layer.hears.values())
    if core.fan_in is not None and heard > core.fan_in:
        message = f"a neuron of '{population.name}' has {heard} synapses, one of {plan.target.name} {core.fan_in}"
        yield Diagnostic("SNN712", message, population.loc, HINTS["in_axons"])
    if core.fan_out is not None and (sent := _fan_out(plan, population)) > core.fan_out:
        message = f"a neuron of '{population.name}' reaches {sent} synapses, one of {plan.target.name} {core.fan_out}"
        yield Diagnostic("SNN712", message, population.loc, HINTS["out_axons"])


def _fan_out(plan: Plan, population: Population) -> int:
    """Return the most stored synapses that leave one neuron, counted a connection."""
    found = 0
    for layer in plan.layers.values():
        box = tuple((0, size) for size in layer.population.shape)
        mine = (one for one in layer.hears.values() if one.connection.source == population.name)
        found += sum(int(one.wires.lists(box).max(initial=0)) for one in mine)
    return found


def _connection(connection: Connection, receiver: Population, target: Target) -> Iterator[Diagnostic]:
    """Yield weights and delays that the target has not."""
    if width(connection, is_pool(receiver), target.packing) is None:
        message = f"the weights of '{connection.name}' are wider than any that {target.name} stores"
        hint = f"compile with --weight-bits {max(target.packing.widths)}"
        yield Diagnostic("SNN715", message, connection.loc, hint)
    if connection.delay > 1 + target.max_delay:
        message = f"connection '{connection.name}' takes {connection.delay} steps, on {target.name} at most"
        hint = f"compile with --target {target.name}"
        yield Diagnostic("SNN716", f"{message} {1 + target.max_delay}", connection.loc, hint)


def _cores(plan: Plan) -> Iterator[Diagnostic]:
    """Yield that there are too few cores, what takes most of them, and a board that has enough."""
    target, needed = plan.target, plan.cores
    if needed <= target.board.all_cores:
        return
    taken = sorted(((len(set(bins.tolist())), name) for name, bins in plan.bins.items()), reverse=True)[:3]
    most = ", ".join(f"{name} {cores}" for cores, name in taken)
    message = f"the program takes {needed} cores, {target.name} has {target.board.all_cores}; most take {most}"
    board = board_with(target, needed)
    hint = f"--target {board} has enough" if board else "no bundled board of these chips has as many: a smaller network"
    yield Diagnostic("SNN711", message, Loc("options", "target"), f"{hint}{_thrifty(plan)}")


def _thrifty(plan: Plan) -> str:
    """Return a hint to use fewer weight bits, where memory is what most cores are full of."""
    bounds, full = limits(plan.target), dict.fromkeys(SUMS, 0.0)
    for name in plan.cuts:
        for entry, values in plan.loads(name).items():
            full[entry] += float(values.sum()) / bounds[entry] if entry in bounds else 0.0
    fullest = max(full, key=full.__getitem__)
    return (
        "; fewer weight bits save cores: synapse memory is the fullest"
        if fullest == "synapse_words"
        else (f"; the fullest resource is {WORDS[fullest]}")
    )
