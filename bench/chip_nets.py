"""Networks of published shape with random weights, to be placed: what counts is their geometry."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Chain:
    """Builds an ONNX model, one layer after the other."""

    def __init__(self, *shape: int) -> None:
        """Start with an input of some shape."""
        self.shape, self.last = shape, "x"
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(0)

    def add(self, op: str, *inputs: str, **attributes: object) -> Chain:
        """Append a node of one output; inputs are those beside the last value."""
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.last, *inputs], [name], name, **attributes))
        self.last = name
        return self

    def conv(
        self, ins: int, outs: int, stride: tuple[int, int], pads: list[int], size: int = 3, groups: int = 1
    ) -> Chain:
        """Append a square convolution and a ReLU."""
        weight = self.weight(outs, ins // groups, size, size)
        self.add("Conv", weight, self.weight(outs), strides=list(stride), pads=pads, group=groups)
        return self.add("Relu")

    def dense(self, ins: int, outs: int) -> Chain:
        """Append a dense layer."""
        return self.add("Gemm", self.weight(outs, ins), self.weight(outs), transB=1)

    def weight(self, *shape: int) -> str:
        """Return the name of a new random constant."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(self.random.normal(0, 0.1, shape).astype(np.float32), name))
        return name

    def model(self, *outputs: int) -> onnx.ModelProto:
        """Return the model, whose last value has some shape."""
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *self.shape])
        y = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, ["N", *outputs])
        graph = helper.make_graph(self.nodes, "net", [x], [y], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def pilotnet() -> onnx.ModelProto:
    """Return PilotNet as lava-dl's network files have it: 66x200x3, five convolutions, four dense layers."""
    net, none = Chain(3, 66, 200), [0, 0, 0, 0]
    for ins, outs in ((3, 24), (24, 36), (36, 48)):
        net.conv(ins, outs, (2, 2), none)
    net.conv(48, 64, (2, 1), [1, 0, 1, 0]).conv(64, 64, (1, 1), none).add("Flatten")
    net.dense(2560, 100).add("Relu").dense(100, 50).add("Relu").dense(50, 10).add("Relu")
    return net.dense(10, 1).model(1)


def mobilenet() -> onnx.ModelProto:
    """Return MobileNet v1 at width 1 on 128x128 (Howard et al., 2017, table 1)."""
    net, around = Chain(3, 128, 128), [1, 1, 1, 1]
    net.conv(3, 32, (2, 2), around)
    plan = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)]
    plan += [(512, 512, 1)] * 5 + [(512, 1024, 2), (1024, 1024, 1)]
    for ins, outs, stride in plan:
        net.conv(ins, ins, (stride, stride), around, groups=ins).conv(ins, outs, (1, 1), [0] * 4, size=1)
    return net.add("GlobalAveragePool").add("Flatten").dense(1024, 1000).model(1000)


def stack(side: int = 960, wide: int = 64) -> onnx.ModelProto:
    """Return nine 3x3 convolutions on an image of some side, the eighth of stride 2: 504 million neurons as given."""
    net, around = Chain(3, side, side), [1, 1, 1, 1]
    net.conv(3, wide, (1, 1), around)
    for _ in range(6):
        net.conv(wide, wide, (1, 1), around)
    net.conv(wide, 2 * wide, (2, 2), around).conv(2 * wide, 2 * wide, (1, 1), around)
    return net.model(2 * wide, side // 2, side // 2)
