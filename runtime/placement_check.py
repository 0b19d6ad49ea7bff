"""Check where a placed program's neurons live, against the limits of a target.

It shares no code with the rest: ``placement_reading`` reads the .snnp and the target's file, ``placement_counts``
counts by marking what reaches a slice; the three need Python and numpy alone (tomli before Python 3.11).
docs/placement.md says what each count means.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from types import SimpleNamespace as Record
from typing import Any

import numpy as np

from snncc.runtime.placement_counts import crossbar_words, fan_in, fan_out, list_words, parameters, reach, stored_width
from snncc.runtime.placement_reading import CORE, read_plain, read_program, read_target

Array = Any
HOST = -1  # core of what the host plays
PAYLOADS = ("graded",)  # codings whose spikes carry payloads
SENTENCES = {
    "neurons": "{} neurons",
    "programs": "{} neuron programs",
    "thresholds": "{} thresholds",
    "in_axons": "{} in-axons",
    "out_axons": "{} out-axons",
    "synapse_words": "{} words of synapses",
    "fan_in": "a neuron of {1} that hears {0} synapses",
    "fan_out": "a neuron of {1} that sends to {0} synapses",
    "weight_bits": "weights of {} bits",
    "max_delay": "a delay of {} steps beyond the first",
}


@dataclass
class Verdict:
    """What was found.

    Attributes:
        target: name of the target.
        cores: how many cores are used.
        checked: of each limit that the target states, ``limit`` and ``most``, the greatest number there.
        problems: where, and a sentence, of everything that is not as it must be.
    """

    target: str = ""
    cores: int = 0
    checked: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def need(self, truth: object, where: str, sentence: str) -> bool:
        """Return whether something holds; note a problem unless it does."""
        self.problems += [] if truth else [(where, sentence)]
        return bool(truth)

    def hold(self, limit: str, value: int, most: int | None, where: str, whose: str = "") -> None:
        """Note a number, and a problem if it is beyond a limit."""
        if most is not None:
            seen = self.checked.setdefault(limit, {"limit": most, "most": 0})
            seen["most"] = max(seen["most"], value)
            self.need(value <= most, where, f"has {SENTENCES[limit].format(value, whose)}, the limit is {most}")


def check_placement(program: str | Path | bytes, target: str | Path | None = None) -> list[tuple[str, str]]:
    """Return every problem of a placement: where, and a sentence.

    Args:
        program: a .snnp file, or its bytes.
        target: file of a target, ending in ``.toml``, or name of a bundled one; None for the program's own board.
    """
    return judge_placement(program, target).problems


def judge_placement(program: str | Path | bytes, target: str | Path | None = None) -> Verdict:
    """Return every problem of a placement, and how near it comes to each limit; see ``check_placement``."""
    verdict, at = Verdict(str(target or "")), "the file"
    try:
        placed, at = read_program(program), "the target"
        limits, at = read_target(str(target or placed.board)), "the placement"
        Judge(placed, limits, verdict)
    except FileNotFoundError as error:
        hint = "; give its file with --target" if at == "the target" else ""
        verdict.need(False, at, f"is not there: {error.filename}{hint}")
    except Exception as error:  # numpy, zipfile, json and tomllib each have their own for what is malformed
        verdict.need(False, at, f"cannot be read: {type(error).__name__}: {error}")
    return verdict


def is_placed(program: str | Path | bytes) -> bool:
    """Return whether a file holds a program that is placed; not, where it cannot be read."""
    try:
        plain = read_plain(program)[0]
        return bool(plain.get("board") or plain.get("slices"))
    except Exception:  # the checker of programs says what is malformed
        return False


def whole(number: object) -> bool:
    """Return whether a number of the file is a plain integer; true and 1.0 are none."""
    return type(number) is int


class Judge:
    """Holds a placed program against a target."""

    def __init__(self, program: Record, target: Record, verdict: Verdict) -> None:
        """Check everything, and note it in the verdict."""
        self.program, self.target, self.verdict, verdict.target = program, target, verdict, target.name
        board, here = program.board or "no board", program.board == target.name
        verdict.need(here, "the program", f"is placed on {board}, not on {target.name}")
        cut = program.slices or not program.board
        verdict.need(cut, "the program", "has no slices: none of its neurons has a core")
        if not here or not program.slices:
            return
        for name, times in Counter(s.name for s in program.slices).items():
            verdict.need(times == 1, f"slice {name}", f"stands {times} times")
        self.slices = {name: list[Record]() for name in program.populations}
        for s in program.slices:
            self.sort(s)
        self.whole = [s for slices in self.slices.values() for s in slices]
        self.cores = sorted({s.core for s in self.whole} - {HOST})
        verdict.cores, places = len(self.cores), {core: place for place, core in enumerate([*self.cores, HOST])}
        for s in self.whole:
            s.place = places[s.core]
        self.loads = {limit: np.zeros(len(places), dtype=np.int64) for limit in CORE}  # the last is of no core
        self.count()

    def sort(self, s: Record) -> None:
        """Check a slice by itself, and take it in if it is a part of a population."""
        where, p = f"slice {s.name}", self.program.populations.get(s.population)
        if not self.verdict.need(p, where, f"is of {s.population}, which is no population"):
            return
        numbers = [("core", s.core), *(("lo", n) for n in s.lo), *(("hi", n) for n in s.hi)]
        wrong = [f"{what} {n!r} is no whole number" for what, n in numbers if not whole(n)]
        if not self.verdict.need(not wrong, where, f"is nowhere: {', '.join(wrong)}"):
            return
        ends = list(zip(s.lo, s.hi, p.shape, strict=False))
        inside = len(s.lo) == len(s.hi) == len(p.shape) and all(0 <= low < high <= size for low, high, size in ends)
        if not self.verdict.need(inside, where, f"goes from {s.lo} up to {s.hi}, outside of {p.name} {list(p.shape)}"):
            return
        s.box, s.size = tuple(slice(low, high) for low, high, _ in ends), prod(high - low for low, high, _ in ends)
        s.axons, s.width, cores = 0, 1, self.target.board.chips * self.target.board.cores
        hosted = s.core == HOST and p.is_input and self.target.host.encoders == "host"
        there = f"core {s.core}, the board has {cores}" if s.core != HOST else "the host, which may not play it"
        self.verdict.need(0 <= s.core < cores or hosted, where, f"is on {there}")
        self.slices[p.name].append(s)

    def count(self) -> None:
        """Count everything, and hold each core's sum against its limit."""
        for p in self.program.populations.values():
            self.runs(p)
        self.count_neurons()
        self.count_loops()
        sound = [c for c in self.program.connections if self.connects(c)]
        for c in sound:
            self.count_synapses(c)
        if self.target.packing.kind == "crossbar":
            for s in self.whole:
                self.loads["synapse_words"][s.place] += crossbar_words(s, self.target.packing)
        for limit, loads in self.loads.items():
            self.hold(limit, loads)
        for p in self.program.populations.values():
            self.count_fans(p, sound)

    def runs(self, p: Record) -> None:
        """Check that neurons of the target can do what those of a population do, wherever they are."""
        features, where, need = self.target.features, f"population {p.name}", self.verdict.need
        coding, codings, name = p.claim.get("coding"), features.codings, self.target.name
        can = coding in codings if codings else features.graded or coding not in PAYLOADS
        need(can or not coding, where, f"sends in coding {coding}, which the neurons of {name} cannot")
        need(features.signed or not p.signed, where, f"has spikes below 0, which {name} does not carry")
        if need(whole(p.payload_bits), where, f"has spikes of {p.payload_bits!r} bits, which is no whole number"):
            self.able(where, p.payload_bits, self.payload(), "spikes of {} bits")
        for state, bits in p.states.items():
            self.able(where, bits, self.target.arithmetic.state_bits, f"a state {state} of {{}} bits")
        self.able(where, len(p.ports), features.ports, "{} in-ports")

    def payload(self) -> int | None:
        """Return how many bits a spike can have; None where the target does not state it."""
        most, features = self.target.arithmetic.payload_bits, self.target.features
        plain = None if features.graded else 1 + features.signed
        return min((max(n, 1) for n in (most, plain) if n is not None), default=None)

    def able(self, where: str, value: int, most: int | None, what: str) -> None:
        """Note a problem if a number is beyond what the neurons can do."""
        self.verdict.need(most is None or value <= most, where, f"has {what.format(value)}, the limit is {most}")

    def hold(self, limit: str, loads: Array, whose: str = "") -> None:
        """Hold a number of every core against a limit."""
        for core, load in zip(self.cores, loads.tolist(), strict=False):
            self.verdict.hold(limit, load, getattr(self.target.core, limit), f"core {core}", whose)

    def count_neurons(self) -> None:
        """Check that each neuron is in one slice; count neurons, their programs, their parameters beside the bias."""
        programs, thresholds = defaultdict[int, set[Any]](set), defaultdict[int, set[Any]](set)
        for name, p in self.program.populations.items():
            times = np.zeros(p.shape, dtype=np.int32)
            for s in self.slices[name]:
                times[s.box] += 1
                self.loads["neurons"][s.place] += s.size
                programs[s.place].add(p.code)
                thresholds[s.place] |= {(p.code, *row) for row in parameters(p, s)}
            for number, what in ((np.sum(times == 0), "no slice"), (np.sum(times > 1), "several slices")):
                self.verdict.need(not number, f"population {name}", f"has {number} neurons in {what}")
        for limit, found in (("programs", programs), ("thresholds", thresholds)):
            for place, kinds in found.items():
                self.loads[limit][place] = len(kinds)

    def count_loops(self) -> None:
        """Count the synapses that sending neurons keep to themselves, each an axon in and out and a word."""
        for c in {c.source: c for c in self.program.connections}.values():
            for s in self.slices.get(c.source, []):
                s.axons = s.size * self.target.packing.loops
                for limit in ("in_axons", "out_axons"):
                    self.loads[limit][s.place] += s.axons
                self.loads["synapse_words"][s.place] += s.axons if self.target.packing.kind == "list" else 0

    def connects(self, c: Record) -> bool:
        """Check a connection by itself; return whether its synapses can be counted box by box."""
        where, arithmetic = f"connection {c.name}", self.target.arithmetic
        late = f"has a delay of {c.delay!r}, which is no whole number of at least 1 step"
        if not self.verdict.need(whole(c.delay) and c.delay >= 1, where, late):
            return False
        widths = [n for n in (arithmetic.weight_bits, max(self.target.packing.widths, default=None)) if n is not None]
        self.verdict.hold("weight_bits", c.width, min(widths, default=None), where)
        self.verdict.hold("max_delay", c.delay - 1, arithmetic.max_delay, where)
        return self.verdict.need(c.computes == c.shape, where, f"computes {c.computes}, its target is {c.shape}")

    def count_synapses(self, c: Record) -> None:
        """Count what a connection takes on the cores of both its ends."""
        owners, packing, words = self.owners(c.source), self.target.packing, self.loads["synapse_words"]
        for s in self.slices[c.target]:
            neurons, number, inputs = reach(c, s)
            s.axons, s.width = s.axons + len(neurons), max(s.width, stored_width(c, packing))
            self.loads["in_axons"][s.place] += len(neurons)
            np.add.at(self.loads["out_axons"], owners[neurons], 1)
            words[s.place] += list_words(c, s, number, inputs, packing) if packing.kind == "list" else 0

    def owners(self, name: str) -> Array:
        """Return the place of each neuron of a population in the list of cores."""
        places = np.full(self.program.populations[name].shape, len(self.cores), dtype=np.int32)
        for s in self.slices[name]:
            places[s.box] = s.place
        return places.ravel()

    def count_fans(self, p: Record, connections: list[Record]) -> None:
        """Count the synapses to each neuron of a population, and from each; hold each core's most against its limit."""
        for limit, fan_of in (("fan_in", fan_in), ("fan_out", fan_out)):
            if getattr(self.target.core, limit) is not None:
                most = np.zeros(len(self.cores) + 1, dtype=np.int64)
                np.maximum.at(most, self.owners(p.name), fan_of(p, connections))
                self.hold(limit, most, p.name)
