"""What taking a quantized network over has to tell the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Add
from snncc.compiler.quantize.verbatim_values import Grid

_HINT = "quantize all of the network where it was trained, or import its float form and let snncc quantize it"


@dataclass
class Found:
    """Collects what stands in the way, and passes on what does not."""

    report: Callable[[Diagnostic], None]
    problems: list[Diagnostic] = field(default_factory=list)

    def add(self, problem: Diagnostic) -> Grid | None:
        """Note a problem; returns None, which stands for the value that cannot be made."""
        self.problems.append(problem)
        return None


def refused(node: Node, reason: str, code: str = "SNN222") -> Diagnostic:
    """Return what keeps a node from being taken over."""
    hints = {
        "SNN222": "fold it into the layer before it, or move it behind the quantizer",
        "SNN223": "quantize each operand before it, and the result after it",
        "SNN224": "end the network in a weighted sum, or in a quantizer",
    }
    return Diagnostic(code, f"'{node.name}' ({node.op.name}) {reason}", node.loc, hints[code])


def no_quantizer(name: str, reader: Node | None) -> Diagnostic:
    """Return SNN220: a layer reads a value that no quantizer has met."""
    by = f"'{reader.name}' ({reader.op.name})" if reader is not None else "a layer"
    message = f"{by} reads '{name}', which has no quantizer, while other layers of the network have"
    hint = "quantize both operands and the result of an addition" if isinstance(reader and reader.op, Add) else _HINT
    return Diagnostic("SNN220", message, reader.loc if reader is not None else Loc(), hint)


def unquantized_input(name: str, loc: Loc) -> Diagnostic:
    """Return SNN229: an input has no quantizer, and there are no data to find its scale."""
    message = f"input '{name}' has no quantizer, so its scale must be found on calibration data, and none are given"
    return Diagnostic("SNN229", message, loc, "give calibration data, or put a quantizer at the input of the network")


def rounded_units(node: Node, error: float) -> Diagnostic:
    """Return SNN221: outputs have no common unit."""
    message = (
        f"the channels of output '{node.name}' have units of their own; integer multipliers bring them to one, with "
        f"relative errors up to {error:.2g}"
    )
    hint = "quantize the last layer's weights with one scale, or put a quantizer behind it"
    return Diagnostic("SNN221", message, node.loc, hint, "warning")


def own_scale(name: str, scale: float, levels: str, loc: Loc) -> Diagnostic:
    """Return SNN227: what is not the model's own."""
    message = f"input '{name}' has no quantizer in the model; calibration gives it levels {levels} of {scale:.6g}"
    return Diagnostic("SNN227", message, loc, severity="warning")


def own_weights(node: Node, bits: int) -> Diagnostic:
    """Return SNN228: the weights of a layer are rounded here."""
    message = f"the weights of '{node.name}' are floats in the model; they are rounded to {bits} bits a channel here"
    return Diagnostic("SNN228", message, node.loc, severity="warning")


def undecided(name: str, loc: Loc, wrong: int, pairs: int) -> Diagnostic:
    """Return SNN225: decisions of an addition that no integer multipliers reproduce."""
    message = (
        f"{wrong} of {pairs} pairs of integers that can meet in '{name}' get another level than in the model's "
        "runtime: no integer multipliers that fit the accumulator decide all pairs as it does"
    )
    hint = "quantize both operands before the addition, with one scale or scales that are powers of two"
    return Diagnostic("SNN225", message, loc, hint, "warning")
