"""The fast integer executor: the integer network as float operations in onnxruntime, exact by the range proof.

Every partial sum of a layer is an integer of magnitude below 2^24, or such an integer times a power of two, so float32
holds it without rounding whatever the order of summation. With theta = 2^k the division is a scaling of the weights,
done beforehand; floor and clip commute with each other and with max-pool, so the floor comes last, where values are
few:

    clip(floor((u + b + theta / 2) / theta), lo, Q) = floor(clip(W 2^-k x + (b + theta // 2) 2^-k, lo, Q))

Layers whose sums may exceed 2^24, or whose theta is no power of two or differs between positions, make the whole
network run on the plain executor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Readout
from snncc.compiler.ir.ops import Concat, Conv, Dense, MaxPool, Reshape, Transpose
from snncc.compiler.ir.to_onnx import onnx_pads, pads_beyond_kernel
from snncc.runtime.reference import encode, execute, samples_at_once

Ints = npt.NDArray[np.int64]
EXACT = 1 << 24  # integers below this are exact in float32 (IEEE 754 binary32: 24-bit significand)
OPSET = 17


class Collapsed:
    """A compiled integer network.

    Attributes:
        fast: whether it runs in float32; otherwise on the plain integer executor.
    """

    def __init__(self, graph: Graph, threads: int = 0) -> None:
        """Compile a QUANTIZED graph; ``threads`` as onnxruntime's intra-op threads, 0 for all cores."""
        self.graph = graph
        self.fast = float32_is_exact(graph)
        self.session: Any = _session(build(graph), threads) if self.fast else None

    def run(self, inputs: Mapping[str, Array], batch: int = 128) -> dict[str, Ints]:
        """Return the integer outputs, int64 [samples, *shape] by output name, of float inputs [samples, *shape]."""
        samples = len(next(iter(inputs.values())))
        batch = batch if self.session is not None else samples_at_once(self.graph, batch)
        parts: dict[str, list[Ints]] = {name: [] for name in self.graph.outputs}
        for begin in range(0, samples, batch):
            piece = {name: array[begin : begin + batch] for name, array in inputs.items()}
            for name, value in self._batch(piece).items():
                parts[name].append(value)
        return {name: np.concatenate(values) for name, values in parts.items()}

    def _batch(self, inputs: Mapping[str, Array]) -> dict[str, Ints]:
        if self.session is None:
            values = execute(self.graph, encode(self.graph, inputs))
            return {name: values[name] for name in self.graph.outputs}
        feed = {name: np.asarray(array, dtype=np.float32) for name, array in inputs.items()}
        outputs = self.session.run(list(self.graph.outputs), feed)
        return {name: v.astype(np.int64) for name, v in zip(self.graph.outputs, outputs, strict=True)}


def float32_is_exact(graph: Graph) -> bool:
    """Return whether every sum stays below 2^24 in magnitude and every theta is a channel's power of two."""
    nodes = graph.node
    for node in graph.nodes:
        if not isinstance(node.op, Fire | Readout):
            continue
        constants = [graph.constants[i] for i in node.inputs if i in graph.constants]
        total = max(int(np.abs(constants[0]).max(initial=0)), 0)
        if isinstance(node.op, Fire):
            theta = constants[1]
            if theta.ndim > 1 or (theta & (theta - 1)).any():
                return False
            total += int(theta.max(initial=0))
        total += sum(_reach(graph, nodes[i]) for i in node.inputs if i in nodes)
        if total >= EXACT:
            return False
    return True


def _reach(graph: Graph, linear: Node) -> int:
    """Return the largest sum of |w q| of any channel of a linear node."""
    weight = np.abs(graph.constants[linear.inputs[1]])
    source = graph.types[linear.inputs[0]]
    return int(weight.reshape(len(weight), -1).sum(axis=1).max(initial=0)) * max(source.hi, -source.lo)


def build(graph: Graph) -> bytes:
    """Return the integer network as a float32 ONNX model, inputs as the user gives them, dynamic batch."""
    return _Builder(graph).model()


class _Builder:
    """Collects ONNX nodes; values that may still hold fractions of a level are floored when an op needs integers."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.users = graph, graph.users()
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, onnx.TensorProto] = {}
        self.unfloored: set[str] = set()

    def model(self) -> bytes:
        for node in self.graph.nodes:
            self._add(node)
        types = self.graph.types
        inputs, outputs = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *types[name].shape]) for name in names]
            for names in ([i.name for i in self.graph.inputs], self.graph.outputs)
        )
        graph = helper.make_graph(self.nodes, "integers", inputs, outputs, list(self.tensors.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        return bytes(model.SerializeToString())

    def _add(self, node: Node) -> None:
        op = node.op
        if isinstance(op, Encode):
            self._encode(node, op)
        elif isinstance(op, Fire):
            self._fire(node, op)
        elif isinstance(op, Readout):
            self._sum(node, node.inputs[:-1], self.graph.constants[node.inputs[-1]], None, node.name)
        elif isinstance(op, MaxPool):
            self._pool(node, op)
        elif isinstance(op, Reshape | Transpose | Concat):
            self._view(node, op)

    def _encode(self, node: Node, op: Encode) -> None:
        """Round in float64, the definition's own arithmetic."""
        name = node.name
        self._op("Cast", [node.inputs[0]], f"{name}.wide", to=TensorProto.DOUBLE)
        self._op("Div", [f"{name}.wide", self._tensor(f"{name}.s", np.float64(op.scale))], f"{name}.steps")
        self._op("Add", [f"{name}.steps", self._tensor(f"{name}.h", np.float64(0.5))], f"{name}.up")
        self._op("Floor", [f"{name}.up"], f"{name}.whole")
        ends = [self._tensor(f"{name}.{end}", np.float64(value)) for end, value in (("lo", op.lo), ("hi", op.hi))]
        self._op("Clip", [f"{name}.whole", *ends], f"{name}.held")
        self._op("Cast", [f"{name}.held"], name, to=TensorProto.FLOAT)

    def _fire(self, node: Node, op: Fire) -> None:
        bias, theta = (self.graph.constants[i] for i in node.inputs[-2:])
        column = theta.reshape(-1, *(1,) * (bias.ndim - 1)) if theta.ndim < bias.ndim else theta
        if self._is_sum(node, op):
            return self._sum(node, node.inputs[:-2], bias, None, node.name)
        last = self._floors_later(node)
        raw, held = f"{node.name}.raw", node.name if last else f"{node.name}.held"
        self._sum(node, node.inputs[:-2], bias + column // 2, theta, raw)
        ends = [self._tensor(f"{node.name}.{e}", np.float32(v)) for e, v in (("lo", op.lo), ("hi", op.hi))]
        self._op("Clip", [raw, *ends], held)
        if last:
            self.unfloored.add(node.name)
        else:
            self._op("Floor", [held], node.name)
        return None

    def _is_sum(self, node: Node, op: Fire) -> bool:
        """Return whether a node only adds: theta is 1 and no sum can leave lo..Q, so nothing is rounded or clipped."""
        bias, theta = (self.graph.constants[i] for i in node.inputs[-2:])
        reach = sum(_reach(self.graph, self.graph.node[i]) for i in node.inputs[:-2])
        lowest = -reach if any(self._may_be_negative(i) for i in node.inputs[:-2]) else 0
        return bool((theta == 1).all() and not bias.any() and lowest >= op.lo and reach <= op.hi)

    def _may_be_negative(self, charge: str) -> bool:
        linear = self.graph.node[charge]
        return self.graph.types[linear.inputs[0]].lo < 0 or bool((self.graph.constants[linear.inputs[1]] < 0).any())

    def _floors_later(self, node: Node) -> bool:
        """Return whether all that reads a value is one max-pool, which may floor instead."""
        users = self.users[node.name]
        return len(users) == 1 and isinstance(users[0].op, MaxPool) and node.name not in self.graph.outputs

    def _pool(self, node: Node, op: MaxPool) -> None:
        late = node.inputs[0] in self.unfloored
        out = f"{node.name}.max" if late else node.name
        source, pads = node.inputs[0], op.pads
        if pads_beyond_kernel(op):
            least = self._tensor(f"{node.name}.least", np.float32(-np.inf))
            around = self._tensor(f"{node.name}.pads", onnx_pads(pads))
            source, pads = f"{node.name}.padded", (0,) * len(pads)
            self._op("Pad", [node.inputs[0], around, least], source)
        sizes = {"kernel_shape": op.kernel, "strides": op.strides, "pads": pads, "dilations": op.dilations}
        self._op("MaxPool", [source], out, **sizes)
        if late:
            self._op("Floor", [out], node.name)

    def _view(self, node: Node, op: Reshape | Transpose | Concat) -> None:
        if isinstance(op, Reshape):
            shape = self._tensor(f"{node.name}.shape", np.array([-1, *op.shape], dtype=np.int64))
            self._op("Reshape", [node.inputs[0], shape], node.name)
        elif isinstance(op, Transpose) and op.perm == tuple(range(len(op.perm))):
            self._op("Identity", list(node.inputs), node.name)  # onnxruntime 1.23 fuses it with a Gemm as if it swapped
        elif isinstance(op, Transpose):
            self._op("Transpose", list(node.inputs), node.name, perm=[0, *(axis + 1 for axis in op.perm)])
        else:
            self._op("Concat", list(node.inputs), node.name, axis=op.axis + 1)

    def _sum(self, node: Node, charges: tuple[str, ...], bias: Array, theta: Array | None, out: str) -> None:
        """Add up the edges and the bias, everything divided by theta beforehand."""
        divisor = np.ones(1) if theta is None else theta.astype(np.float64)
        shape = node.type.shape
        wide = (-1, *(1,) * (len(shape) - 1))
        spread = bias.reshape(wide) if bias.shape != shape else bias
        by = divisor.reshape(wide) if divisor.shape != shape else divisor
        scaled = (spread / by).astype(np.float32)
        simple = bias.shape == shape[:1] and len(charges) == 1
        parts = []
        for number, name in enumerate(charges):
            part = out if simple else f"{out}.{number}"
            self._linear(self.graph.node[name], divisor, scaled.ravel() if simple else None, part)
            parts.append(part)
        if simple:
            return
        parts.append(self._tensor(f"{out}.b", scaled[None]))
        while len(parts) > 2:
            joined = f"{out}.sum{len(parts)}"
            self._op("Add", parts[:2], joined)
            parts = [joined, *parts[2:]]
        self._op("Add", parts, out)

    def _linear(self, linear: Node, divisor: Array, bias: Array | None, out: str) -> None:
        weight = self.graph.constants[linear.inputs[1]]
        column = divisor.reshape(-1, *(1,) * (weight.ndim - 1))
        scaled = self._tensor(f"{out}.w", (weight / column).astype(np.float32))
        inputs = [linear.inputs[0], scaled] + ([self._tensor(f"{out}.b", bias)] if bias is not None else [])
        op = linear.op
        if isinstance(op, Dense):
            self._op("Gemm", inputs, out, transB=1)
        elif isinstance(op, Conv):
            self._op(
                "Conv",
                inputs,
                out,
                strides=op.strides,
                pads=op.pads,
                dilations=op.dilations,
                group=op.groups,
                kernel_shape=weight.shape[2:],
            )

    def _op(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def _tensor(self, name: str, value: npt.ArrayLike) -> str:
        self.tensors[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name


def _session(model: bytes, threads: int) -> object:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
