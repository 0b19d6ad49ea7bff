"""The float model that a program holds, as something that can be edited: weights replaced, values seen and changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from snncc.compiler.diagnostics import Loc, fail

Floats = npt.NDArray[np.floating]
SUMS = ("Conv", "Gemm")  # what ``to_onnx`` writes weighted sums as; weights [outputs, ...] in both


class FloatModel:
    """A canonical float network in ONNX, as ``to_onnx`` writes it: nodes are named after the value they give.

    Attributes:
        inputs: names of the graph's inputs.
        outputs: names of the graph's outputs.
    """

    def __init__(self, model: bytes) -> None:
        """Read a model.

        Raises:
            SnnccError: SNN303, the bytes are no model.
        """
        try:
            self._proto = onnx.load_from_string(model)
        except Exception as error:  # protobuf has errors of its own
            message = f"the float model in the program cannot be read: {error}"
            raise fail("SNN303", message, Loc("model.onnx", ""), "compile the program again") from error
        graph = self._proto.graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._nodes = {node.output[0]: node for node in graph.node}
        self.inputs = tuple(value.name for value in graph.input)
        self.outputs = tuple(value.name for value in graph.output)

    def __contains__(self, name: str) -> bool:
        """Return whether a node of the model gives a value of this name."""
        return name in self._nodes

    def kind(self, name: str) -> str:
        """Return the ONNX operator that gives a value, empty for an input."""
        return self._nodes[name].op_type if name in self._nodes else ""

    def sources(self, name: str) -> tuple[str, ...]:
        """Return the values, constants left out, that a node reads."""
        return tuple(i for i in self._nodes[name].input if i not in self._constants)

    def sum_of(self, names: list[str]) -> str:
        """Return the value that adds up others."""
        return next(name for name, node in self._nodes.items() if node.op_type == "Sum" and list(node.input) == names)

    def weight(self, linear: str) -> Floats:
        """Return the weights of a weighted sum, float64 [outputs, ...]."""
        return self._array(self._sum(linear).input[1])

    def bias(self, linear: str) -> Floats | None:
        """Return the bias of a weighted sum, float64 [outputs] or of the shape of the value, None without one."""
        node = self._sum(linear)
        if len(node.input) > 2:
            return self._array(node.input[2])
        outer = self._nodes[linear]
        return None if outer is node else self._array(outer.input[1])

    def editor(self) -> Editor:
        """Return a copy that can be changed."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self._proto)
        return Editor(copy)

    def _sum(self, linear: str) -> onnx.NodeProto:
        """Return the Conv or Gemm of a weighted sum; a bias for each position stands in an Add after it."""
        node = self._nodes[linear]
        return node if node.op_type in SUMS else self._nodes[node.input[0]]

    def _array(self, name: str) -> Floats:
        return numpy_helper.to_array(self._constants[name]).astype(np.float64)


class Editor:
    """A copy of a model under change; names of added values start with ``~``, which no value of a graph does."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self._graph = proto.graph
        self._proto = proto
        self._nodes = {node.output[0]: node for node in proto.graph.node}
        self._before: dict[str, list[onnx.NodeProto]] = {}
        self._after: list[onnx.NodeProto] = []
        self._added: list[str] = []

    def constant(self, values: npt.ArrayLike, integers: bool = False) -> str:
        """Enter a constant, float32 unless integers; return its name."""
        name = self._name()
        array = np.asarray(values, dtype=np.int64 if integers else np.float32)
        self._graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def set_sum(self, linear: str, weight: Floats, bias: Floats | None) -> None:
        """Give a weighted sum other weights, and other biases where there are any."""
        outer = self._nodes[linear]
        node = outer if outer.op_type in SUMS else self._nodes[outer.input[0]]
        node.input[1] = self.constant(weight)
        if bias is None:
            return
        if outer is not node:
            outer.input[1] = self.constant(bias if bias.ndim > 1 else bias.reshape(-1, *(1,) * (weight.ndim - 2)))
        elif bias.ndim == 1:
            del node.input[2:]
            node.input.append(self.constant(bias))
        else:
            self._add_bias(node, bias)

    def _add_bias(self, node: onnx.NodeProto, bias: Floats) -> None:
        """Add a bias for each position after a convolution that had one for each channel."""
        del node.input[2:]
        result, inner = node.output[0], self._name()
        node.output[0] = inner
        self._after.append(helper.make_node("Add", [inner, self.constant(bias)], [result]))

    def replace_value(self, name: str) -> tuple[str, str]:
        """Take a value out of its readers' sight.

        Returns:
            The name under which its real self is found from now on, and the name to be computed from that; until then
            its readers have nothing to read.
        """
        real = self._name()
        node = self._nodes.get(name)
        if node is None:
            real, shown = name, self._name()
            for reader in (*self._graph.node, *self._after):
                for place, read in enumerate(reader.input):
                    if read == name:
                        reader.input[place] = shown
            return real, shown
        for made in self._after:
            if made.output[0] == name:
                made.output[0] = real
                return real, name
        node.output[0] = real
        return real, name

    def node(self, kind: str, inputs: list[str], result: str = "") -> str:
        """Add a node; return the name of its result."""
        result = result or self._name()
        self._after.append(helper.make_node(kind, inputs, [result]))
        return result

    def reduce(self, kind: str, value: str, axes: list[int], keep: bool = False) -> str:
        """Add a reduction over some axes; return the name of its result.

        Args:
            kind: ReduceSum, ReduceMean, ReduceMin or ReduceMax.
            value: what is reduced.
            axes: which go, batch included.
            keep: whether they stay with size 1.
        """
        result = self._name()
        if kind == "ReduceSum":  # takes its axes as an input since opset 13, the others since opset 18
            where = self.constant(axes, integers=True)
            self._after.append(helper.make_node(kind, [value, where], [result], keepdims=int(keep)))
        else:
            self._after.append(helper.make_node(kind, [value], [result], axes=axes, keepdims=int(keep)))
        return result

    def twin(self, linear: str, weight: Floats) -> str:
        """Add a weighted sum like one there is, with other weights and without bias; return the name of its value."""
        outer = self._nodes[linear]
        node = outer if outer.op_type in SUMS else self._nodes[outer.input[0]]
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = copy.output[0] = self._name()
        del copy.input[1:]
        copy.input.append(self.constant(weight))
        self._after.append(copy)
        return copy.output[0]

    def finish(self, outputs: list[str] | None = None) -> bytes:
        """Return the model, nodes in an order that onnxruntime takes; ``outputs`` instead of its own if given."""
        nodes = _sorted([*self._graph.node, *self._after])
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        if outputs is not None:
            del self._graph.output[:]
            made = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs)
            self._graph.output.extend(made)
        return self._proto.SerializeToString()

    def _name(self) -> str:
        self._added.append(f"~{len(self._added)}")
        return self._added[-1]


def _sorted(nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Return nodes so that each value is given before it is read, otherwise in the order they have."""
    waiting = {name: node for node in nodes for name in node.output}
    done: list[onnx.NodeProto] = []
    placed: set[int] = set()
    for node in nodes:
        stack = [node]
        while stack:
            top = stack[-1]
            missing = [waiting[i] for i in top.input if i in waiting and id(waiting[i]) not in placed]
            if missing and id(top) not in placed:
                stack.extend(missing)
                continue
            stack.pop()
            if id(top) not in placed:
                placed.add(id(top))
                done.append(top)
    return done
