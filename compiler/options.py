"""The options of a compilation, checked together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from snncc.compiler.coding import CODINGS, Levels
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.mapping.choice import sendable
from snncc.compiler.per_layer import Given, Setting, choices, is_whole, setting, whole
from snncc.compiler.quantize.recipe import ROUNDINGS, Recipe, Recipes, is_rounding
from snncc.compiler.quantize.scales import METHODS, is_method
from snncc.compiler.targets import Target, load_target

AUTO = "auto"
SCHEDULES = ("pipelined", "sequential")
MOST_LEVELS = 65535
MOST_BITS = 16
DEFAULT_BITS = 4
WEIGHT_BITS = (2, 8)


@dataclass(frozen=True)
class Options:
    """What the user chose.

    Attributes:
        target: the chip.
        coding: key of CODINGS, or ``auto``.
        recipes: how each layer is quantized.
        bits: n where Q was given as 2^n - 1, else None.
        schedule: ``pipelined`` or ``sequential``.
        settings: what was given, by option: coding, bits, levels, weight_bits, scales, rounding.
    """

    target: Target
    coding: str
    recipes: Recipes
    bits: int | None
    schedule: str
    settings: Mapping[str, Setting]

    @property
    def by_layer(self) -> Mapping[str, str]:
        """Return the codings of single layers, by the name of their node in the integer network."""
        return self.settings["coding"].by_layer

    @property
    def levels(self) -> int:
        """Return Q, the greatest level of every activation that has none of its own."""
        return self.recipes.default.levels

    @property
    def weight_bits(self) -> int:
        """Return the width of the weights of every layer that has none of its own."""
        return self.recipes.default.weight_bits

    @property
    def told_coding(self) -> str:
        """Return the choice of codings as the user writes it."""
        return self.settings["coding"].told(self.coding)

    def carries(self, layer: str, levels: Levels) -> bool:
        """Return whether the spikes of a layer must carry its levels; ``auto`` finds another coding if it can."""
        name = self.by_layer.get(layer, self.coding)
        chosen = sendable(self.target) if name == AUTO else (name,)
        return all(CODINGS[one].graded or (levels.signed and not CODINGS[one].signed) for one in chosen)

    def notes(self) -> Iterator[Diagnostic]:
        """Yield what a user should know about the choice before anything is compiled."""
        better = self.target.dominated.get(self.coding)
        if better:
            message = (
                f"on {self.target.name} coding '{self.coding}' is dominated by '{better}': the same levels take fewer "
                "steps, spikes and neuron updates there"
            )
            hint = f"use --coding {better}, or keep it to compare"
            yield Diagnostic("SNN510", message, Loc("options", "coding"), hint, severity="warning")


def make_options(
    target: str = "loihi2",
    coding: str | Mapping[str, str] | None = None,
    bits: int | str | Mapping[str, int] | None = None,
    levels: int | str | Mapping[str, int] | None = None,
    weight_bits: int | str | Mapping[str, int] | None = None,
    schedule: str | None = None,
    scales: str | Mapping[str, str] = Recipe.scales,
    rounding: str | Mapping[str, str] = Recipe.rounding,
) -> Options:
    """Return checked options; ``bits`` n means Q = 2^n - 1 in every coding, 4 where neither is given.

    ``weight_bits`` is 8 where none are given, or what the target stores if that is less.
    All but target and schedule may differ between layers: one value, text ``"DEFAULT,LAYER=VALUE"``, or a mapping by
    layer with the default under ``""``.

    Raises:
        SnnccError: exit code 2; SNN501 unknown target, SNN502 unknown coding, SNN503 levels, SNN504 weight bits,
            SNN505 unknown schedule, SNN506 the target's neurons cannot run the coding or keep the schedule, SNN514
            unknown scales, SNN515 unknown rounding, SNN516 a layer given twice; or exit code 1 and what is wrong with
            a target file. All problems at once.
    """
    given: Mapping[str, Given] = {
        "coding": coding, "bits": bits, "levels": levels, "weight_bits": weight_bits, "scales": scales,
        "rounding": rounding,
    }  # fmt: skip
    numbers = ("bits", "levels", "weight_bits")
    settings = {name: setting(name, value, whole if name in numbers else str) for name, value in given.items()}
    chip = _chip(target, list(_problems(schedule, settings)))
    codings = settings["coding"]
    chosen = codings.default or chip.coding
    unfit = [p for name in dict.fromkeys([chosen, *codings.values[1:]]) for p in _unsendable(name, chip)]
    if problems := [*unfit, *_unkept(schedule or chip.schedule, chip), *_unstored(settings["weight_bits"], chip)]:
        raise SnnccError(problems, 2)
    bits_given = settings["bits"].default
    short = DEFAULT_BITS if bits_given is None and settings["levels"].default is None else bits_given
    recipes = _recipes(settings, chip)
    return Options(chip, chosen, recipes, None if short is None else int(short), schedule or chip.schedule, settings)


def _recipes(settings: Mapping[str, Setting], chip: Target) -> Recipes:
    """Return the recipes that checked settings make."""
    kinds = ("bits", "levels", "weight_bits", "scales", "rounding")
    named = dict.fromkeys(layer for kind in kinds for layer in settings[kind].by_layer)
    usual = min(Recipe.weight_bits, chip.weight_bits)
    default = _recipe(settings, "", usual)
    return Recipes(default, {layer: _recipe(settings, layer, usual) for layer in named})


def _recipe(settings: Mapping[str, Setting], layer: str, width: int) -> Recipe:
    """Return the recipe of a layer; ``width`` is that of its weights where none is given."""
    bits, levels = settings["bits"], settings["levels"]
    usual = (1 << int(bits.of("", DEFAULT_BITS))) - 1
    most = int(levels.of(layer, usual))
    if layer in bits.by_layer:
        most = (1 << int(bits.by_layer[layer])) - 1
    width = int(settings["weight_bits"].of(layer, width))
    return Recipe(most, width, *(settings[kind].of(layer, getattr(Recipe, kind)) for kind in ("scales", "rounding")))


def _chip(target: str, problems: list[Diagnostic]) -> Target:
    """Return the target, or raise what is wrong with it together with what is wrong with the other options."""
    try:
        chip = load_target(target)
    except SnnccError as error:
        raise SnnccError([*error.diagnostics, *problems], 2 if problems else error.exit_code) from None
    if problems:
        raise SnnccError(problems, 2)
    return chip


def _unsendable(coding: str, chip: Target) -> Iterator[Diagnostic]:
    if coding == AUTO or coding in sendable(chip):
        return
    message = f"neurons of {chip.name} cannot run coding '{coding}'"
    if CODINGS[coding].graded and not chip.graded:
        message = f"spikes of {chip.name} carry no payload, coding '{coding}' needs one"
    hint = f"codings of {chip.name} are: {', '.join(sendable(chip))}"
    yield _problem("SNN506", message, "coding", hint)


def _unkept(schedule: str, chip: Target) -> Iterator[Diagnostic]:
    if schedule not in chip.schedules:
        message = f"neurons of {chip.name} cannot keep schedule '{schedule}'"
        yield _problem("SNN506", message, "schedule", f"schedules of {chip.name} are: {', '.join(chip.schedules)}")


def _unstored(widths: Setting, chip: Target) -> Iterator[Diagnostic]:
    """Yield SNN504 for each width that the chip's synapses are too narrow for."""
    for layer, width in (("", widths.default), *widths.by_layer.items()):
        if width is not None and width > chip.weight_bits:
            whose = f" of layer '{layer}'" if layer else ""
            message = f"weights{whose} of {width} bits do not fit {chip.name}, which stores {chip.weight_bits} bits"
            fix = f"{layer}={chip.weight_bits}" if layer else f"{chip.weight_bits}"
            yield _problem("SNN504", message, "weight_bits", f"give --weight-bits {fix} or fewer")


def _problems(schedule: str | None, settings: Mapping[str, Setting]) -> Iterator[Diagnostic]:
    for place, coding in enumerate(settings["coding"].values):
        known = (*CODINGS, AUTO) if place == 0 else tuple(CODINGS)  # the program's own coding comes first
        if coding is not None and coding not in known:
            hint = choices("codings", known, str(coding))
            yield _problem("SNN502", f"there is no coding '{coding}'", "coding", hint)
    if schedule is not None and schedule not in SCHEDULES:
        hint = choices("schedules", SCHEDULES, str(schedule))
        yield _problem("SNN505", f"there is no schedule '{schedule}'", "schedule", hint)
    yield from _levels(settings["bits"], settings["levels"])
    widths = settings["weight_bits"]
    for width in (widths.default, *widths.by_layer.values()):
        if width is not None:
            yield from _range("SNN504", "weight_bits", width, *WEIGHT_BITS)
    yield from _names("SNN514", "scales", settings["scales"], METHODS, is_method)
    yield from _names("SNN515", "rounding", settings["rounding"], ROUNDINGS, is_rounding)
    for one in settings.values():
        yield from one.problems()


def _levels(bits: Setting, levels: Setting) -> Iterator[Diagnostic]:
    """Yield what is wrong with numbers of levels; a layer's own may be bits where the default is levels."""
    both = bits.default is not None and levels.default is not None
    if both or set(bits.by_layer) & set(levels.by_layer):
        hint = "give one of them: bits n means levels = 2^n - 1"
        yield _problem("SNN503", "bits and levels were both given", "bits", hint)
    for one, most in ((bits, MOST_BITS), (levels, MOST_LEVELS)):
        for value in one.values:
            if value is not None:
                yield from _range("SNN503", one.name, value, 1, most)


def _names(
    code: str, what: str, one: Setting, known: Sequence[str], good: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    for value in one.values:
        if value is not None and not (isinstance(value, str) and good(value)):
            yield _problem(code, f"there is no {what} '{value}'", what, choices(what, known, str(value)))


def _range(code: str, name: str, value: object, low: int, high: int) -> Iterator[Diagnostic]:
    what, hint = name.replace("_", " "), f"give a whole number from {low} to {high}"
    if not is_whole(value):
        yield _problem(code, f"{what} are {value!r}, no whole number", name, hint)
    elif not low <= value <= high:  # type: ignore[operator]
        yield _problem(code, f"{value} {what} lie outside {low}..{high}", name, hint)


def _problem(code: str, message: str, option: str, hint: str) -> Diagnostic:
    return Diagnostic(code, message, Loc("options", option), hint)
