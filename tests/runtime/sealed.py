"""A .snnp file as plain data, to put a fault into and to seal again; and the table of all faults."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from safetensors.numpy import load, save

Random = np.random.Generator
SEALED = ("program.json", "program.safetensors", "network.txt", "network.safetensors")
WIDE = [-(1 << 60), 1 << 60]


class Sealed:
    """A .snnp file as plain data."""

    def __init__(self, data: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.plain: dict[str, Any] = json.loads(self.members["program.json"])
        self.tensors = {k: v.astype(np.int64) for k, v in load(self.members["program.safetensors"]).items()}
        self.certificate: dict[str, Any] = json.loads(self.members["certificate.json"])

    def data(self) -> bytes:
        """Return the file, with a certificate that says of every number no more than that it exists."""
        self.members["program.json"] = json.dumps(self.plain).encode()
        self.members["program.safetensors"] = save(self.tensors)
        self.certificate["sha256"] = {name: hashlib.sha256(self.members[name]).hexdigest() for name in SEALED}
        populations = {p["name"]: p for p in self.plain["populations"]}
        reads = [populations[o["population"]]["start"] for o in self.plain["outputs"]]
        windows = [p["window"] for p in populations.values()]
        schedule = {"interval": self.plain["interval"], "latency": max(reads), "longest_window": max(windows)}
        self.certificate["schedule"] = schedule
        for name, entry in self.certificate["populations"].items():
            entry |= {"start": populations[name]["start"], "window": populations[name]["window"], "charge": WIDE}
            for part in ("arrivals", "registers"):
                entry[part] = dict.fromkeys(entry[part], WIDE)
            entry["instructions"] = [WIDE for _ in entry["instructions"]]
        self.members["certificate.json"] = json.dumps(self.certificate).encode()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in self.members.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    def pick(self, section: str, random: Random) -> Any:
        """Return a random population, connection, input or output."""
        items = self.plain[section]
        return items[random.integers(len(items))]

    def weight(self, random: Random) -> tuple[str, np.ndarray]:
        """Return a random connection's name and its weights, to be changed."""
        connection = self.pick("connections", random)
        path = connection["synapses"]["weight"]
        self.tensors[path] = self.tensors[path].copy()
        return connection["name"], self.tensors[path]


Make = Callable[[Sealed, Random], "str | None"]
FAULTS: dict[str, tuple[str, Make]] = {}  # kind -> (part of the program, what makes the fault)


def fault(kind: str, part: str) -> Callable[[Make], Make]:
    """Enter what makes a fault into FAULTS; it changes the file and says how, or returns None where it cannot."""

    def enter(make: Make) -> Make:
        FAULTS[kind] = (part, make)
        return make

    return enter
