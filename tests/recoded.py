"""One integer network in many codings: quantized once, as it is the same in all, and sent again as ``compile`` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from snncc.compiler.certificate import certify
from snncc.compiler.mapping.choice import choose, senders
from snncc.compiler.mapping.lower import lower
from snncc.compiler.options import make_options
from snncc.compiler.passes.base import run_passes
from snncc.compiler.pipeline import integer_passes
from snncc.compiler.program import Origin, Program

CYCLE = ("rate", "bitplane", "ttfs", "graded")  # of the mixed coding, layer by layer


def sent_in(
    origin: Origin, coding: str | Mapping[str, str], target: str = "loihi2", *, levels: int | None = None
) -> Program:
    """Return the program that sends an integer network in a coding, or each layer in its own."""
    options = make_options(target, coding, levels=levels)
    choice = choose(options.coding, options.target, options.by_layer)
    suited = run_passes(origin.network, integer_passes(options, choice.unary(origin.network)))
    program = lower(suited, choice, options.target, options.schedule, options.recipes.weight_bits)
    certificate = certify(program, origin.network, options.target)
    settings = {**origin.settings, "coding": options.told_coding}
    return replace(program, origin=replace(origin, certificate=certificate, settings=settings))


def mixed(origin: Origin) -> dict[str, str]:
    """Return codings in turn, layer by layer; inputs are sent in the default."""
    layers = [node.name for node in senders(origin.network)][1:]
    return {layer: CYCLE[number % len(CYCLE)] for number, layer in enumerate(layers)}
