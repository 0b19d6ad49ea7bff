"""What ``snncc check`` prints: the verdict, every problem, and what was checked."""

from __future__ import annotations

from typing import Any

from snncc.check_command import Checked
from snncc.runtime.checker import DIGITS, VECTORS
from snncc.runtime.placement_check import Verdict
from snncc.show import BAD, GOOD
from snncc.terminal import console, counted, plain, write_json

WORDS = {
    "neurons": "neurons of a core",
    "programs": "neuron programs of a core",
    "thresholds": "thresholds of a core",
    "in_axons": "in-axons of a core",
    "out_axons": "out-axons of a core",
    "synapse_words": "words of synapse memory of a core",
    "fan_in": "synapses that a neuron hears",
    "fan_out": "synapses that a neuron sends to",
    "weight_bits": "bits of a weight",
    "max_delay": "steps of delay beyond the first",
}


def checked(found: Checked, as_json: bool) -> None:
    """Print the verdict of the checkers, and every problem: where, and a sentence."""
    if as_json:
        return write_json(_as_json(found))
    if found.problems:
        count = len(found.problems)
        _say(f"REJECTED: {found.file}, {count} problem{'s' if count > 1 else ''}", BAD)
        for where, what in found.problems:
            _say(f"{where} {what}")
        return None
    _say(f"ACCEPTED: {found.file} reproduces its integer network on every input", GOOD)
    _say(
        f"weighted sums were compared on {VECTORS} random vectors of {DIGITS}-bit numbers: wrong ones pass with a "
        f"probability below 2^-{VECTORS * DIGITS}; all else is proved"
    )
    if found.placement is not None:
        _placed(found.placement)
    return None


def _as_json(found: Checked) -> dict[str, Any]:
    told: dict[str, Any] = {
        "file": str(found.file),
        "accepted": not found.problems,
        "escape_log2": -VECTORS * DIGITS,
        "problems": [{"where": where, "what": what} for where, what in found.problems],
    }
    if found.placement is not None:
        placement = found.placement
        told["placement"] = {
            "target": placement.target,
            "accepted": not placement.problems,
            "cores": placement.cores,
            "limits": placement.checked,
            "not_stated": _not_stated(placement),
        }
    return told


def _placed(placement: Verdict) -> None:
    """Say that a placement is legal, and how near it comes to each limit."""
    cores = counted(placement.cores, "core")
    _say(f"every neuron has its place, on {cores} of {placement.target}, and no limit is exceeded; the most of each:")
    for name, seen in placement.checked.items():
        _say(f"  {WORDS[name]}: {seen['most']} of {seen['limit']}")
    if missing := _not_stated(placement):
        _say(f"  not stated by {placement.target}: {', '.join(WORDS[name] for name in missing)}")


def _not_stated(placement: Verdict) -> list[str]:
    return [name for name in WORDS if name not in placement.checked]


def _say(line: str, style: str | None = None) -> None:
    console().print(plain(line), style=style)
