"""Faults in synapses, parameters, schedule, widths, inputs and outputs."""

from __future__ import annotations

from functools import partial

import numpy as np

from tests.runtime.sealed import FAULTS, Make, Random, Sealed, fault


@fault("weight bit", "synapses")
def _weight_bit(sealed: Sealed, random: Random) -> str | None:
    name, weight = sealed.weight(random)
    place, bit = random.integers(weight.size), random.integers(4)
    weight.flat[place] ^= 1 << bit
    return f"bit {bit} of weight {place} of {name}"


@fault("sign of a weight", "synapses")
def _weight_sign(sealed: Sealed, random: Random) -> str | None:
    name, weight = sealed.weight(random)
    if not (places := np.flatnonzero(weight)).size:
        return None
    place = random.choice(places)
    weight.flat[place] *= -1
    return f"sign of weight {place} of {name}"


@fault("dropped synapse", "synapses")
def _dropped(sealed: Sealed, random: Random) -> str | None:
    name, weight = sealed.weight(random)
    if not (places := np.flatnonzero(weight)).size:
        return None
    place = random.choice(places)
    weight.flat[place] = 0
    return f"weight {place} of {name} is 0"


@fault("swapped channels", "synapses")
def _swapped(sealed: Sealed, random: Random) -> str | None:
    name, weight = sealed.weight(random)
    axis = int(random.integers(2))
    if weight.shape[axis] < 2:
        return None
    one, other = random.choice(weight.shape[axis], 2, replace=False)
    order = np.arange(weight.shape[axis])
    order[[one, other]] = other, one
    changed = weight.take(order, axis=axis)
    if (changed == weight).all():
        return None
    weight[...] = changed
    return f"channels {one} and {other} of axis {axis} of {name}"


@fault("shifted window", "synapses")
def _shifted(sealed: Sealed, random: Random) -> str | None:
    connection = sealed.pick("connections", random)
    pads = connection["synapses"].get("pads", [])
    if not pads or sum(pads) == 0:
        return None
    axis = int(random.integers(len(pads) // 2))
    begin, end = axis, axis + len(pads) // 2
    if pads[begin] > pads[end]:
        begin, end = end, begin
    if pads[end] == 0:
        return None
    pads[begin], pads[end] = pads[begin] + 1, pads[end] - 1
    return f"padding of axis {axis} of {connection['name']}"


@fault("gather entry", "synapses")
def _gather(sealed: Sealed, random: Random) -> str | None:
    gathered = [c for c in sealed.plain["connections"] if "gather" in c]
    if not gathered:
        return None
    connection = gathered[random.integers(len(gathered))]
    sizes = {p["name"]: int(np.prod(p["shape"])) for p in sealed.plain["populations"]}
    gather = sealed.tensors[connection["gather"]] = sealed.tensors[connection["gather"]].copy()
    place, entry = random.integers(gather.size), random.integers(-1, sizes[connection["source"]])
    if gather[place] == entry:
        return None
    gather[place] = entry
    return f"entry {place} of the gather of {connection['name']} is {entry}"


@fault("connection left out", "synapses")
def _left_out(sealed: Sealed, random: Random) -> str | None:
    connections = sealed.plain["connections"]
    return f"{connections.pop(random.integers(len(connections)))['name']}"


@fault("connection twice", "synapses")
def _twice(sealed: Sealed, random: Random) -> str | None:
    connection = sealed.pick("connections", random)
    sealed.plain["connections"].append(connection | {"name": f"{connection['name']}.again"})
    return f"{connection['name']}"


@fault("other source", "synapses")
def _other_source(sealed: Sealed, random: Random) -> str | None:
    connection = sealed.pick("connections", random)
    shapes = {p["name"]: int(np.prod(p["shape"])) for p in sealed.plain["populations"]}
    alike = [n for n, size in shapes.items() if n != connection["source"] and size == shapes[connection["source"]]]
    if not alike:
        return None
    connection["source"] = alike[random.integers(len(alike))]
    return f"{connection['name']} hears {connection['source']}"


def _parameter(sealed: Sealed, random: Random, prefix: str) -> str | None:
    """Change one entry of a parameter whose name, digits left out, is given, by 1."""
    found = [
        (p["name"], name, path)
        for p in sealed.plain["populations"]
        for name, path in p.get("params", {}).items()
        if name.rstrip("0123456789") == prefix
    ]
    if not found:
        return None
    population, name, path = found[random.integers(len(found))]
    array = sealed.tensors[path] = sealed.tensors[path].copy()
    place, step = random.integers(array.size), random.choice([-1, 1])
    array.flat[place] += step
    return f"{step:+d} in {name}[{place}] of {population}"


def _enter_parameters() -> None:
    names = {"theta": "theta", "bias": "offset", "cap": "cap", "floor": "floor", "shift": "shift"}
    names |= {"threshold of a ladder": "t", "step of a ladder": "d", "edge of a max-pool": "absent"}
    for kind, prefix in names.items():
        FAULTS[kind] = ("parameters", partial(_parameter, prefix=prefix))


_enter_parameters()


def _changed(section: str, field: str) -> Make:
    def change(sealed: Sealed, random: Random) -> str | None:
        item, step = sealed.pick(section, random), int(random.choice([-1, 1]))
        if field not in item:
            return None
        item[field] += step
        return f"{step:+d} in the {field} of {item['name']}"

    return change


for _kind, _section, _field in (
    ("delay", "connections", "delay"),
    ("start", "populations", "start"),
    ("window", "populations", "window"),
    ("level of an input", "inputs", "hi"),
):
    FAULTS[_kind] = ("rest", _changed(_section, _field))


@fault("interval", "rest")
def _interval(sealed: Sealed, random: Random) -> str | None:
    sealed.plain["interval"] -= 1
    return "-1"


@fault("width of payloads", "rest")
def _narrow(sealed: Sealed, random: Random) -> str | None:
    population = sealed.pick("populations", random)
    if population["signed"]:
        population["signed"] = False
    else:
        population["payload_bits"] -= 1
    return str(population["name"])


@fault("order of an output", "rest")
def _output(sealed: Sealed, random: Random) -> str | None:
    output = sealed.pick("outputs", random)
    size = next(int(np.prod(p["shape"])) for p in sealed.plain["populations"] if p["name"] == output["population"])
    if size < 2:
        return None
    path = output.setdefault("gather", f"outputs/{output['name']}/gather")
    gather = sealed.tensors.get(path, np.arange(size)).copy()
    gather[[0, -1]] = gather[[-1, 0]]
    sealed.tensors[path] = gather
    return str(output["name"])


@fault("unit", "rest")
def _unit(sealed: Sealed, random: Random) -> str | None:
    item = sealed.pick(str(random.choice(["inputs", "outputs"])), random)
    top, bottom = map(int, item["scale"].split("/"))
    item["scale"] = f"{2 * top + 1}/{2 * bottom}"
    return str(item["name"])
