"""Files to check placements with: the .snnp of a placed program, to plant violations in, and small target files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from snncc.compiler.container import program_bytes
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from snncc.compiler.targets.target import Board, Core, Host, Packing, Target

Random = np.random.Generator
WIDEST, LONGEST = 24, 62  # weights and delays of the target files
STATES, PAYLOADS, PORTS = 24, 24, 16  # bits of states and spikes, and in-ports, of the target files
ABILITIES = ("codings", "graded", "signed", "ports")


@dataclass(frozen=True)
class Limits:
    """What a target file of tests says."""

    core: Core = field(default_factory=Core)
    packing: Packing = field(default_factory=Packing)
    board: Board = field(default_factory=lambda: Board(cores=12))
    host: Host = field(default_factory=lambda: Host("host"))
    weight_bits: int = WIDEST
    max_delay: int = LONGEST
    state_bits: int = STATES
    payload_bits: int = PAYLOADS
    codings: tuple[str, ...] = ("graded", "bitplane", "rate", "ttfs")
    graded: bool = True
    signed: bool = True
    ports: int = PORTS

    def chip(self) -> Target:
        """Return the target that the file describes; what it leaves open is as on ``generic``."""
        changes: dict[str, Any] = {part.name: getattr(self, part.name) for part in fields(self)}
        return replace(load_target("generic"), name="test", **changes)

    def write(self, path: Path, chip: str = "") -> str:
        """Write the file, on top of a chip's if one is named; return its name."""
        sections: dict[str, dict[str, Any]] = {
            "arithmetic": {n: getattr(self, n) for n in ("weight_bits", "max_delay", "state_bits", "payload_bits")},
            "features": {name: getattr(self, name) for name in ABILITIES},
            **{name: asdict(getattr(self, name)) for name in ("core", "packing", "board", "host")},
        }
        lines = ["schema = 2", f'chip = "{chip}"' if chip else ""]
        for name, figures in sections.items():
            lines += [f"[{name}]", *(f"{key} = {_figure(value)}" for key, value in figures.items())]
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path)


def _figure(value: object) -> str:
    if value is None:
        return '{ absent = "not public" }'
    told = json.dumps(list(value) if isinstance(value, tuple) else value)
    return f'{{ value = {told}, source = "tests" }}'


class PlacedFile:
    """A .snnp file of a placed program, as plain data."""

    def __init__(self, program: Program) -> None:
        with zipfile.ZipFile(io.BytesIO(program_bytes(program))) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.plain: dict[str, Any] = json.loads(self.members["program.json"])

    def copy(self) -> PlacedFile:
        return deepcopy(self)

    def data(self) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in (self.members | {"program.json": json.dumps(self.plain).encode()}).items():
                archive.writestr(name, content)
        return buffer.getvalue()

    @property
    def slices(self) -> list[dict[str, Any]]:
        return self.plain["slices"]

    @property
    def shapes(self) -> dict[str, list[int]]:
        return {p["name"]: p["shape"] for p in self.plain["populations"]}

    def neurons(self) -> dict[int, int]:
        """Return the neurons of each core."""
        found: dict[int, int] = {}
        for part in self.slices:
            size = prod(high - low for low, high in zip(part["lo"], part["hi"], strict=True))
            found[part["core"]] = found.get(part["core"], 0) + size
        return found


Plant = Callable[[PlacedFile, Random], bool]  # plants one violation; False where this file has no place for it
PLANTS: dict[str, Plant] = {}


def _plant(make: Plant) -> Plant:
    PLANTS[make.__name__.replace("_", " ")] = make
    return make


def _any(items: list[Any], random: Random) -> Any:
    return items[random.integers(len(items))]


@_plant
def slice_taken_away(file: PlacedFile, random: Random) -> bool:
    file.slices.remove(_any(file.slices, random))
    return True


@_plant
def slice_shorter_by_one(file: PlacedFile, random: Random) -> bool:
    wide = [(part, axis) for part in file.slices for axis in range(len(part["lo"])) if _length(part, axis) > 1]
    if wide:
        part, axis = _any(wide, random)
        part["hi"][axis] -= 1
    return bool(wide)


@_plant
def slice_longer_by_one(file: PlacedFile, random: Random) -> bool:
    """Grow a slice into its neighbour, or past the end."""
    part = _any(file.slices, random)
    if part["lo"]:
        part["hi"][random.integers(len(part["hi"]))] += 1
    return bool(part["lo"])


@_plant
def slice_before_the_start(file: PlacedFile, random: Random) -> bool:
    part = _any(file.slices, random)
    for axis, low in enumerate(part["lo"]):
        part["lo"][axis] = low - file.shapes[part["population"]][axis]
    return bool(part["lo"])


@_plant
def slice_moved_along(file: PlacedFile, random: Random) -> bool:
    """Move a slice by one within the shape, so that some neurons are in none and others may be in two."""
    shapes = file.shapes
    room = [(p, a) for p in file.slices for a, high in enumerate(p["hi"]) if high < shapes[p["population"]][a]]
    if room:
        part, axis = _any(room, random)
        part["lo"][axis] += 1
        part["hi"][axis] += 1
    return bool(room)


@_plant
def slice_twice(file: PlacedFile, random: Random) -> bool:
    file.slices.append({**deepcopy(_any(file.slices, random)), "name": "another"})
    return True


@_plant
def slice_in_full_twice(file: PlacedFile, random: Random) -> bool:
    file.slices.append(deepcopy(_any(file.slices, random)))
    return True


@_plant
def name_twice(file: PlacedFile, random: Random) -> bool:
    if len(file.slices) > 1:
        file.slices[0]["name"] = file.slices[-1]["name"]
    return len(file.slices) > 1


@_plant
def slice_empty(file: PlacedFile, random: Random) -> bool:
    part = _any(file.slices, random)
    part["hi"] = list(part["lo"])
    return bool(part["lo"])


@_plant
def slice_without_an_axis(file: PlacedFile, random: Random) -> bool:
    part = _any(file.slices, random)
    part["lo"], part["hi"] = part["lo"][:-1], part["hi"][:-1]
    return bool(file.shapes[part["population"]])


@_plant
def slice_of_no_population(file: PlacedFile, random: Random) -> bool:
    _any(file.slices, random)["population"] = "nobody"
    return True


@_plant
def slice_of_another_population(file: PlacedFile, random: Random) -> bool:
    part = _any(file.slices, random)
    others = [name for name in file.shapes if name != part["population"]]
    part["population"] = _any(others, random) if others else ""
    return bool(others)


@_plant
def core_beyond_the_board(file: PlacedFile, random: Random) -> bool:
    _any(file.slices, random)["core"] = 12 + int(random.integers(3))
    return True


@_plant
def core_below_the_host(file: PlacedFile, random: Random) -> bool:
    _any(file.slices, random)["core"] = -2
    return True


@_plant
def host_for_neurons_that_hear(file: PlacedFile, random: Random) -> bool:
    hearing = {c["target"] for c in file.plain["connections"]}
    _any([part for part in file.slices if part["population"] in hearing], random)["core"] = -1
    return True


@_plant
def other_board(file: PlacedFile, random: Random) -> bool:
    file.plain["board"] = "loihi2"
    return True


@_plant
def no_board(file: PlacedFile, random: Random) -> bool:
    del file.plain["board"]
    return True


@_plant
def no_slices(file: PlacedFile, random: Random) -> bool:
    del file.plain["slices"]
    return True


@_plant
def delay_too_long(file: PlacedFile, random: Random) -> bool:
    _any(file.plain["connections"], random)["delay"] = LONGEST + 2
    return True


@_plant
def delay_of_no_step(file: PlacedFile, random: Random) -> bool:
    _any(file.plain["connections"], random)["delay"] = _any([0, -1, 1.5, True], random)
    return True


@_plant
def core_that_is_no_integer(file: PlacedFile, random: Random) -> bool:
    _any(file.slices, random)["core"] = _any([0.5, 1.0, True, False], random)
    return True


@_plant
def end_that_is_no_integer(file: PlacedFile, random: Random) -> bool:
    part, key = _any(file.slices, random), _any(["lo", "hi"], random)
    if part[key]:
        axis = random.integers(len(part[key]))
        part[key][axis] = part[key][axis] == 1 if part[key][axis] < 2 else float(part[key][axis])
    return bool(part[key])


@_plant
def slices_empty(file: PlacedFile, random: Random) -> bool:
    file.slices.clear()
    return True


@_plant
def coding_of_another_chip(file: PlacedFile, random: Random) -> bool:
    coded = [p["claim"] for p in file.plain["populations"] if p["claim"].get("coding")]
    if coded:
        _any(coded, random)["coding"] = "morse"
    return bool(coded)


@_plant
def payload_too_wide(file: PlacedFile, random: Random) -> bool:
    _any(file.plain["populations"], random)["payload_bits"] = PAYLOADS + 1
    return True


@_plant
def state_too_wide(file: PlacedFile, random: Random) -> bool:
    neuron = file.plain["neurons"][_any(file.plain["populations"], random)["neuron"]]
    neuron.insert(0, f"state v0:2 extra:{STATES + 1}=1")
    return True


@_plant
def too_many_ports(file: PlacedFile, random: Random) -> bool:
    neuron = file.plain["neurons"][_any(file.plain["populations"], random)["neuron"]]
    neuron.insert(0, " ".join(["port", *(f"extra{n}" for n in range(PORTS + 1))]))
    return True


@_plant
def slice_moved_to_the_fullest_core(file: PlacedFile, random: Random) -> bool:
    """Exceed the neurons of a core, whose limit is what the fullest has."""
    loads = file.neurons()
    loads.pop(-1, None)
    full = max(loads, key=lambda core: (loads[core], core), default=0)
    others = [part for part in file.slices if part["core"] != full]
    if loads and others:
        _any(others, random)["core"] = full
    return bool(loads and others)


def _length(part: Mapping[str, Any], axis: int) -> int:
    return int(part["hi"][axis] - part["lo"][axis])
