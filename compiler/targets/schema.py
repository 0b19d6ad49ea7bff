"""What may stand in a target file, schema 2: every figure with its kind, range and unit."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from snncc.compiler.coding import CODINGS
from snncc.compiler.targets.target import PRICED

SCHEMA = 2
SCHEDULES = ("pipelined", "sequential")
SECTIONS = ("arithmetic", "features", "defaults", "core", "packing", "board", "host", "cost")
TEXTS = ("schema", "description", "chip")
FREE = ("dominated", "tables", "sources")  # sections that hold no figures of fixed names
PARTS = ("energy", "time", "barrier")  # of a table of costs
NAMES = {"whole": "a whole number", "number": "a number", "flag": "true or false", "word": "a word"}
NAMES |= {"words": "a list of words", "wholes": "a list of whole numbers"}


@dataclass(frozen=True)
class Rule:
    """What a figure may be.

    Attributes:
        kind: key of NAMES.
        least: least number.
        most: greatest number.
        words: words to choose from; a list of them may be empty where ``least`` is 0.
        unit: unit of the number.
        absent: whether the figure may be marked absent.
        optional: whether it may be left out: it then says nothing, or what its section's dataclass has by default.
    """

    kind: str
    least: float = 0
    most: float = math.inf
    words: Collection[str] = ()
    unit: str = ""
    absent: bool = False
    optional: bool = False

    def takes(self, value: object) -> bool:
        """Return whether a value is of this kind, in whatever range."""
        if self.kind in ("words", "wholes"):
            return isinstance(value, list) and all(type(v) is (str if self.kind == "words" else int) for v in value)
        if self.kind in ("flag", "word"):
            return isinstance(value, bool if self.kind == "flag" else str)
        numeric = int if self.kind == "whole" else (int, float)
        return isinstance(value, numeric) and not isinstance(value, bool)

    def wrong(self, value: object) -> str:
        """Return what values of this kind are allowed if this one is not, else nothing."""
        if self.kind == "flag":
            return ""
        members = value if isinstance(value, list) else [value]
        if self.words:
            strange = len(members) < self.least or any(member not in self.words for member in members)
            return f"one of {', '.join(self.words)}" if strange else ""
        fit = all(isinstance(v, (int, float)) and math.isfinite(v) and self.least <= v <= self.most for v in members)
        return "" if fit else self.range

    @property
    def range(self) -> str:
        """Return the range in words."""
        return f"{self.least:g} or more" if self.most == math.inf else f"{self.least:g} to {self.most:g}"


def _bits(least: int, most: int) -> Rule:
    return Rule("whole", least, most, unit="bits")


def _limit(unit: str) -> Rule:
    return Rule("whole", 1, unit=unit, absent=True)


FLAG = Rule("flag")
PRICES = {
    "energy": Rule("number", unit="pJ", absent=True),
    "time": Rule("number", unit="ns", absent=True),
    "barrier": Rule("number", unit="ns"),
}
STATIC = Rule("number", unit="W", absent=True, optional=True)
RULES: dict[str, Rule] = {
    "arithmetic.state_bits": _bits(2, 63),
    "arithmetic.accumulator_bits": _bits(2, 63),
    "arithmetic.weight_bits": _bits(2, 32),
    "arithmetic.payload_bits": _bits(1, 63),
    "arithmetic.max_delay": Rule("whole", 0, 1 << 20, unit="steps"),
    "features.programmable": FLAG,
    "features.graded": FLAG,
    "features.signed": FLAG,
    "features.ports": Rule("whole", 1, 1 << 20),
    "features.codings": Rule("words", words=CODINGS),  # the table itself: codings can be added to it
    "features.schedules": Rule("words", least=1, words=SCHEDULES),
    "defaults.coding": Rule("word", words=CODINGS),
    "defaults.schedule": Rule("word", words=SCHEDULES),
    "core.neurons": _limit("neurons"),
    "core.programs": _limit("programs"),
    "core.thresholds": _limit("thresholds"),
    "core.in_axons": _limit("axons"),
    "core.out_axons": _limit("axons"),
    "core.synapse_words": _limit("words"),
    "core.fan_in": _limit("synapses"),
    "core.fan_out": _limit("synapses"),
    "packing.kind": Rule("word", words=("list", "crossbar")),
    "packing.word_bits": Rule("whole", 1, unit="bits", optional=True),
    "packing.shared_kernels": Rule("flag", optional=True),
    "packing.kernel_bits": Rule("whole", unit="bits", optional=True),
    "packing.list_bits": Rule("whole", unit="bits", optional=True),
    "packing.delay_bits": Rule("whole", unit="bits", optional=True),
    "packing.header_bits": Rule("whole", unit="bits", optional=True),
    "packing.block_synapses": Rule("whole", unit="synapses", optional=True),
    "packing.widths": Rule("wholes", 1, 64, unit="bits", optional=True),
    "packing.loops": Rule("whole", unit="synapses", optional=True),
    "packing.rows": Rule("whole", 1, unit="axons", optional=True),
    "board.chips": Rule("whole", 1, unit="chips"),
    "board.cores": Rule("whole", 1, unit="cores"),
    "board.tile_cores": Rule("whole", 1, unit="cores"),
    "board.columns": Rule("whole", 1, unit="tiles"),
    "board.chip_columns": Rule("whole", 1, unit="chips"),
    "host.encoders": Rule("word", words=("cores", "host")),
    "host.events_per_second": Rule("number", unit="spikes/s", absent=True),
    "cost.synaptic_event_pj": Rule("number", unit="pJ", optional=True),
    "cost.update_pj": Rule("number", unit="pJ", optional=True),
}
# Figures of the packing that a kind must have; the others mean nothing to it.
PACKED = {
    "list": (
        "word_bits", "shared_kernels", "kernel_bits", "list_bits", "delay_bits", "header_bits", "block_synapses",
        "widths",
    ),
    "crossbar": ("rows", "widths"),
}  # fmt: skip


def rule_of(path: str) -> Rule | None:
    """Return the rule of a figure by its path, such as ``core.neurons`` or ``tables.NAME.energy.update``."""
    if not path.startswith("tables."):
        return RULES.get(path)
    _, _, *rest = path.split(".")
    if rest == ["static_watts"]:
        return STATIC
    if len(rest) != 2 or rest[0] not in PRICES:
        return None
    known = rest[1].isdecimal() and int(rest[1]) > 0 if rest[0] == "barrier" else rest[1] in PRICED
    return PRICES[rest[0]] if known else None


def names_in(path: str) -> tuple[str, ...]:
    """Return the names that may stand below a path."""
    if not path:
        return (*TEXTS, *SECTIONS, *FREE)
    if path == "dominated":
        return tuple(CODINGS)
    if not path.startswith("tables."):
        return tuple(key.partition(".")[2] for key in RULES if key.startswith(f"{path}."))
    if path.count(".") == 1:
        return ("description", "static_watts", *PARTS)
    return ("1, 2, 4 or another number of tiles",) if path.endswith(".barrier") else tuple(PRICED)
