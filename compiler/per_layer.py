"""Settings that may differ between layers: ``"DEFAULT,LAYER=VALUE"``, or a mapping with the default under ``""``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, Loc

Given = Any  # what a user passes: one value, text, a mapping, or something wrong


@dataclass(frozen=True)
class Setting:
    """One option as it was given.

    Attributes:
        name: the option.
        default: its value for all other layers, None where none was given.
        by_layer: its values for single layers.
        twice: layers that were given more than once.
    """

    name: str
    default: Any = None
    by_layer: Mapping[str, Any] = field(default_factory=dict)
    twice: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[Any, ...]:
        """Return all values given, the default first."""
        return (self.default, *self.by_layer.values())

    def of(self, layer: str, otherwise: Any) -> Any:
        """Return the value for a layer."""
        value = self.by_layer.get(layer, self.default)
        return otherwise if value is None else value

    def told(self, otherwise: Any) -> str:
        """Return the setting as the user writes it."""
        own = [f"{layer}={value}" for layer, value in self.by_layer.items()]
        return ",".join([str(otherwise if self.default is None else self.default), *own])

    def problems(self) -> Iterator[Diagnostic]:
        """Yield SNN516 for layers that were given more than once."""
        for layer in self.twice:
            message = f"{self.name.replace('_', ' ')} of layer '{layer}' were given twice"
            yield Diagnostic("SNN516", message, Loc("options", self.name), "give one value for a layer")


def setting(name: str, given: Given, read: Callable[[str], Any] = str) -> Setting:
    """Return a setting from what the user gave.

    Args:
        name: the option.
        given: one value; text ``"DEFAULT,LAYER=VALUE,..."``; or a mapping by layer, the default under ``""``.
        read: makes a value of a word of the text.
    """
    if isinstance(given, Mapping):
        others = dict(given)
        return Setting(name, others.pop("", None), others)
    if not isinstance(given, str) or not given.strip():
        return Setting(name, given)
    words = [word.strip().rpartition("=") for word in given.split(",") if word.strip()]
    layers = [layer.strip() for layer, _, _ in words]
    found = {layer: read(value.strip()) for layer, (_, _, value) in zip(layers, words, strict=True)}
    twice = tuple(dict.fromkeys(layer or "(default)" for layer in layers if layers.count(layer) > 1))
    return Setting(name, found.pop("", None), found, twice)


def whole(word: str) -> int | str:
    """Return a word as a whole number where it is one, else as it is, for the check to report."""
    try:
        return int(word)
    except ValueError:
        return word


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def choices(what: str, names: Sequence[str], given: str) -> str:
    """Return a hint that lists the names there are, the one that was probably meant first."""
    near = get_close_matches(given, names, n=1)
    meant = f"did you mean '{near[0]}'? " if near else ""
    return f"{meant}{what} are: {', '.join(names)}"


def unknown_layers(option: str, given: Iterable[str], names: Sequence[str], does: str) -> list[Diagnostic]:
    """Return SNN513 for each layer named in an option that the network does not have.

    Args:
        option: the option.
        given: the layers named in it.
        names: the layers there are.
        does: what a layer must do to be named there: ``chooses a coding``.
    """
    wrong = sorted(set(given) - set(names))
    loc = Loc("options", option)
    return [
        Diagnostic("SNN513", f"no layer '{name}' of the network {does}", loc, choices("layers", names, name))
        for name in wrong
    ]
