"""What a person reads of ``snncc inspect --target``: for each target a verdict, the layers, the limits, what lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from snncc.terminal import console, counted, plain, table, write_json, write_table

GOOD, BAD = "bold green", "bold red"
WORDS = {
    "neurons": "neurons", "in_axons": "in-axons", "out_axons": "out-axons", "synapse_words": "synapse words",
}  # fmt: skip


def fitted(found: Mapping[str, Any], as_json: bool, text: bool) -> None:
    """Print what ``fit_command.inspect_on`` found; the text form only where it is asked for."""
    if as_json:
        return write_json({key: value for key, value in found.items() if text or key != "text"})
    _say(f"{found['kind']} {found['name']}: {found['parameters']} parameters, {len(found['nodes'])} nodes")
    for name, entry in found["targets"].items():
        _say("")
        _target(name, entry)
    if lacking := [name for name, entry in found["targets"].items() if not entry["fits"]]:
        _say("")
        _say(f"does not fit: {', '.join(lacking)}", BAD)
    if text:
        _say(found["text"])
    return None


def _target(name: str, entry: Mapping[str, Any]) -> None:
    _say(_verdict(name, entry), GOOD if entry["fits"] else BAD)
    for line in _settings(entry):
        _say(line)
    if entry["layers"]:
        write_table(_layers(entry))
        write_table(_limits(entry))
    for problem in entry["violations"]:
        _say(problem["text"])


def _verdict(name: str, entry: Mapping[str, Any]) -> str:
    word = "FITS" if entry["fits"] else "DOES NOT FIT"
    if entry["cores"] is None:
        return f"{word} on {name}: no program can be made for it, see below"
    inputs = f", {entry['input_cores']} of them for inputs" if entry["input_cores"] else ""
    has = entry["has"]
    chips = f", {entry['chips']} of {has['chips']} chips" if has["chips"] > 1 or entry["chips"] > 1 else ""
    lacks = sum(problem["severity"] == "error" for problem in entry["violations"])
    more = "" if entry["fits"] else f", {counted(lacks, 'limit')} broken"
    stuck = any(not layer["slices"] and layer["kind"] != "input" for layer in entry["layers"])
    cores = f"at least {entry['cores']}" if stuck else entry["cores"]
    return f"{word} on {name}: {cores} of {has['cores']} cores{inputs}{chips}{more}"


def _settings(entry: Mapping[str, Any]) -> Iterator[str]:
    options = entry["options"]
    if options is not None:
        told = f"coding {options['coding']}, levels 0..{options['levels']}, weights of {options['weight_bits']} bits"
        steps = (
            ""
            if entry["interval"] is None
            else (f", latency {counted(entry['latency_steps'], 'step')}, interval {entry['interval']}")
        )
        yield told + steps


def _layers(entry: Mapping[str, Any]) -> Any:
    """Return what each population needs: of its slices the greatest need, beside what a core has of it."""
    shown = [key for key in WORDS if key in entry["limits"]]
    heads = ["population", "kind", "shape", "neurons", "cores", "slices", "fan-in", "weight bits"]
    heads += [f"of a slice: {WORDS[shown[0]]}", *(WORDS[key] for key in shown[1:])] if shown else []
    return table(heads, [_row(layer, shown) for layer in entry["layers"]], heads[3:])


def _row(layer: Mapping[str, Any], shown: Sequence[str]) -> tuple[object, ...]:
    cells = [layer["population"], f"{layer['kind']} {layer['coding']}".strip()]
    cells += ["x".join(map(str, layer["shape"])), layer["neurons"]]
    cells += [layer["cores"], layer["slices"]] if layer["slices"] else ["host" if layer["on_host"] else "none fits", ""]
    cells += [layer["fan_in"] or "", layer["weight_bits"] or ""]
    return (*cells, *(layer["most"].get(key, "") for key in shown))


def _limits(entry: Mapping[str, Any]) -> Any:
    """Return the need of all layers together beside what the target has, and the fullest slice beside a core's."""
    rows = []
    for key in (key for key in WORDS if key in entry["limits"]):
        limit = entry["limits"][key]
        most = max((layer["most"].get(key, 0) for layer in entry["layers"]), default=0)
        has = limit * entry["has"]["cores"]
        total = entry["total"].get(key, 0)
        rows.append((WORDS[key], most, limit, total, has, f"{100 * total / has:.1f}%"))
    heads = ("limit", "largest slice", "a core has", "all layers", "the target has", "used")
    return table(heads, rows, heads[1:])


def _say(line: object, style: str | None = None) -> None:
    console().print(plain(line), style=style)
