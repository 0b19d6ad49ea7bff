"""Write the integer network as an ONNX model of float operations, in which no integer is ever rounded.

With theta = 2^k the division is a scaling of the weights, done beforehand; floor and clip commute with each other and
with max-pool, so the floor comes last, where values are few:

    clip(floor((u + b + theta / 2) / theta), lo, Q) = floor(clip(W 2^-k x + (b + theta // 2) 2^-k, lo, Q))

Nodes whose sums float32 may not hold, or whose theta is no power of two or differs between positions, are computed in
float64: their weights are cut into digits, the digits' sums, each exact in float32, are put together, then divided.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, EncodeEven, Fire, Ladder, Readout
from snncc.compiler.ir.onnx_writer import Writer
from snncc.compiler.ir.ops import Concat, Conv, MaxPool, Pad, Reshape, Transpose
from snncc.compiler.ir.to_onnx import onnx_pads, pads_beyond_kernel
from snncc.compiler.ir.to_onnx_views import (
    write_dilate,
    write_pad,
    write_reshape,
    write_slice,
    write_transpose,
    write_upsample,
)
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample
from snncc.runtime.float_sums import constants_of, digits, edges_of, fits_float32, reach

OPSET, IR_VERSION = 17, 9
_VIEWS: dict[type, Any] = {
    Reshape: write_reshape,
    Transpose: write_transpose,
    Pad: write_pad,
    Slice: write_slice,
    Upsample: write_upsample,
    Dilate: write_dilate,
}


def build(graph: Graph) -> bytes:
    """Return a model that takes inputs as the user gives them, float32 [N, *shape].

    Its outputs are the graph's, in float32 or float64, whole numbers all of them.
    """
    return _Builder(graph).model()


class _Builder:
    """Writes node after node; values that may still hold fractions of a level are floored when an op needs integers."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.nodes, self.users = graph, graph.node, graph.users()
        self.writer = Writer(graph)
        self.unfloored: set[str] = set()
        self.doubles: set[str] = set()

    def model(self) -> bytes:
        for node in self.graph.nodes:
            self._add(node)
        outputs = list(dict.fromkeys(self.graph.outputs))
        proto = helper.make_graph(
            self.writer.nodes,
            "integers",
            [self._info(i.name) for i in self.graph.inputs],
            [self._info(name) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in self.writer.initializers.items()],
        )
        model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return bytes(model.SerializeToString())

    def _info(self, name: str) -> Any:
        kind = TensorProto.DOUBLE if name in self.doubles else TensorProto.FLOAT
        return helper.make_tensor_value_info(name, kind, ["N", *self.writer.types[name].shape])

    def _add(self, node: Node) -> None:
        op = node.op
        if isinstance(op, Encode):
            self._encode(node, op)
        elif isinstance(op, Fire):
            self._fire(node, op)
        elif isinstance(op, Ladder):
            self._ladder(node, op)
        elif isinstance(op, Readout):
            self._readout(node)
        elif isinstance(op, MaxPool):
            self._pool(node, op)
        elif isinstance(op, Concat):
            self.writer.emit("Concat", node.inputs, node.name, axis=op.axis + 1)
        elif type(op) in _VIEWS:
            _VIEWS[type(op)](op, self.writer, node)
            self.doubles |= {node.name} if node.inputs[0] in self.doubles else set()

    def _encode(self, node: Node, op: Encode) -> None:
        """Round in float64, or to even in float32: the definition's own arithmetic."""
        if isinstance(op, EncodeEven):
            steps = self._op(node, "Div", [node.inputs[0], self._tensor(node, "scale", np.float32(op.scale))], "steps")
            ends = [self._tensor(node, end, np.float32(getattr(op, end))) for end in ("lo", "hi")]
            self.writer.emit("Clip", [self._op(node, "Round", [steps], "whole"), *ends], node.name)
            return
        wide = self._op(node, "Cast", [node.inputs[0]], "wide", to=TensorProto.DOUBLE)
        steps = self._op(node, "Div", [wide, self._tensor(node, "scale", np.float64(op.scale))], "steps")
        up = self._op(node, "Add", [steps, self._tensor(node, "half", np.float64(0.5))], "up")
        self._rounded(node, self._op(node, "Floor", [up], "whole"))

    def _rounded(self, node: Node, whole: str) -> None:
        """Hold whole numbers in float64 within a node's levels."""
        ends = [self._tensor(node, end, np.float64(getattr(node.op, end))) for end in ("lo", "hi")]
        held = self._op(node, "Clip", [whole, *ends], "held")
        self.writer.emit("Cast", [held], node.name, to=TensorProto.FLOAT)

    def _fire(self, node: Node, op: Fire) -> None:
        bias, theta = constants_of(self.graph, node)
        shape = node.type.shape
        offset = bias + theta // 2 if bias.ndim == theta.ndim else _spread(bias, shape) + _spread(theta, shape) // 2
        if not fits_float32(self.graph, node):
            total = self._wide_sum(node, offset)
            by = self._tensor(node, "theta", _spread(theta, shape).astype(np.float64))
            self._rounded(node, self._op(node, "Floor", [self._op(node, "Div", [total, by], "divided")], "whole"))
        elif self._is_sum(node, op):
            self._sum(node, bias, None, node.name)
        else:
            later = self._floors_later(node)
            raw, held = self.writer.extra(node, "raw"), node.name if later else self.writer.extra(node, "held")
            self._sum(node, offset, theta, raw)
            ends = [self._tensor(node, end, np.float32(getattr(op, end))) for end in ("lo", "hi")]
            self.writer.emit("Clip", [raw, *ends], held)
            if later:
                self.unfloored.add(node.name)
            else:
                self.writer.emit("Floor", [held], node.name)

    def _is_sum(self, node: Node, op: Fire) -> bool:
        """Return whether a node only adds: theta is 1 and no sum can leave lo..Q, so nothing is rounded or clipped."""
        bias, theta = constants_of(self.graph, node)
        edges = edges_of(self.graph, node)
        most = sum(reach(self.graph, edge) for edge in edges)
        least = -most if any(map(self._may_be_negative, edges)) else 0
        return bool((theta == 1).all() and not bias.any() and least >= op.lo and most <= op.hi)

    def _may_be_negative(self, linear: Node) -> bool:
        return self.writer.types[linear.inputs[0]].lo < 0 or bool((self.graph.constants[linear.inputs[1]] < 0).any())

    def _floors_later(self, node: Node) -> bool:
        """Return whether all that reads a value is one max-pool, which may floor instead."""
        users = self.users[node.name]
        return len(users) == 1 and isinstance(users[0].op, MaxPool) and node.name not in self.graph.outputs

    def _readout(self, node: Node) -> None:
        bias = constants_of(self.graph, node)[0]
        if fits_float32(self.graph, node):
            self._sum(node, bias, None, node.name)
        else:
            self.writer.emit("Identity", [self._wide_sum(node, bias)], node.name)
            self.doubles.add(node.name)

    def _ladder(self, node: Node, op: Ladder) -> None:
        """Find by bisection how many thresholds the charge has reached, then read the level from a table.

        Each channel has a row of 2^n thresholds, the last of them infinite; ``at`` is its place in all rows.
        """
        bias, thresholds, steps = constants_of(self.graph, node)
        channels, count = thresholds.shape
        row = 1 << count.bit_length()
        rows = np.full((channels, row), np.inf)
        rows[:, :count] = thresholds
        levels = np.full((channels, row), op.first, dtype=np.float32)
        levels[:, 1 : count + 1] += np.cumsum(steps, axis=1)
        charge = self._charge(node, bias)
        at = self._tensor(node, "rows", _spread(np.arange(channels) * row, node.type.shape))
        for half in range(1, row.bit_length()):
            at = self._climb(node, charge, at, rows.ravel(), row >> half)
        self.writer.emit("Gather", [self._tensor(node, "levels", levels.ravel()), at], node.name)

    def _climb(self, node: Node, charge: str, at: str, rows: Array, step: int) -> str:
        """Go on by a step where the charge has reached the threshold before it; return where that is."""
        kind = np.float32 if fits_float32(self.graph, node) else np.float64
        before = np.concatenate([rows[step - 1 :], np.full(step - 1, np.inf)]).astype(kind)
        threshold = self._op(node, "Gather", [self._tensor(node, f"before{step}", before), at], f"threshold{step}")
        reached = self._op(node, "GreaterOrEqual", [charge, threshold], f"reached{step}")
        ends = [self._tensor(node, f"{word}{step}", np.int64(value)) for word, value in (("go", step), ("stay", 0))]
        return self._op(node, "Add", [at, self._op(node, "Where", [reached, *ends], f"moved{step}")], f"at{step}")

    def _charge(self, node: Node, bias: Array) -> str:
        """Write u + b and return its name."""
        if not fits_float32(self.graph, node):
            return self._wide_sum(node, bias)
        name = self.writer.extra(node, "charge")
        self._sum(node, bias, None, name)
        return name

    def _pool(self, node: Node, op: MaxPool) -> None:
        late = node.inputs[0] in self.unfloored
        out = self.writer.extra(node, "max") if late else node.name
        source, pads = node.inputs[0], op.pads
        if pads_beyond_kernel(op):
            least = self._tensor(node, "least", np.float32(-np.inf))
            source = self._op(node, "Pad", [source, self._tensor(node, "pads", onnx_pads(pads)), least], "padded")
            pads = (0,) * len(pads)
        sizes = {"kernel_shape": op.kernel, "strides": op.strides, "pads": pads, "dilations": op.dilations}
        self.writer.emit("MaxPool", [source], out, **sizes)
        if late:
            self.writer.emit("Floor", [out], node.name)

    def _sum(self, node: Node, bias: Array, theta: Array | None, out: str) -> None:
        """Add up the edges and the bias in float32, everything divided by theta beforehand."""
        divisor = np.ones(1) if theta is None else theta.astype(np.float64)
        shape, edges = node.type.shape, edges_of(self.graph, node)
        scaled = (_spread(bias, shape) / _spread(divisor, shape)).astype(np.float32)
        if bias.shape == shape[:1] and len(edges) == 1:
            return self._linear(edges[0], self._weight(edges[0], divisor), scaled.ravel(), out)
        parts = [self.writer.extra(node, f"part{number}") for number in range(len(edges))]
        for edge, part in zip(edges, parts, strict=True):
            self._linear(edge, self._weight(edge, divisor), None, part)
        self.writer.emit("Sum", [*parts, self._tensor(node, "bias", scaled[None])], out)
        return None

    def _weight(self, linear: Node, divisor: Array) -> Array:
        weight = self.graph.constants[linear.inputs[1]]
        scaled: Array = weight / divisor.reshape(-1, *(1,) * (weight.ndim - 1))
        return scaled

    def _wide_sum(self, node: Node, bias: Array) -> str:
        """Add up the edges and the bias in float64, digit by digit; return the name of the sum."""
        parts = [self._tensor(node, "bias", _spread(bias, node.type.shape).astype(np.float64)[None])]
        for number, edge in enumerate(edges_of(self.graph, node)):
            for factor, weight in digits(self.graph, edge):
                role = f"digit{number}_{factor}"
                narrow = self.writer.extra(node, role)
                self._linear(edge, weight, None, narrow)
                wide = self._op(node, "Cast", [narrow], f"{role}_wide", to=TensorProto.DOUBLE)
                by = self._tensor(node, f"{role}_by", np.float64(factor))
                parts.append(self._op(node, "Mul", [wide, by], f"{role}_times"))
        return self._op(node, "Sum", parts, "total")

    def _linear(self, linear: Node, weight: Array, bias: Array | None, out: str) -> None:
        held = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        inputs = [linear.inputs[0]]
        for role, array in held.items():
            inputs.append(f"{out}__{role}")
            self.writer.initializers[inputs[-1]] = np.ascontiguousarray(array, dtype=np.float32)
        op = linear.op
        if isinstance(op, Conv):
            geometry = {"strides": op.strides, "pads": op.pads, "dilations": op.dilations, "group": op.groups}
            self.writer.emit("Conv", inputs, out, kernel_shape=weight.shape[2:], **geometry)
        else:
            self.writer.emit("Gemm", inputs, out, transB=1)

    def _op(self, node: Node, kind: str, inputs: list[str], role: str, **attributes: Any) -> str:
        name = self.writer.extra(node, role)
        self.writer.emit(kind, inputs, name, **attributes)
        return name

    def _tensor(self, node: Node, role: str, value: npt.ArrayLike) -> str:
        return self.writer.helper(node, role, np.ascontiguousarray(value).reshape(np.shape(value)))


def _spread(constant: Array, shape: tuple[int, ...]) -> Array:
    """Return a constant of shape [C] so that it broadcasts to a shape, others as they are."""
    return constant if constant.shape == shape else constant.reshape(-1, *(1,) * (len(shape) - 1))
