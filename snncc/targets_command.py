"""What ``snncc targets`` prints: every target in a line, or every figure of one with its unit and source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from snncc.compiler.targets import Board, Core, CostTable, Host, Packing, Target, load_target, target_names
from snncc.compiler.targets.schema import rule_of
from snncc.compiler.targets.target import PRICED
from snncc.terminal import console, plain, table, write_json, write_table

SECTIONS = {"core": Core, "packing": Packing, "board": Board, "host": Host}
COSTS = {
    "synaptic_event_pj": f"energy of {PRICED['synaptic_event']}, for comparing codings",
    "update_pj": f"energy of {PRICED['update']}, for comparing codings",
}


def summaries() -> list[dict[str, Any]]:
    """Return what there is to say of each bundled target in a line, by the name of the column."""
    return [summary(load_target(name)) for name in target_names()]


def summary(target: Target) -> dict[str, Any]:
    """Return what there is to say of a target in a line: numbers that are not public are None."""
    core = target.core
    return {
        "name": target.name,
        "description": target.description,
        "chips": target.board.chips,
        "cores": target.board.all_cores,
        "neurons_a_core": core.neurons,
        "synapse_memory_a_core": core.synapse_words,
        "synapse_memory_unit": unit(target),
        "codings": list(target.codings),
        "schedules": list(target.schedules),
        "cost_tables": list(target.tables),
        "default_coding": target.coding,
        "default_schedule": target.schedule,
    }


def unit(target: Target) -> str:
    """Return what synapse memory is counted in."""
    return "columns" if target.packing.kind == "crossbar" else f"{target.packing.word_bits}-bit words"


def details(name: str) -> dict[str, Any]:
    """Return everything that is known of a target: its line, every figure, and its sources.

    Raises:
        SnnccError: SNN501 with exit code 2, no such target; SNN700 to SNN707, what is wrong with its file.
    """
    target = load_target(name)
    meaning = meanings()
    figures = [
        {
            "path": path,
            "value": list(figure.value) if isinstance(figure.value, tuple) else figure.value,
            "unit": unit_of(path),
            "what": meaning.get(key_of(path), ""),
            "source": figure.source,
            "note": figure.note,
            "absent": figure.value is None,
        }
        for path, figure in target.figures.items()
    ]
    tables = {key: made.description for key, made in target.tables.items()}
    return {
        **summary(target),
        "file": target.file,
        "figures": figures,
        "tables": tables,
        "cost": dict(target.cost),
        "dominated": dict(target.dominated),
        "sources": dict(target.sources),
    }


def meanings() -> Mapping[str, str]:
    """Return what each figure is, by its key: the words of the dataclasses that hold them."""
    found: dict[str, str] = {}
    for section, kind in {"": Target, **SECTIONS, "tables": CostTable}.items():
        said = re.findall(r"^ +(\w+): (.+(?:\n {8,}.+)*)$", inspect.cleandoc(kind.__doc__ or ""), re.MULTILINE)
        found |= {
            f"{section}.{key}".strip("."): " ".join(words.replace("``", "").split()).rstrip(".") for key, words in said
        }
    prices = {
        f"tables.{part}.{key}": f"{part} of {words}" for part in ("energy", "time") for key, words in PRICED.items()
    }
    return found | prices | {f"cost.{key}": words for key, words in COSTS.items()}


def key_of(path: str) -> str:
    """Return the key of a figure among ``meanings``."""
    section, _, key = path.partition(".")
    if section == "tables":
        parts = key.split(".")[1:]
        return "tables.barrier" if parts[0] == "barrier" else f"tables.{'.'.join(parts)}"
    return path if section in (*SECTIONS, "cost") else key


def unit_of(path: str) -> str:
    """Return the unit of a figure by its path, empty where it has none."""
    rule = rule_of(path)
    return rule.unit if rule else ""


def listed(found: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print every target in a line."""
    if as_json:
        return write_json({"targets": found})
    rows = [
        (
            one["name"],
            one["chips"],
            one["cores"],
            _known(one["neurons_a_core"]),
            memory(one),
            ", ".join(one["codings"]),
            ", ".join(one["cost_tables"]) or "-",
            one["description"],
        )
        for one in found
    ]
    numbers = ("chips", "cores", "neurons a core")
    heads = ("target", *numbers, "synapse memory a core", "codings", "costs", "what it is")
    return write_table(table(heads, rows, numbers))


def memory(one: Mapping[str, Any]) -> str:
    """Return the synapse memory of a core in words."""
    words = one["synapse_memory_a_core"]
    return "-" if words is None else f"{words} {one['synapse_memory_unit']}"


def _known(value: object) -> object:
    return "-" if value is None else value


def shown(found: Mapping[str, Any], as_json: bool) -> None:
    """Print every figure of a target, absent ones too, and what its sources are."""
    if as_json:
        return write_json(found)
    for line in _heading(found):
        _say(line)
    rows = [(f["path"], told(f["value"]), f["unit"], f["source"] or "-", f["note"]) for f in found["figures"]]
    write_table(table(("figure", "value", "unit", "source", "as the source has it, or why it is absent"), rows))
    _say("sources:")
    for key, words in found["sources"].items():
        _say(f"  {key}: {words}")
    return None


def _heading(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['name']}: {found['description']}"
    yield (
        f"{found['chips']} chips, {found['cores']} cores; codings {', '.join(found['codings'])}; schedules "
        f"{', '.join(found['schedules'])}"
    )
    for worse, better in found["dominated"].items():
        yield f"coding {worse} is dominated by {better}"
    for number, (name, description) in enumerate(found["tables"].items()):
        yield f"table {name}{' (default)' if number == 0 else ''}: {description}"


def told(value: object) -> str:
    """Return a figure's value in words."""
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "any"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _say(line: str) -> None:
    console().print(plain(line))
