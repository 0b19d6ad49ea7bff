"""The other Fashion-MNIST examples: the data of fashion_cnn, and as accurate and as large as their pages say."""

from __future__ import annotations

import onnx
import pytest

from tests.examples.support import EXAMPLES, accuracy

ACCURACIES = {"fashion_resnet": 0.947, "fashion_mobilenet": 0.945, "fashion_mlp": 0.891}


@pytest.mark.parametrize("name", ACCURACIES)
@pytest.mark.parametrize("split", ["calibration", "test"])
def test_the_images_are_those_of_fashion_cnn(name: str, split: str) -> None:
    wanted = (EXAMPLES / "fashion_cnn" / f"{split}.npz").read_bytes()
    assert (EXAMPLES / name / f"{split}.npz").read_bytes() == wanted


@pytest.mark.parametrize("name", ACCURACIES)
def test_the_float_network_is_as_accurate_as_its_page_says(name: str) -> None:
    assert accuracy(name) == pytest.approx(ACCURACIES[name], abs=0.0011)  # one image, were kernels to round otherwise
    assert f"{ACCURACIES[name]:.2%} on the 1,000" in (EXAMPLES / name / "README.md").read_text(encoding="utf-8")


def test_the_residual_network_adds_before_relu() -> None:
    users = _users("fashion_resnet")
    assert [op for add, op in users if add == "Add"] == ["Relu"] * 6


def test_the_inverted_residuals_end_without_activation() -> None:
    users = _users("fashion_mobilenet")
    assert sum(op == "Add" for _, op in users) == 2 * 5
    assert {op for add, op in users if add == "Add"} == {"Conv", "Add"}


def test_the_perceptron_has_dense_layers_alone() -> None:
    graph = onnx.load(EXAMPLES / "fashion_mlp" / "fashion_mlp.onnx").graph
    assert [node.op_type for node in graph.node if node.op_type != "Reshape"] == ["Gemm", "Relu"] * 2 + ["Gemm"]


def _users(name: str) -> list[tuple[str, str]]:
    """Return (kind, kind of a reader) for every edge of an example's network."""
    graph = onnx.load(EXAMPLES / name / f"{name}.onnx").graph
    kinds = {output: node.op_type for node in graph.node for output in node.output}
    return [(kinds[i], node.op_type) for node in graph.node for i in node.input if i in kinds]
