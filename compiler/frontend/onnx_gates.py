"""Activations that exporters write as a product, such as SiLU as x * Sigmoid(x), become the one operator they are.

A product of two activations is no synapse, nor is a choice between them, so it is looked at as a whole: if everything
between one value x and the result computes element by element with single numbers, the result is a function of x
alone. It is evaluated and compared with the curves that the IR knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx_ir.passes import common
from scipy.special import erf, expit

from snncc.compiler.ir.curve import Curve

Floats = npt.NDArray[np.float64]
_TOLERANCE = 1e-6  # exporters round constants such as 1 / sqrt(2) to float32
_MOST_STEPS = 32
_GRID = np.linspace(-20.0, 20.0, 4001)

# What a curve is called as an operator, and its attributes besides a parameter.
_NAMES: dict[str, tuple[str, dict[str, str]]] = {
    "hard_swish": ("HardSwish", {}),
    "mish": ("Mish", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "gelu": ("Gelu", {"approximate": "none"}),
    "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
}


def _hard_sigmoid(x: Floats, *, alpha: float = 0.2, beta: float = 0.5) -> Floats:
    return np.clip(alpha * x + beta, 0, 1)


def _clip(x: Floats, low: Floats | None = None, high: Floats | None = None) -> Floats:
    return x if low is None and high is None else np.clip(x, low, high)


# Operators that compute element by element, in float64.
_EVALUATE: dict[str, Callable[..., Floats]] = {
    "Abs": np.abs,
    "Add": np.add,
    "Cast": np.array,
    "Clip": _clip,
    "Div": np.divide,
    "Erf": erf,
    "Exp": np.exp,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "HardSigmoid": _hard_sigmoid,
    "Identity": np.array,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Log": np.log,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Pow": np.power,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": expit,
    "Softplus": lambda x: np.logaddexp(0, x),
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Tanh": np.tanh,
    "Where": np.where,
}
_JOINS = ("Mul", "Div", "Where")  # of several activations
_ATTRIBUTES = {"HardSigmoid": ("alpha", "beta")}


def join_gates(model: ir.Model) -> None:
    """Replace each product that is a known function of one value by that function's operator, in place."""
    place = {node: i for i, node in enumerate(model.graph)}
    changed = False
    for node in reversed(list(model.graph)):  # the largest pattern first
        found = _recognized(node, place) if node.op_type in _JOINS else None
        if found is not None:
            source, curve = found
            _replace(model.graph, node, _operator(node, source, curve))
            changed = True
    if changed:
        common.RemoveUnusedNodesPass()(model)


def _recognized(root: ir.Node, place: Mapping[ir.Node, int]) -> tuple[ir.Value, Curve] | None:
    """Return the value of which a node's result is a known function, and the function.

    The steps are followed back, the last one first, until they all start at one value.
    """
    steps, open_values, joined = [], {root.outputs[0]}, False
    for _ in range(_MOST_STEPS):
        value = max(open_values, key=lambda v: place.get(v.producer(), -1))  # type: ignore[arg-type]
        step = value.producer()
        if step is None or not _is_elementwise(step):
            return None
        sources = [operand for operand in step.inputs if operand is not None and operand.const_value is None]
        joined = joined or (step.op_type in _JOINS and len(sources) > 1)
        steps.append(step)
        open_values = (open_values - {value}) | set(sources)
        if len(open_values) > 1 or not joined:
            continue
        (source,) = open_values
        curve = _matching(_evaluated(steps[::-1], source))
        if curve is not None:
            return source, curve
    return None


def _is_elementwise(node: ir.Node) -> bool:
    """Return whether a node computes element by element, with constants that are single numbers."""
    constants = [v.const_value for v in node.inputs if v is not None and v.const_value is not None]
    known = node.domain in ("", "ai.onnx") and node.op_type in _EVALUATE
    return known and all(constant.size == 1 for constant in constants) and len(constants) < len(node.inputs)


def _evaluated(steps: list[ir.Node], source: ir.Value) -> Floats:
    """Return the result of steps in order, on the grid."""
    values: dict[ir.Value | None, Floats | None] = {source: _GRID, None: None}
    with np.errstate(all="ignore"):
        for step in steps:
            operands = [values[v] if v in values else _number(v) for v in step.inputs]
            values[step.outputs[0]] = _EVALUATE[step.op_type](*operands, **_attributes(step))
    result = values[steps[-1].outputs[0]]
    return _GRID * np.nan if result is None else result


def _number(value: ir.Value | None) -> Floats:
    constant = value.const_value if value is not None else None
    if constant is None:
        raise ValueError("a step reads what no step before it gives")
    return np.asarray(constant.numpy().astype(np.float64).item())


def _attributes(step: ir.Node) -> dict[str, float]:
    return {name: step.attributes[name].as_float() for name in _ATTRIBUTES.get(step.op_type, ())
            if name in step.attributes}  # fmt: skip


def _matching(result: Floats) -> Curve | None:
    """Return the curve that has these values on the grid."""
    for curve in [*map(Curve, _NAMES), *_swish(result)]:
        wanted = curve(_GRID)
        if (np.abs(result - wanted) <= _TOLERANCE * (1 + np.abs(wanted))).all():
            return curve
    return None


def _swish(result: Floats) -> list[Curve]:
    """Return x sigmoid(beta x) with the positive beta that fits at x = 1, if one does."""
    at_one = float(np.interp(1.0, _GRID, result))
    if not 0.5 < at_one < 1:
        return []
    beta = log(at_one / (1 - at_one))
    return [Curve("silu", (float(f"{beta:.5g}"),)), Curve("silu", (float(np.float32(beta)),))]


def _operator(node: ir.Node, source: ir.Value, curve: Curve) -> ir.Node:
    """Return the node that takes a node's place, under its name and with what is told of where it came from."""
    kind, attributes = _NAMES.get(curve.kind, ("Swish", {}))
    given: dict[str, Any] = {**attributes, **({"alpha": curve.parameters[0]} if kind == "Swish" else {})}
    known = [ir.Attr(name, ir.AttributeType.STRING if isinstance(value, str) else ir.AttributeType.FLOAT, value)
             for name, value in given.items()]  # fmt: skip
    metadata = dict(node.metadata_props)
    return ir.Node("", kind, [source], known, name=node.name, metadata_props=metadata)


def _replace(graph: ir.Graph, old: ir.Node, new: ir.Node) -> None:
    before, after = old.outputs[0], new.outputs[0]
    after.shape, after.type = before.shape, before.type
    ir.convenience.replace_nodes_and_values(graph, old, [old], [new], [before], [after])
