"""The options of a fine-tuning run, checked together; torch is not needed for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.options import Options, make_options
from snncc.compiler.per_layer import is_whole

MOST_LEVELS = 127  # signed levels are 8-bit integers in the module that is given back
OUTER_BITS = 8  # Choi et al. (2018), section 5: first and last layer keep more bits


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        options: levels and weight bits of each layer, as for a compilation.
        outer_weight_bits: width of the weights that read inputs or make outputs, where the layer has none of its own.
        epochs: passes over the data.
        rate: highest learning rate.
        batch: samples a step.
        distill: share of the loss that asks for the float network's outputs, 0..1; the rest asks for the labels.
        seed: of the order of the samples.
    """

    options: Options
    outer_weight_bits: int
    epochs: int
    rate: float
    batch: int
    distill: float
    seed: int


def make_settings(
    bits: int | str | Mapping[str, int],
    weight_bits: int | str | Mapping[str, int],
    outer_weight_bits: int,
    epochs: int,
    rate: float,
    batch: int,
    distill: float,
    seed: int,
) -> Settings:
    """Return checked settings.

    Raises:
        SnnccError: exit code 2; SNN531 numbers out of range, SNN503 bits, SNN504 weight bits, SNN516 a layer given
            twice. All problems at once.
    """
    problems = [
        *_whole("outer_weight_bits", outer_weight_bits, 2, 8),
        *_whole("epochs", epochs, 1, 10_000),
        *_whole("batch", batch, 1, 1_000_000),
        *_whole("seed", seed, 0, (1 << 63) - 1),
        *_real("rate", rate, 0.0, 1.0, least_allowed=False),
        *_real("distill", distill, 0.0, 1.0),
    ]
    try:
        options = make_options(bits=bits, weight_bits=weight_bits)
    except SnnccError as error:
        raise SnnccError([*error.diagnostics, *problems], 2) from error
    problems += _levels(options)
    if problems:
        raise SnnccError(problems, 2)
    return Settings(options, int(outer_weight_bits), int(epochs), float(rate), int(batch), float(distill), int(seed))


def _levels(options: Options) -> Iterator[Diagnostic]:
    named = {"": options.recipes.default, **options.recipes.by_layer}
    for layer, recipe in named.items():
        if recipe.levels > MOST_LEVELS:
            whose = f" of layer '{layer}'" if layer else ""
            yield _problem("bits", f"{recipe.levels} levels{whose} are too many to fine-tune", "give 1 to 7 bits")


def _whole(name: str, value: object, least: int, most: int) -> Iterator[Diagnostic]:
    if not is_whole(value) or not least <= value <= most:  # type: ignore[operator]
        hint = f"give a whole number from {least} to {most}"
        yield _problem(name, f"{name.replace('_', ' ')} cannot be {value!r}", hint)


def _real(name: str, value: object, least: float, most: float, least_allowed: bool = True) -> Iterator[Diagnostic]:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not least <= value <= most or (value == least and not least_allowed):  # type: ignore[operator]
        above = "from" if least_allowed else "above"
        yield _problem(name, f"{name} cannot be {value!r}", f"give a number {above} {least:g} to {most:g}")


def _problem(option: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic("SNN531", message, Loc("options", option), hint)
