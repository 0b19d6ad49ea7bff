"""Whole nets: random ones, a published one, and their text form."""

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir import parse_graph
from snncc.compiler.ir.ops import window_sizes
from tests.compiler.frontend.models import OPSETS, agrees, kinds, model, node, weight


class Net:
    """Appends random layers and follows the shape of one sample."""

    def __init__(self, draw: Any, opset: int) -> None:
        self.draw, self.opset = draw, opset
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}
        self.value = "x"
        self.shape: tuple[int, ...] = (2, draw(st.integers(5, 8)), draw(st.integers(5, 8)))
        self.input = self.shape

    def add(self, kind: str, *others: str, **attributes: Any) -> None:
        name = f"v{len(self.nodes)}"
        self.nodes.append(node(kind, [self.value, *others], name, **attributes))
        self.value = name

    def weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = weight(*shape, seed=self.draw(st.integers(0, 9)))
        return name

    def window(self) -> dict[str, Any]:
        kernel = tuple(self.draw(st.integers(1, min(3, size))) for size in self.shape[1:])
        pads = tuple(self.draw(st.integers(0, k - 1)) for k in kernel * 2)
        strides = tuple(self.draw(st.integers(1, 3)) for _ in kernel)
        sizes = window_sizes(self.shape[1:], kernel, strides, pads, (1, 1))
        self.shape = (self.shape[0], *sizes)
        return {"kernel_shape": kernel, "pads": pads, "strides": strides}

    def conv(self) -> None:
        channels, groups = self.shape[0], self.draw(st.sampled_from([1, self.shape[0]]))
        window, out = self.window(), groups * self.draw(st.integers(1, 2))
        kernel = self.weight(out, channels // groups, *window["kernel_shape"])
        bias = [self.weight(out)] if self.draw(st.booleans()) else []
        self.add("Conv", kernel, *bias, group=groups, **window)
        self.shape = (out, *self.shape[1:])

    def pool(self) -> None:
        self.add(self.draw(st.sampled_from(["MaxPool", "AveragePool"])), **self.window())

    def normalize(self) -> None:
        names = [self.weight(self.shape[0]) for _ in range(4)]
        self.weights[names[3]] = np.abs(self.weights[names[3]]) + 0.1
        self.add("BatchNormalization", *names)

    def shift(self) -> None:
        sizes = [self.draw(st.sampled_from([1, size])) for size in self.shape]
        self.add(self.draw(st.sampled_from(["Add", "Sub", "Mul"])), self.weight(*sizes))

    def branch(self) -> None:
        before = self.value
        self.add("Relu")
        if self.draw(st.booleans()):
            self.add("Sum", before)
        else:
            self.add("Concat", before, axis=1)
            self.shape = (2 * self.shape[0], *self.shape[1:])

    def bend(self) -> None:
        self.add(self.draw(st.sampled_from(["Elu", "HardSigmoid", "LeakyRelu", "Sigmoid", "Softsign", "Tanh"])))

    def enlarge(self) -> None:
        stride, out = self.draw(st.integers(1, 2)), self.draw(st.integers(1, 3))
        self.add("ConvTranspose", self.weight(self.shape[0], out, 2, 2), strides=[stride, 1])
        self.shape = (out, stride * (self.shape[1] - 1) + 2, self.shape[2] + 1)

    def swap(self) -> None:
        block, depth = 2, self.draw(st.integers(1, 2))
        self.add("Conv", self.weight(depth * block**2, self.shape[0], 1, 1))
        self.add("DepthToSpace", blocksize=block)
        self.shape = (depth, self.shape[1] * block, self.shape[2] * block)

    def end(self) -> None:
        if self.draw(st.booleans()):
            self.add("GlobalAveragePool")
            self.shape = (self.shape[0], 1, 1)
        self.add("Flatten")
        self.add("Gemm", self.weight(int(np.prod(self.shape)), 3), self.weight(3))


LAYERS = ["conv", "pool", "normalize", "shift", "branch", "bend", "enlarge", "swap"]


@st.composite
def nets(draw: Any) -> onnx.ModelProto:
    net = Net(draw, draw(st.sampled_from(OPSETS)))
    net.conv()
    for layer in draw(st.lists(st.sampled_from(LAYERS), max_size=5)):
        getattr(net, layer)()
    net.end()
    return model(net.nodes, ("N", *net.input), net.weights, opset=net.opset, outputs=net.value)


@given(nets())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_random_nets_agree_with_onnxruntime_and_their_text_round_trips(proto: onnx.ModelProto) -> None:
    graph = agrees(proto)
    assert parse_graph(str(graph), graph.constants) == graph
    assert import_onnx(proto) == graph


def qonnx_file(name: str) -> onnx.ModelProto:
    spec = importlib.util.find_spec("qonnx")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("qonnx, which ships the file, is not installed")
    return onnx.load(str(Path(spec.submodule_search_locations[0]) / "data/onnx" / name))


PUBLISHED = {
    "mnist-conv/model.onnx": [
        "conv", "affine", "relu", "max_pool", "conv", "affine", "relu", "max_pool", "reshape", "dense", "affine",
    ],
    "bsd300x3-espcn/subpixel/float_model.onnx": [
        *["conv", "relu"] * 3, "conv", "reshape", "transpose", "reshape",
    ],
    "bsd300x3-espcn/nn_resize/float_model.onnx": [
        "relu", *["conv", "relu"] * 3, "upsample", "conv", "relu",
    ],
    "residual_block_clean.onnx": ["conv", "conv", "relu", "conv", "relu", "add", "max_pool"],
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_is_read(name: str) -> None:
    assert kinds(agrees(qonnx_file(name), batch=1)) == PUBLISHED[name]


@pytest.mark.parametrize("kind", ["subpixel", "nn_resize"])
def test_a_network_that_is_quantized_already_keeps_its_quantizers(kind: str) -> None:
    graph = import_onnx(qonnx_file(f"bsd300x3-espcn/{kind}/quant_model.onnx"))
    count = Counter(node.op.name for node in graph.nodes)
    assert (count["quantizer"], count["integer_weight"]) == ({"subpixel": 4, "nn_resize": 5}[kind], 4)
