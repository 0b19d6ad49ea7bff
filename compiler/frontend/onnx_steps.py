"""Activations that take steps: a Floor, Round or Ceil, with what scales and clips its input and its result.

    y = c clip(round(a x + b), lo, hi) + d

QCFS (clip-floor-shift: Bu et al., ICLR 2022), learned step sizes and other fake quantization reach ONNX as chains of
Div, Clip, Mul, Add, Floor with single numbers, in an order of each author's own. So a chain is not matched against
forms but worked out: what it does to x before it rounds, and to whole numbers after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from snncc.compiler.frontend.onnx_context import Context, Flow
from snncc.compiler.frontend.onnx_pointwise import scaled
from snncc.compiler.ir.quantizer import Quantizer

DOMAIN, KIND = "snncc", "Quantizer"
ROUNDS = {"Floor": "floor", "Round": "half_even", "Ceil": "ceil"}
_SMALL = 1e-5  # relative: constants are float32 and some authors divide where others multiply
_MOST = 1 << 16
Numbers = Sequence["float | None"]


@dataclass(frozen=True)
class Line:
    """clip(a x + b, lo, hi)."""

    a: float = 1.0
    b: float = 0.0
    lo: float = -inf
    hi: float = inf

    def scaled(self, by: float, add: float) -> Line:
        """Return it times ``by``, plus ``add``."""
        ends = sorted((_times(self.lo, by) + add, _times(self.hi, by) + add))
        return Line(self.a * by, self.b * by + add, *ends)

    def clipped(self, low: float, high: float) -> Line:
        """Return it held within low..high."""
        lo, hi = (min(max(end, low), high) for end in (self.lo, self.hi))
        return replace(self, lo=lo, hi=hi)


def _times(end: float, by: float) -> float:
    return end * by if by else 0.0


def find_quantizers(model: ir.Model) -> None:
    """Replace each chain that takes equal steps between two limits by one node, in place."""
    changed = False
    for node in list(model.graph):
        if node.graph is not None and node.op_type in ROUNDS and node.domain in ("", "ai.onnx"):
            changed = _replaced(model.graph, node) or changed
    if changed:
        common.RemoveUnusedNodesPass()(model)


def _replaced(graph: ir.Graph, node: ir.Node) -> bool:
    before, source = _upwards(node)
    if source is None or source.const_value is not None:
        return False
    best: tuple[ir.Value, dict[str, float | int | str]] | None = None
    steps, last = Line(), node
    found = _attributes(node.op_type, before, steps)
    best = (node.outputs[0], found) if found else None
    while (follower := _only_reader(last)) is not None:
        line = _applied(steps, follower, last.outputs[0])
        if line is None:
            break
        steps, last = line, follower
        found = _attributes(node.op_type, before, steps)
        best = (last.outputs[0], found) if found else best
    if best is None:
        return False
    value, attributes = best
    origin = value.producer()
    assert origin is not None
    known = [ir.Attr(name, _KIND[type(item)], item) for name, item in attributes.items()]
    made = ir.Node(DOMAIN, KIND, [source], known, name=origin.name, metadata_props=dict(origin.metadata_props))
    made.outputs[0].shape, made.outputs[0].type = value.shape, value.type
    ir.convenience.replace_nodes_and_values(graph, origin, [origin], [made], [value], [made.outputs[0]])
    return True


_KIND = {float: ir.AttributeType.FLOAT, int: ir.AttributeType.INT, str: ir.AttributeType.STRING}


def _upwards(node: ir.Node) -> tuple[Line, ir.Value | None]:
    """Return what is done to a value before a node rounds it, and the value."""
    chain: list[ir.Node] = []
    value = node.inputs[0]
    while value is not None and (maker := value.producer()) is not None:
        source = _data(maker)
        if source is None or len(list(value.uses())) > 1 or _applied(Line(), maker, source) is None:
            break
        chain.append(maker)
        value = source
    line = Line()
    for step in reversed(chain):
        line = _applied(line, step, _data(step)) or line
    return line, value


def _data(node: ir.Node) -> ir.Value | None:
    """Return the one operand of a node that is no constant."""
    data = [value for value in node.inputs if value is not None and value.const_value is None]
    return data[0] if len(data) == 1 else None


def _only_reader(node: ir.Node) -> ir.Node | None:
    uses = list(node.outputs[0].uses())
    return uses[0].node if len(uses) == 1 and not node.outputs[0].is_graph_output() else None


def _applied(line: Line, node: ir.Node, data: ir.Value | None) -> Line | None:
    """Return a line after a node; None if the node is no scaling, shift or clip by single numbers."""
    if node.domain not in ("", "ai.onnx") or _data(node) is not data or data is None:
        return None
    numbers = [None if value is None or value is data else _number(value) for value in node.inputs]
    key = (node.op_type, node.inputs[0] is data)
    return None if np.nan in numbers or key not in _EFFECTS else _EFFECTS[key](line, numbers)


def _clip(line: Line, numbers: Numbers) -> Line:
    low, high = (numbers[i] if len(numbers) > i else None for i in (1, 2))
    return line.clipped(-inf if low is None else low, inf if high is None else high)


def _divided(line: Line, numbers: Numbers) -> Line | None:
    by = _constant(numbers)
    return line.scaled(1.0 / by, 0.0) if by else None


def _constant(numbers: Numbers) -> float:
    return next(number for number in numbers if number is not None)


# What an operator does to a line, by whether its first operand is the activation; the numbers are its operands,
# None for the activation.
_EFFECTS: dict[tuple[str, bool], Callable[[Line, Numbers], Line | None]] = {
    ("Identity", True): lambda line, n: line,
    ("Cast", True): lambda line, n: line,
    ("Relu", True): lambda line, n: line.clipped(0.0, inf),
    ("Neg", True): lambda line, n: line.scaled(-1.0, 0.0),
    ("Clip", True): _clip,
    ("Div", True): _divided,
    ("Sub", True): lambda line, n: line.scaled(1.0, -_constant(n)),
    ("Sub", False): lambda line, n: line.scaled(-1.0, _constant(n)),
    **{("Add", first): lambda line, n: line.scaled(1.0, _constant(n)) for first in (True, False)},
    **{("Mul", first): lambda line, n: line.scaled(_constant(n), 0.0) for first in (True, False)},
    **{("Max", first): lambda line, n: line.clipped(_constant(n), inf) for first in (True, False)},
    **{("Min", first): lambda line, n: line.clipped(-inf, _constant(n)) for first in (True, False)},
}


def _number(value: ir.Value) -> float:
    """Return a constant that is one number, NaN (the object numpy.nan) for any other."""
    constant = value.const_value
    return float(constant.numpy().ravel()[0]) if constant is not None and constant.size == 1 else np.nan


def _attributes(kind: str, before: Line, after: Line) -> dict[str, float | int | str] | None:
    """Return the quantizer that rounding between two lines is, None if there is none.

    With m = n + d / c whole numbers, y = c m; the shift before the rounding that d leaves is undone on x.
    """
    if not (before.a > 0 and after.a > 0) or not _is_whole(after.b / after.a):
        return None
    offset = round(after.b / after.a)
    ends = [_rounded(kind, end) for end in (before.lo, before.hi)]
    limits = [(end - after.b) / after.a for end in (after.lo, after.hi)]
    if any(isfinite(limit) and not _is_whole(limit) for limit in limits):
        return None
    lo, hi = max(ends[0], limits[0]) + offset, min(ends[1], limits[1]) + offset
    if not (isfinite(lo) and isfinite(hi)) or hi - lo >= _MOST or not round(lo) <= 0 < round(hi):
        return None
    half = 0.5 if kind == "Floor" and not _is_whole(before.b) else 0.0
    shift = (before.b - half + offset) / before.a
    factor = before.a * after.a
    return {
        "scale": 1.0 / before.a, "lo": round(lo), "hi": round(hi), "rounding": "half_up" if half else ROUNDS[kind],
        "zero": -offset if kind == "Round" and offset % 2 else 0,
        "shift": 0.0 if abs(shift * before.a) < _SMALL else shift,
        "factor": 1.0 if abs(factor - 1) < _SMALL else factor,
    }  # fmt: skip


def _is_whole(number: float) -> bool:
    return isfinite(number) and abs(number - round(number)) < _SMALL * max(1.0, abs(number))


def _rounded(kind: str, end: float) -> float:
    if not isfinite(end):
        return end
    close = float(np.round(end, 4))  # of constants such as 1 / L in float32
    return float({"Floor": np.floor, "Round": np.rint, "Ceil": np.ceil}[kind](close))


def steps(c: Context) -> Flow:
    """Convert Floor, Round or Ceil among scalings and clips by single numbers (QCFS and the like), as one."""
    scale, shift, factor = (
        float(np.float32(c.node.attributes[name].as_float())) for name in ("scale", "shift", "factor")
    )
    source = c.flow() if not shift else scaled(c, c.flow(), 1.0, shift, "shifted")
    lo, hi, zero = (c.integer(name, 0) for name in ("lo", "hi", "zero"))
    op = Quantizer(scale, lo, hi, c.text("rounding", "half_up"), zero)
    return c.emit(op, source) if factor == 1.0 else scaled(c, c.emit(op, source, part="levels"), factor, 0.0)
