"""Figures of a target that cannot be true together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.targets.schema import PACKED
from snncc.compiler.targets.sheet import Sheet

Values = Mapping[str, Any]
Found = tuple[str, str, str]  # path, message, hint


def contradictions(merged: Sheet) -> Iterator[Diagnostic]:
    """Yield SNN706 for what cannot be true together; figures that are missing or wrong are passed over."""
    values = {path: figure.value for path, figure in merged.figures.items() if figure.value is not None}
    for check in (_codings, _defaults, _payloads, _meshes, _packings):
        yield from (Diagnostic("SNN706", said, Loc(merged.file, path), hint) for path, said, hint in check(values))
    yield from _dominated(values, merged)


def _having(values: Values, *paths: str) -> bool:
    return all(path in values for path in paths)


def _codings(values: Values) -> Iterator[Found]:
    if not _having(values, "features.codings", "features.graded") or values["features.graded"]:
        return
    for name in values["features.codings"] or [values.get("defaults.coding")]:
        if name and CODINGS[name].graded:
            message = f"coding '{name}' sends payloads, and features.graded is false"
            yield "features.codings", message, f"choose another than '{name}', or set graded to true"


def _defaults(values: Values) -> Iterator[Found]:
    for key, pool in (("coding", "codings"), ("schedule", "schedules")):
        default, known = values.get(f"defaults.{key}"), values.get(f"features.{pool}")
        if default and known and default not in known:
            message = f"the default {key} '{default}' is not among features.{pool}: {', '.join(known)}"
            yield f"defaults.{key}", message, f"choose one of them, or add it to {pool}"


def _payloads(values: Values) -> Iterator[Found]:
    if not _having(values, "arithmetic.payload_bits", "features.graded", "features.signed"):
        return
    bits, graded, signed = (values[path] for path in ("arithmetic.payload_bits", "features.graded", "features.signed"))
    if not graded and bits > 1 + signed:
        message = f"a payload has {bits} bits, and features.graded is false"
        yield "arithmetic.payload_bits", message, f"set payload_bits to {1 + signed}, or graded to true"
    if graded and not signed and bits < 2:
        message = "a payload of 1 bit carries no level, and features.graded is true"
        yield "arithmetic.payload_bits", message, "set payload_bits to 2 or more, or graded to false"
    if signed and bits < 2:
        message = "a payload of 1 bit cannot be negative, and features.signed is true"
        yield "arithmetic.payload_bits", message, "set payload_bits to 2 or more, or signed to false"


def _meshes(values: Values) -> Iterator[Found]:
    cores, tile, columns = (values.get(f"board.{key}") for key in ("cores", "tile_cores", "columns"))
    chips, across = values.get("board.chips"), values.get("board.chip_columns")
    if cores and tile and cores % tile:
        message = f"{cores} cores do not make whole tiles of {tile}"
        yield "board.tile_cores", message, f"give a number that divides {cores}"
    elif cores and tile and columns and columns > cores // tile:
        message = f"{cores // tile} tiles do not fill {columns} columns"
        yield "board.columns", message, f"give {cores // tile} columns or fewer"
    if chips and across and across > chips:
        message = f"{chips} chips do not fill {across} columns"
        yield "board.chip_columns", message, f"give {chips} columns or fewer"


def _packings(values: Values) -> Iterator[Found]:
    kind = values.get("packing.kind")
    own = PACKED.get(str(kind), ())
    others = sorted({name for names in PACKED.values() for name in names} - set(own)) if own else []
    for name in others:
        if f"packing.{name}" in values:
            yield f"packing.{name}", f"'{name}' means nothing to packing kind '{kind}'", "leave it out"
    widths, weight = values.get("packing.widths"), values.get("arithmetic.weight_bits")
    if widths and weight and max(widths) < weight:
        message = f"weights of {weight} bits fit none of the widths {', '.join(map(str, widths))}"
        yield "packing.widths", message, f"add a width of {weight} bits or more, or lower weight_bits"


def _dominated(values: Values, merged: Sheet) -> Iterator[Diagnostic]:
    known = values.get("features.codings") or tuple(CODINGS)
    for worse, better in merged.dominated.items():
        where, hint = Loc(merged.file, f"dominated.{worse}"), "name a coding that this chip has, or leave the line out"
        if worse == better:
            yield Diagnostic("SNN706", f"coding '{worse}' cannot be dominated by itself", where, hint)
        elif better not in known:
            message = f"coding '{worse}' cannot be dominated by '{better}', which is not among features.codings"
            yield Diagnostic("SNN706", message, where, hint)
