"""Backends by name: those of this package and those that others bring through entry points, loaded when used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from snncc.backends.base import Backend
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError, fail

GROUP = "snncc.backends"
# Ours stand here too, so that a checkout that is not installed finds them.
BUNDLED = {
    "c": "snncc.backends.c.backend:CBackend",
    "lava": "snncc.backends.lava.backend:LavaBackend",
    "onnx": "snncc.backends.onnx.backend:OnnxBackend",
}


@dataclass(frozen=True)
class Listed:
    """A name that some package offers a backend for.

    Attributes:
        name: what users call it.
        offers: ``module:class`` of everyone who claims the name, more than one if they collide.
        backend: the backend, None if it cannot be used.
        problem: why not; None if it can.
    """

    name: str
    offers: tuple[str, ...]
    backend: Backend | None
    problem: Diagnostic | None


def names() -> tuple[str, ...]:
    """Return the names of all backends on offer, sorted, those that cannot be loaded included."""
    return tuple(sorted(_offers()))


def list_backends() -> tuple[Listed, ...]:
    """Return every backend on offer, by name, each loaded or with the reason why it could not be."""
    return tuple(_listed(name, offers) for name, offers in sorted(_offers().items()))


def get_backend(name: str) -> Backend:
    """Return a backend by name.

    Raises:
        SnnccError: SNN600 there is none of that name (exit code 2); SNN601 it cannot be loaded; SNN602 two packages
            offer one.
    """
    offers = _offers()
    if name not in offers:
        known = ", ".join(sorted(offers))
        raise fail("SNN600", f"there is no backend '{name}'", Loc("options", "backend"), f"backends are: {known}", 2)
    listed = _listed(name, offers[name])
    if listed.backend is None:
        assert listed.problem is not None
        raise SnnccError([listed.problem])
    return listed.backend


def _offers() -> dict[str, tuple[str, ...]]:
    """Return ``module:class`` of every offer by name; one that is made twice in the same words counts once."""
    offers: dict[str, tuple[str, ...]] = {name: (value,) for name, value in BUNDLED.items()}
    for point in _installed():
        offers[point.name] = tuple(dict.fromkeys([*offers.get(point.name, ()), point.value]))
    return offers


def _installed() -> Iterable[EntryPoint]:
    return entry_points(group=GROUP)


def _listed(name: str, offers: tuple[str, ...]) -> Listed:
    if len(offers) > 1:
        message = f"backend '{name}' is offered more than once: {', '.join(offers)}"
        problem = Diagnostic("SNN602", message, Loc("backends", name), "uninstall all of these packages but one")
        return Listed(name, offers, None, problem)
    try:
        found = EntryPoint(name, offers[0], GROUP).load()
        backend = found() if isinstance(found, type) else found
    except (Exception, SystemExit) as error:  # whatever another package's code raises when it is imported
        return Listed(name, offers, None, _unusable(name, f"{offers[0]} raised {type(error).__name__}: {error}"))
    if not isinstance(backend, Backend) or backend.name != name:
        return Listed(name, offers, None, _unusable(name, f"{offers[0]} is no backend of that name"))
    return Listed(name, offers, backend, None)


def _unusable(name: str, reason: str) -> Diagnostic:
    hint = "repair or uninstall the package that brings it"
    return Diagnostic("SNN601", f"backend '{name}' cannot be loaded: {reason}", Loc("backends", name), hint)
