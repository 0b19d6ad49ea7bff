"""Chips: what a target offers, read from one TOML file each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from snncc.compiler.diagnostics import fail

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Target:
    """What a chip offers.

    Attributes:
        name: name of the file without its ending.
        description: one line.
        state_bits: width of a neuron's state, two's complement.
        accumulator_bits: width of the sum of what arrives in one step.
        weight_bits: width of a synaptic weight, sign included.
        payload_bits: width of a spike's payload, sign included.
        max_delay: largest synaptic delay in steps beyond the one step every axon takes.
        programmable: whether neurons run programs of our own.
        graded: whether spikes carry payloads.
        signed: whether payloads may be negative.
        ports: in-ports of a neuron program.
        coding: default coding.
        schedule: ``pipelined`` or ``sequential``.
        dominated: codings that another one beats here in every account, with the better one.
        cost: modelled energies by name: ``synaptic_event_pj`` and ``update_pj``, for comparing codings only.
    """

    name: str
    description: str
    state_bits: int
    accumulator_bits: int
    weight_bits: int
    payload_bits: int
    max_delay: int
    programmable: bool
    graded: bool
    signed: bool
    ports: int
    coding: str
    schedule: str
    dominated: Mapping[str, str]
    cost: Mapping[str, float]


def target_names() -> tuple[str, ...]:
    """Return the names of the bundled targets, sorted."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name[:-5] for f in files if f.name.endswith(".toml")))


def load_target(name: str) -> Target:
    """Return a bundled target by name.

    Raises:
        SnnccError: SNN501 with exit code 2, no such target.
    """
    if name not in target_names():
        known = ", ".join(target_names())
        raise fail("SNN501", f"there is no target '{name}'", hint=f"targets are: {known}", exit_code=2)
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return _target(tomllib.loads(text))


def _target(table: dict[str, Any]) -> Target:
    return Target(
        name=table["name"],
        description=table["description"],
        **table["arithmetic"],
        **table["features"],
        **table["defaults"],
        dominated=table.get("dominated", {}),
        cost=table["cost"],
    )
