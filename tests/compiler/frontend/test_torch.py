"""The torch door: modules become the same graphs as their ONNX files, with module paths and source lines."""

import sys
from typing import Any

import numpy as np
import pytest

from snncc.compiler.diagnostics import InternalError, SnnccError
from snncc.compiler.frontend import torch_reader
from snncc.compiler.frontend.door import import_model
from snncc.compiler.frontend.torch_reader import import_torch
from snncc.compiler.ir.curve import Curve
from tests.compiler.frontend.models import codes, model, node, weight

torch: Any = pytest.importorskip("torch")
functional, nn = torch.nn.functional, torch.nn


class Block(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.cap, self.drop = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.ReLU6(), nn.Dropout()

    def forward(self, x: Any) -> Any:
        y = functional.relu(self.bn(self.conv1(x)))
        return self.drop(self.cap(self.conv2(y) + x))


class Net(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), Block())
        self.pool, self.fc, self.norm = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 3), nn.BatchNorm1d(3)

    def forward(self, x: Any) -> Any:
        x = self.features(x)
        pooled = self.pool(x).flatten(1) + x.mean((2, 3)) + x.mean((2, 3), keepdim=True).view(x.size(0), -1)
        logits = self.norm(self.fc(torch.clamp(pooled, 0.0, 3.0)))
        return logits, functional.log_softmax(logits, 1)


class Unsupported(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Any) -> Any:
        x, _ = self.lstm(x)
        x, _ = self.attention(x, x, x)
        return self.norm(x)


class Branching(nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: Any) -> Any:
        return x * 2 if x.sum() > 0 else x


def line_of(text: str) -> str:
    with open(__file__, encoding="utf-8") as file:
        number = next(i for i, line in enumerate(file, 1) if text in line and "line_of" not in line)
    return f"test_torch.py:{number}"


@pytest.fixture(scope="module")
def graph() -> Any:
    torch.manual_seed(0)
    net = Net()
    net.features[3].eval()
    result = import_torch(net, torch.randn(2, 1, 12, 12))
    assert net.training
    assert not net.features[3].training
    return result


def test_modules_and_functions_are_read(graph: Any) -> None:
    assert graph.name == "Net"
    assert graph.inputs[0].type.shape == (1, 12, 12)
    kinds = {node.op.name for node in graph.nodes}
    assert kinds == {
        "conv", "relu", "max_pool", "batch_norm", "add", "average_pool", "reshape", "dense", "tail",
    }  # fmt: skip
    assert len(graph.outputs) == 2


def test_names_are_module_paths(graph: Any) -> None:
    assert {"features.0", "features.3.conv1", "features.3.bn", "features.3.cap", "fc", "norm"} <= set(graph.node)
    assert {"features.0.weight", "fc.bias"} <= set(graph.constants)


def test_locations_give_module_path_and_source_line(graph: Any) -> None:
    loc = graph.node["features.3.bn"].loc
    assert (loc.file, loc.module) == ("Net", "features.3.bn")
    assert loc.line == line_of("y = functional.relu(self.bn(self.conv1(x)))")


def test_arrays_and_several_inputs_are_taken() -> None:
    class Sum(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(5, 3), nn.Linear(4, 3)

        def forward(self, x: Any, y: Any) -> Any:
            return functional.relu(self.a(x) + self.b(y))

    graph = import_model(Sum(), (np.ones((1, 5), np.float32), torch.ones(1, 4)), name="both")
    assert graph.name == "both"
    assert [i.type.shape for i in graph.inputs] == [(5,), (4,)]
    assert [node.name for node in graph.nodes] == ["a", "b", graph.nodes[2].name, graph.outputs[0]]


def test_a_plain_sequence_is_read() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2), nn.Softmax(-1))
    graph = import_torch(net, torch.ones(3, 2, 3))
    assert [node.name for node in graph.nodes] == ["0", "1", "2", "3", "4"]
    assert {node.loc.file for node in graph.nodes} == {"Sequential"}


# Modules of one operator that other exporters and torch itself write as several, on [8, 6, 6].
MODULES: dict[str, tuple[Any, list[str]]] = {
    "silu": (nn.SiLU(), ["silu"]), "hardswish": (nn.Hardswish(), ["hard_swish"]), "gelu": (nn.GELU(), ["gelu"]),
    "gelu_tanh": (nn.GELU(approximate="tanh"), ["gelu_tanh"]), "mish": (nn.Mish(), ["mish"]),
    "prelu": (nn.PReLU(8), ["prelu"]), "shared": (nn.PReLU(), ["leaky_relu"]),
    "hardtanh": (nn.Hardtanh(-2.0, 3.0), ["clip"]), "leaky": (nn.LeakyReLU(0.2), ["leaky_relu"]),
    "hardsigmoid": (nn.Hardsigmoid(), ["hard_sigmoid"]), "sigmoid": (nn.Sigmoid(), ["sigmoid"]),
    "tanh": (nn.Tanh(), ["tanh"]), "softplus": (nn.Softplus(), ["softplus"]), "softsign": (nn.Softsign(), ["softsign"]),
    "celu": (nn.CELU(0.5), ["celu"]), "elu": (nn.ELU(0.5), ["affine", "elu", "affine"]), "selu": (nn.SELU(), ["selu"]),
    "shuffle": (nn.PixelShuffle(2), ["reshape", "transpose", "reshape"]),
    "unshuffle": (nn.PixelUnshuffle(2), ["reshape", "transpose", "reshape"]),
    "channels": (nn.ChannelShuffle(2), ["reshape", "transpose", "reshape"]),
    "wider": (nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1), ["dilate", "conv"]),
    "up": (nn.Upsample(scale_factor=2), ["upsample"]),
}  # fmt: skip


class Parts(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3)
        self.parts = nn.ModuleDict({name: module for name, (module, _) in MODULES.items()})

    def forward(self, x: Any) -> Any:
        x = self.conv(x)
        first, rest = x.split([3, 5], 1)
        halves = torch.cat(x.chunk(2, 1)[::-1], 1)
        larger = functional.interpolate(x[:, 1:5:2, 1:], size=(10, 18))
        gate = x * torch.sigmoid(1.702 * x)
        return [*(part(x) for part in self.parts.values()), first, rest, halves, larger, x[:, 2], x.amax(3), gate]


def test_activations_and_views_of_torch_are_read() -> None:
    torch.manual_seed(0)
    graph = import_torch(Parts(), torch.randn(2, 4, 8, 8))
    found: dict[str, list[str]] = {name: [] for name in MODULES}
    for one in graph.nodes:
        if one.loc.module.startswith("parts."):
            found[one.loc.module.partition(".")[2]].append(getattr(one.op, "kind", one.op.name))
    assert found == {name: wanted for name, (_, wanted) in MODULES.items()}
    assert graph.node[graph.outputs[-1]].op == Curve("silu", (1.702,))


def test_an_interpolation_is_one_finding_with_its_reason() -> None:
    with pytest.raises(SnnccError, match="interpolates") as error:
        import_torch(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Upsample(scale_factor=2, mode="bilinear")),
                     torch.zeros(1, 1, 4, 4))  # fmt: skip
    assert codes(error) == ["SNN103"]


def test_unsupported_modules_are_one_finding_each_with_path_and_line() -> None:
    with pytest.raises(SnnccError) as error:
        import_torch(Unsupported(), torch.zeros(2, 5, 8))
    found = [(d.code, d.loc.module, d.loc.line) for d in error.value.diagnostics]
    assert found == [
        ("SNN102", "lstm", line_of("x, _ = self.lstm(x)")),
        ("SNN102", "attention", line_of("x, _ = self.attention(x, x, x)")),
        ("SNN102", "norm", line_of("return self.norm(x)")),
    ]
    assert "nn.LSTM" in error.value.diagnostics[0].message
    assert "attention" in error.value.diagnostics[1].hint


def test_a_module_that_cannot_be_exported_is_one_finding_with_its_line() -> None:
    with pytest.raises(SnnccError, match="cannot export") as error:
        import_torch(Branching(), torch.zeros(2, 5))
    (found,) = error.value.diagnostics
    assert found.code == "SNN107"
    assert found.loc.line == line_of("return x * 2 if x.sum() > 0 else x")
    assert "\n" not in found.message


def test_a_module_that_does_not_run_is_one_finding() -> None:
    with pytest.raises(SnnccError, match="cannot run on the example input") as error:
        import_torch(nn.Linear(5, 3), torch.zeros(2, 4))
    assert codes(error) == ["SNN107"]


def test_a_missing_torch_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SnnccError, match="not installed") as error:
        import_torch(object(), None)
    assert codes(error) == ["SNN108"]


def test_a_module_needs_an_example_input() -> None:
    with pytest.raises(SnnccError, match="example input") as error:
        import_model(nn.Linear(5, 3))
    assert codes(error) == ["SNN110"]


def test_a_graph_that_differs_from_the_module_is_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    other = model([node("Gemm", "x w")], ("N", 5), {"w": weight(5, 3)})
    monkeypatch.setattr(torch_reader, "_export", lambda *arguments: other)
    with pytest.raises(InternalError, match="differs from that of module 'Linear' in torch"):
        import_torch(nn.Linear(5, 3), torch.ones(1, 5))


def test_results_may_come_in_dictionaries_and_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Linear(5, 3, bias=False)
    array = layer.weight.detach().numpy().T.copy()
    same = model([node("Gemm", "x w"), node("Identity", "y", "z")], ("N", 5), {"w": array}, outputs="y z")
    monkeypatch.setattr(torch_reader, "_export", lambda *arguments: same)

    class Twice(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return {"a": layer(x), "b": (layer(x),)}

    assert import_torch(Twice(), torch.ones(1, 5)).outputs == ("y",)
