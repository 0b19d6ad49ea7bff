"""What ``snncc inspect --target`` does: one import, a draft for every kind of chip, and what each target lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from snncc import api
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError, fail
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.draft import draft
from snncc.compiler.options import Options, make_options
from snncc.compiler.placement.fit import Fit, Need, fit
from snncc.compiler.program import Program
from snncc.compiler.targets import Board, Host, Target, load_target, target_names
from snncc.inspection import describe_model, describe_program, describe_unsupported, holds_program
from snncc.show_fit import fitted
from snncc.summary import read_program
from snncc.terminal import Bar, progress

UNSENDABLE = "SNN506"  # what a target cannot do is a finding here, not a mistake of the command line


@dataclass(frozen=True)
class Wish:
    """What a network is to be tried on, and how.

    Attributes:
        targets: names or files of chips and boards.
        coding: as ``compile`` takes it; each target's own if None.
        bits: as ``compile`` takes it.
        weight_bits: as ``compile`` takes it; 8, or what the target has if that is less, if None.
        signed: whether inputs have negative values.
    """

    targets: tuple[str, ...]
    coding: str | None = None
    bits: str | None = None
    weight_bits: str | None = None
    signed: bool = False

    @property
    def is_plain(self) -> bool:
        """Return whether nothing is said of how a network is to be compiled."""
        return self == Wish(self.targets)


@dataclass(frozen=True)
class Tried:
    """A program for a target, or why there can be none: ``problems``."""

    target: Target
    options: Options | None
    program: Program | None
    problems: tuple[Diagnostic, ...] = ()


def fit_file(path: Path, wish: Wish, as_json: bool, quiet: bool, text: bool = False) -> int:
    """Print what each target has for the network of a file; return 1 if it does not fit all of them, else 0.

    Raises:
        SnnccError: see ``inspect_on``.
    """
    with progress(quiet or as_json) as bar:
        found = inspect_on(path, wish, bar)
    fitted(found, as_json, text)
    return int(not all(entry["fits"] for entry in found["targets"].values()))


def inspect_on(path: Path, wish: Wish, bar: Bar = lambda what, done, total: None) -> dict[str, Any]:
    """Return what ``inspect_file`` tells of a file, and under ``targets`` what each target named has for it.

    Args:
        path: an ONNX model, which needs no calibration data, or a program.
        wish: targets and options.
        bar: shows progress.

    Raises:
        SnnccError: exit code 2: SNN750 no target; SNN501 and others, targets and options that do not exist; SNN350
            options for a program; or the file cannot be read.
    """
    if not wish.targets:
        message = "coding, widths and signs were given, and no target to try the network on"
        raise fail("SNN750", message, Loc("options", "target"), "add --target, or leave them out", 2)
    chips = _chips(wish.targets)
    bar("reading", 0, 0)
    if holds_program(path):
        program = read_program(path)
        _check_unused(program, wish)
        found = describe_program(program)
        tried = [Tried(chip, None, program) for chip in chips.values()]
    else:
        _check_options(wish)
        found, tried = _tried(path, chips, wish, bar)
    entries = {}
    for number, (name, one) in enumerate(zip(chips, tried, strict=True)):
        bar("fitting", number, len(chips))
        entries[name] = _entry(one)
    return {**found, "known_targets": list(target_names()), "targets": entries}


def _chips(names: Sequence[str]) -> dict[str, Target]:
    """Return the targets by the name they were given, each once; what is wrong with all names at once."""
    chips, problems, code = {}, list[Diagnostic](), 1
    for name in dict.fromkeys(names):
        try:
            chips[name] = load_target(name)
        except SnnccError as error:
            problems += error.diagnostics
            code = max(code, error.exit_code)
    if problems:
        raise SnnccError(problems, code)
    return chips


def _check_unused(program: Program, wish: Wish) -> None:
    if not wish.is_plain:
        message = f"program '{program.name}' is compiled already: options of a compilation change nothing"
        raise fail("SNN350", message, Loc("options", "model"), "leave them out, or give the model itself", 2)


def _check_options(wish: Wish) -> None:
    """Refuse options that are wrong on every target."""
    try:
        _options("generic", wish)
    except SnnccError as error:
        if any(problem.code != UNSENDABLE for problem in error.diagnostics):
            raise


def _options(target: str, wish: Wish) -> Options:
    return make_options(target, wish.coding, wish.bits, weight_bits=wish.weight_bits)


def _tried(path: Path, chips: Mapping[str, Target], wish: Wish, bar: Bar) -> tuple[dict[str, Any], list[Tried]]:
    """Return what a model holds, and its draft for every target."""
    try:
        graph = api.import_model(path)
    except SnnccError as error:
        found = describe_unsupported(path, error.diagnostics)
        return found, [Tried(chip, None, None, error.diagnostics) for chip in chips.values()]
    tried: list[Tried] = []
    for number, (name, chip) in enumerate(chips.items()):
        bar("drafting", number, len(chips))
        tried.append(_draft(graph, name, chip, wish, tried))
    return describe_model(graph), tried


def _draft(graph: Graph, name: str, chip: Target, wish: Wish, before: Sequence[Tried]) -> Tried:
    """Return the draft for a target: that of a target before it, where they differ in nothing but their boards."""
    for other in before:
        if _kind(other.target) == _kind(chip):
            program = other.program and replace(other.program, target=chip.name)
            return replace(other, target=chip, program=program)
    options = None
    try:
        options = _options(name, wish)
        return Tried(chip, options, draft(graph, options, wish.signed))
    except SnnccError as error:
        if any(problem.code != UNSENDABLE for problem in error.diagnostics) and error.exit_code == 2:
            raise  # a layer that the network does not have
        return Tried(chip, options, None, error.diagnostics)


def _kind(target: Target) -> Target:
    """Return a target without what no draft looks at."""
    plain = replace(target, name="", description="", file="", board=Board(), host=Host(), dominated={})
    return replace(plain, tables={}, figures={}, sources={})


def _entry(tried: Tried) -> dict[str, Any]:
    """Return what a target has for a network, as JSON has it."""
    chip, options, found = tried.target, tried.options, None
    if tried.program is not None:
        found = fit(tried.program, chip)
    problems = found.violations if found else tried.problems
    return {
        "fits": found is not None and found.fits,
        "target": chip.name,
        "description": chip.description,
        "cores": found.cores if found else None,
        "input_cores": found.inputs if found else None,
        "chips": found.chips if found else None,
        "has": {"cores": chip.board.all_cores, "chips": chip.board.chips},
        "limits": {name: limit for name, limit in asdict(chip.core).items() if limit is not None},
        "options": _told(options),
        "total": _total(found),
        "layers": [_layer(need) for need in found.layers] if found else [],
        "violations": [asdict(p) | {"text": str(p)} for p in problems],
        **_schedule(tried.program),
    }


def _told(options: Options | None) -> dict[str, Any] | None:
    if options is None:
        return None
    return {"coding": options.told_coding, "levels": options.levels, "weight_bits": options.weight_bits}


def _schedule(program: Program | None) -> dict[str, int | None]:
    if program is None:
        return {"latency_steps": None, "interval": None}
    return {"latency_steps": program.latency, "interval": program.interval}


def _total(found: Fit | None) -> dict[str, int]:
    """Return what all layers need together, by limit."""
    if found is None:
        return {}
    entries = dict.fromkeys(entry for need in found.layers for entry in need.total)
    return {entry: sum(need.total.get(entry, 0) for need in found.layers) for entry in entries}


def _layer(need: Need) -> dict[str, Any]:
    return asdict(need) | {"shape": list(need.shape)}
