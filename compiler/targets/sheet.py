"""One target file, taken apart: its figures by path, and everything that is wrong with each by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.per_layer import choices
from snncc.compiler.targets.schema import FREE, NAMES, PARTS, SCHEMA, SECTIONS, TEXTS, Rule, names_in, rule_of
from snncc.compiler.targets.target import Figure

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORM = 'write { value = ..., source = "KEY", note = "..." } or { absent = "why" }'


@dataclass
class Sheet:
    """What a file says.

    Attributes:
        file: the file, as it is shown.
        figures: figures by path.
        texts: ``description`` and ``chip``, and descriptions of tables by path.
        dominated: codings that others beat, with those.
        sources: what the keys of sources stand for.
        problems: everything that is wrong.
        given: paths that stand in the file, right or wrong.
    """

    file: str
    figures: dict[str, Figure] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    dominated: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    given: set[str] = field(default_factory=set)

    def blame(self, code: str, path: str, message: str, hint: str = "") -> None:
        """Note a problem at a key of the file."""
        self.problems.append(Diagnostic(code, message, Loc(self.file, path), hint))


def read_sheet(text: str, file: str) -> Sheet:
    """Return what the text of a file says, with its problems: SNN700, SNN701, SNN703 and SNN704."""
    sheet = Sheet(file)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        sheet.blame("SNN700", file, f"'{file}' is no TOML: {error}", "see toml.io for how such files are written")
        return sheet
    if type(data.get("schema")) is not int or data["schema"] != SCHEMA:
        message = f"'{file}' has schema {data.get('schema')!r}; this snncc reads schema {SCHEMA}"
        sheet.blame("SNN700", "schema", message, f"write schema = {SCHEMA} and the sections that docs/targets.md shows")
        return sheet
    for key, value in data.items():
        _part(sheet, key, value)
    return sheet


def _part(sheet: Sheet, key: str, value: Any) -> None:
    """Take in what stands at the top of a file: a text or a section."""
    if key in TEXTS:
        return _text(sheet, key, value)
    if key not in (*SECTIONS, *FREE):
        return _unknown(sheet, "", key)
    if not isinstance(value, Mapping):
        return _no_section(sheet, key, value)
    if key == "tables":
        return _each(value, lambda name, table: _table(sheet, f"tables.{name}", table))
    take = _word if key in ("sources", "dominated") else _figure
    return _each(value, lambda name, inner: take(sheet, key, name, inner))


def _each(body: Mapping[str, Any], take: Callable[[str, Any], None]) -> None:
    for key, value in body.items():
        take(key, value)


def _text(sheet: Sheet, path: str, value: Any) -> None:
    sheet.given.add(path)
    if path == "schema":
        return
    if not isinstance(value, str) or not value.strip():
        sheet.blame("SNN703", path, f"'{path}' is {value!r}, no text", f'write {path.rpartition(".")[2]} = "..."')
        return
    sheet.texts[path] = value


def _word(sheet: Sheet, section: str, key: str, value: Any) -> None:
    """Take in a source, or a coding that another one beats."""
    path = f"{section}.{key}"
    if section == "dominated" and key not in CODINGS:
        return _unknown(sheet, section, key)
    if not isinstance(value, str) or not value.strip():
        return sheet.blame("SNN703", path, f"'{path}' is {value!r}, no text", f'write {key} = "..."')
    if section == "dominated" and value not in CODINGS:
        return sheet.blame("SNN704", path, f"there is no coding '{value}'", choices("codings", tuple(CODINGS), value))
    into = sheet.sources if section == "sources" else sheet.dominated
    into[key] = value
    return None


def _table(sheet: Sheet, path: str, body: Any) -> None:
    """Take in a table of costs."""
    sheet.given.add(path)
    if not isinstance(body, Mapping):
        return _no_section(sheet, path, body)
    return _each(body, lambda key, value: _row(sheet, path, key, value))


def _row(sheet: Sheet, table: str, key: str, value: Any) -> None:
    """Take in what stands in a table of costs: its description, a figure, or a part with figures of its own."""
    path = f"{table}.{key}"
    if key == "description":
        return _text(sheet, path, value)
    if key not in PARTS:
        return _figure(sheet, table, key, value)
    if not isinstance(value, Mapping):
        return _no_section(sheet, path, value)
    return _each(value, lambda name, figure: _figure(sheet, path, name, figure))


def _no_section(sheet: Sheet, path: str, value: Any) -> None:
    sheet.blame("SNN703", path, f"'{path}' is {value!r}, no section", f"write [{path}] and its keys below it")


def _figure(sheet: Sheet, section: str, key: str, value: Any) -> None:
    """Take in one figure, if it is one."""
    path = f"{section}.{key}"
    sheet.given.add(path)
    rule = rule_of(path)
    if rule is None:
        _unknown(sheet, section, key)
        return
    if not isinstance(value, Mapping) or set(value) - {"value", "absent", "source", "note"}:
        sheet.blame("SNN703", path, f"'{path}' is {value!r}, no figure with its source", FORM)
        return
    if ("value" in value) == ("absent" in value) or not all(
        isinstance(value.get(word, ""), str) for word in ("absent", "source", "note")
    ):
        sheet.blame("SNN703", path, f"'{path}' is {dict(value)!r}, neither a value nor absent", FORM)
        return
    if "absent" in value:
        _absent(sheet, path, rule, value)
    else:
        _present(sheet, path, rule, value)


def _absent(sheet: Sheet, path: str, rule: Rule, given: Mapping[str, Any]) -> None:
    if not rule.absent:
        sheet.blame("SNN703", path, f"'{path}' must be known", f"give {NAMES[rule.kind]}, modelled if need be")
    elif not given["absent"].strip():
        sheet.blame("SNN703", path, f"'{path}' does not say why it is absent", 'write { absent = "not public" }')
    else:
        sheet.figures[path] = Figure(None, given.get("source", ""), given["absent"])


def _present(sheet: Sheet, path: str, rule: Rule, given: Mapping[str, Any]) -> None:
    value = given["value"]
    if not given.get("source"):
        hint = 'add source = "KEY", and KEY = "..." to [sources]'
        sheet.blame("SNN703", path, f"'{path}' names no source", hint)
    if not rule.takes(value):
        sheet.blame("SNN703", path, f"'{path}' is {value!r}, not {NAMES[rule.kind]}", f"give {NAMES[rule.kind]}")
        return
    if allowed := rule.wrong(value):
        hint = choices("values", tuple(rule.words), str(value)) if rule.words else f"give {NAMES[rule.kind]}, {allowed}"
        sheet.blame("SNN704", path, f"'{path}' is {value!r}, not {allowed}", hint)
        return
    kept = tuple(value) if isinstance(value, list) else value
    sheet.figures[path] = Figure(kept, given.get("source", ""), given.get("note", ""))


def _unknown(sheet: Sheet, section: str, key: str) -> None:
    where = f"section [{section}]" if section else "a target file"
    what = "keys" if section else "keys and sections"
    message = f"{where} has no key '{key}'"
    sheet.blame("SNN701", f"{section}.{key}" if section else key, message, choices(what, names_in(section), key))
