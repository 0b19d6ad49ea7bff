"""Small quantized ONNX models, made operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Numbers = npt.NDArray[Any]
QONNX = "qonnx.custom_op.general"
BATCH = "N"


class Model:
    """Collects the nodes of a model with input ``x``; every method returns the name of its result."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        """Start with an input of a shape, without batch."""
        self.shape, self.rng = shape, np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.opset = 21

    def finish(self, output: str) -> onnx.ModelProto:
        """Return the model."""
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [BATCH, *self.shape])],
            [helper.make_empty_tensor_value_info(output)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, array: npt.ArrayLike, dtype: Any = np.float32) -> str:
        """Add a constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def quantized(self, x: str, scale: float, zero: int = 0, dtype: Any = np.uint8) -> str:
        """Add QuantizeLinear and DequantizeLinear of an activation."""
        operands = (self.constant(scale), self.constant(zero, dtype))
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *operands), *operands)

    def weight(
        self, whole: Numbers, scale: npt.ArrayLike, zero: npt.ArrayLike = 0, dtype: Any = np.int8, axis: int = 0
    ) -> str:
        """Add integers with DequantizeLinear."""
        zeros = np.broadcast_to(np.asarray(zero), np.shape(scale))
        operands = (self.constant(whole, dtype), self.constant(scale), self.constant(zeros, dtype))
        return self.node("DequantizeLinear", *operands, axis=axis)

    def conv(
        self, x: str, inputs: int, outputs: int, scale: npt.ArrayLike, bias: bool = True, **attributes: Any
    ) -> str:
        """Add a 3x3 convolution of random 8-bit weights, with a float bias."""
        whole = self.rng.integers(-127, 128, (outputs, inputs // attributes.get("group", 1), 3, 3))
        operands = [x, self.weight(whole, scale)]
        if bias:
            operands.append(self.constant(self.rng.integers(-64, 64, outputs) / 32))
        return self.node("Conv", *operands, **({"pads": [1, 1, 1, 1]} | attributes))

    def norm(self, x: str, channels: int, falling: bool = False) -> str:
        """Add a batch norm whose numbers are exact in float32; with ``falling``, of both signs."""
        gamma = 2.0 ** self.rng.integers(-1, 2, channels) * (self.rng.choice([-1, 1], channels) if falling else 1)
        beta, mean = (self.rng.integers(-8, 8, channels) / 8 for _ in range(2))
        parts = [self.constant(array) for array in (gamma, beta, mean, np.ones(channels))]
        return self.node("BatchNormalization", x, *parts, epsilon=0.0)

    def quant(self, x: str, scale: float, bits: float, **attributes: Any) -> str:
        """Add QONNX's Quant of an activation."""
        zero = attributes.pop("zero", 0.0)
        operands = (self.constant(scale), self.constant(zero), self.constant(bits))
        told = {"signed": 0, "narrow": 0, "rounding_mode": "ROUND"} | attributes
        return self.node("Quant", x, *operands, domain=QONNX, **told)


def random_inputs(shape: Sequence[int], scale: float, samples: int = 4, seed: int = 1) -> npt.NDArray[np.float32]:
    """Return inputs that lie on eighths of a level, ties among them: float32 [samples, *shape]."""
    rng = np.random.default_rng(seed)
    return (rng.integers(-300, 2400, (samples, *shape)) / 8 * scale).astype(np.float32)
