"""From TOML files to a Target: a board's file builds on its chip's, and every problem is reported at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError, fail
from snncc.compiler.per_layer import choices
from snncc.compiler.targets.contradictions import contradictions
from snncc.compiler.targets.schema import PACKED, RULES
from snncc.compiler.targets.sheet import Sheet, read_sheet
from snncc.compiler.targets.target import Board, Core, CostTable, Host, Packing, Target

NAME = re.compile(r"[A-Za-z0-9_.-]+")
COSTS = {"synaptic_event_pj": "energy.synaptic_event", "update_pj": "energy.update"}
Part = TypeVar("Part", Core, Packing, Board, Host)


def target_names() -> tuple[str, ...]:
    """Return the names of the bundled targets, sorted."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name[:-5] for f in files if f.name.endswith(".toml")))


def load_target(name: str | os.PathLike[str]) -> Target:
    """Return a bundled target by name, or the one of a file by its path.

    Args:
        name: a bundled name, or a path: it ends in ``.toml`` or has a separator of folders in it.

    Raises:
        SnnccError: SNN501 with exit code 2, no such target or file; SNN700 to SNN707, everything wrong with the file.
    """
    told = os.fspath(name) if isinstance(name, (str, os.PathLike)) else str(name)
    sheets = list(_sheets(told))
    problems = [problem for sheet in sheets for problem in sheet.problems]
    if any(problem.code == "SNN700" for problem in problems):
        raise SnnccError(problems)
    merged = _merged(sheets)
    problems += [*_missing(merged, sheets[0].file), *_unsourced(merged, sheets), *contradictions(merged)]
    if problems:
        raise SnnccError(problems)
    return _target(told, merged)


def is_path(name: str) -> bool:
    """Return whether a target is named by a path and not by its name."""
    return name.endswith(".toml") or any(mark in name for mark in (os.sep, os.altsep, "/") if mark)


def _sheets(told: str) -> Iterator[Sheet]:
    """Yield the sheet of a target, of the chip that it builds on, and so on."""
    text, file, full = _text(told)
    seen, sheet = [full], read_sheet(text, file)
    yield sheet
    while base := sheet.texts.get("chip", ""):
        told = os.path.join(os.path.dirname(told), base) if is_path(base) else base
        found = _base(sheet, told, seen)
        if found is None:
            return
        sheet = found
        yield sheet


def _base(sheet: Sheet, told: str, seen: list[str]) -> Sheet | None:
    """Return the sheet of the chip that a file builds on; None, and SNN707 there, where it cannot be had."""
    try:
        text, file, full = _text(told)
    except SnnccError as error:
        (problem,) = error.diagnostics
        sheet.blame("SNN707", "chip", problem.message, problem.hint)
        return None
    if full in seen:
        chain = " builds on ".join(f"'{Path(name).name}'" for name in (*seen[seen.index(full) :], full))
        sheet.blame("SNN707", "chip", f"{chain}, without end", "name the file of a chip that builds on no other")
        return None
    seen.append(full)
    return read_sheet(text, file)


def _text(told: str) -> tuple[str, str, str]:
    """Return text, shown name and full name of a target's file.

    Raises:
        SnnccError: SNN501, exit code 2: there is none; SNN700: it cannot be read.
    """
    loc = Loc("options", "target")
    if not is_path(told):
        if told not in target_names():
            hint = choices("targets", target_names(), told)
            raise fail("SNN501", f"there is no target '{told}'", loc, hint, 2)
        file = f"{told}.toml"
        return resources.files(__package__).joinpath(file).read_text(encoding="utf-8"), file, file
    path = Path(told)
    if not path.is_file():
        hint = choices("targets", target_names(), path.name.removesuffix(".toml"))
        raise fail("SNN501", f"there is no target file '{told}'", loc, f"give the path of a target file; {hint}", 2)
    if not NAME.fullmatch(path.name.removesuffix(".toml")):
        message = f"the file name of '{told}' is not made of letters, digits, '_', '-' and '.'"
        raise fail("SNN700", message, Loc(told, told), "rename the file")
    try:
        return path.read_text(encoding="utf-8"), told, str(path.resolve())
    except (OSError, UnicodeDecodeError) as error:
        raise fail("SNN700", f"'{told}' cannot be read: {error}", Loc(told, told), "give a text file") from None


def _merged(sheets: list[Sheet]) -> Sheet:
    """Return what all files say together: a board's word counts before its chip's."""
    merged = Sheet(sheets[0].file)
    for sheet in reversed(sheets):
        for name in ("figures", "texts", "dominated", "sources"):
            getattr(merged, name).update(getattr(sheet, name))
        merged.given |= sheet.given
    if "description" not in sheets[0].texts:  # a board is described by its own file
        merged.texts.pop("description", None)
        merged.given -= {"description"} - sheets[0].given
    return merged


def _missing(merged: Sheet, file: str) -> Iterator[Diagnostic]:
    """Yield SNN702 for every figure that must be there and is not."""
    needed = ["description", *(path for path, rule in RULES.items() if not rule.optional)]
    kind = merged.figures.get("packing.kind")
    needed += [f"packing.{name}" for name in PACKED.get(str(kind.value) if kind else "", ())]
    needed += [f"tables.{name}.description" for name in _tables(merged)]
    needed += [f"cost.{name}" for name in COSTS if not _priced(merged, name)]
    for path in needed:
        if path not in merged.given:
            yield Diagnostic("SNN702", f"'{path}' is missing", Loc(file, path), _how_to_add(path))


def _how_to_add(path: str) -> str:
    section, _, key = path.rpartition(".")
    if key == "description":
        return f'add {key} = "..."' + (f" to [{section}]" if section else "")
    hint = f'add {key} = {{ value = ..., source = "KEY" }} to [{section}]'
    if section == "cost":
        return f"{hint}, or {COSTS[key]} to the first table of costs"
    return hint + (f', or {key} = {{ absent = "why" }}' if RULES[path].absent else "")


def _unsourced(merged: Sheet, sheets: list[Sheet]) -> Iterator[Diagnostic]:
    """Yield SNN705 for every source that [sources] does not explain."""
    named = ((s.file, path, figure.source) for s in sheets for path, figure in s.figures.items() if figure.source)
    for file, path, source in named:
        if source not in merged.sources:
            message = f"'{path}' has the source '{source}', which [sources] does not explain"
            hint = choices("sources", tuple(merged.sources) or ("none yet",), source)
            yield Diagnostic("SNN705", message, Loc(file, path), hint)


def _tables(merged: Sheet) -> tuple[str, ...]:
    """Return the names of the tables of costs, in the order of the files."""
    paths = [*merged.given, *merged.figures]
    named = {path.split(".")[1] for path in paths if path.startswith("tables.")}
    ordered = dict.fromkeys(path.split(".")[1] for path in merged.figures if path.startswith("tables."))
    return (*ordered, *sorted(named - set(ordered)))


def _price(merged: Sheet, name: str) -> float | None:
    """Return the cost that codings are compared by: its own figure, or that of the first table."""
    first = _tables(merged)[:1]
    figure = merged.figures.get(f"cost.{name}")
    if figure is None and first:
        figure = merged.figures.get(f"tables.{first[0]}.{COSTS[name]}")
    return None if figure is None or figure.value is None else float(figure.value)  # type: ignore[arg-type]


def _priced(merged: Sheet, name: str) -> bool:
    """Return whether a file says, right or wrong, what codings are compared by."""
    first = f"tables.{_tables(merged)[0]}.{COSTS[name]}" if _tables(merged) else ""
    absent = first in merged.figures and merged.figures[first].value is None
    return f"cost.{name}" in merged.given or (first in merged.given and not absent)


def _target(told: str, merged: Sheet) -> Target:
    values = {path: figure.value for path, figure in merged.figures.items()}
    arithmetic, features, defaults = (_below(values, part) for part in ("arithmetic", "features", "defaults"))
    every = (name for name, coding in CODINGS.items() if features["graded"] or not coding.graded)
    features["codings"] = features["codings"] or tuple(every)
    return Target(
        name=Path(told).name.removesuffix(".toml"),
        description=merged.texts["description"],
        **arithmetic,
        **features,
        **defaults,
        dominated=merged.dominated,
        cost={key: _price(merged, key) or 0.0 for key in COSTS},
        core=_part(Core, values, "core"),
        packing=_part(Packing, values, "packing"),
        board=_part(Board, values, "board"),
        host=_part(Host, values, "host"),
        tables={table: _table(table, merged, values) for table in _tables(merged)},
        figures=merged.figures,
        sources=merged.sources,
        file=told if is_path(told) else "",
    )


def _below(values: Mapping[str, object], section: str) -> dict[str, Any]:
    """Return the values of a section by their keys."""
    head = f"{section}."
    return {path[len(head) :]: value for path, value in values.items() if path.startswith(head)}


def _part(kind: type[Part], values: Mapping[str, object], section: str) -> Part:
    known = {f.name for f in fields(kind)}
    return kind(**{key: value for key, value in _below(values, section).items() if key in known})


def _table(name: str, merged: Sheet, values: Mapping[str, object]) -> CostTable:
    path = f"tables.{name}"
    energy, time, barrier = (_present(values, f"{path}.{part}") for part in ("energy", "time", "barrier"))
    static = values.get(f"{path}.static_watts")
    return CostTable(
        name,
        merged.texts[f"{path}.description"],
        energy,
        time,
        {tiles: barrier[str(tiles)] for tiles in sorted(map(int, barrier))},
        None if static is None else float(static),  # type: ignore[arg-type]
    )


def _present(values: Mapping[str, object], section: str) -> dict[str, float]:
    return {key: float(value) for key, value in _below(values, section).items() if value is not None}
