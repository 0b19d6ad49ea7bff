"""Pooling operators compute what they compute in onnxruntime."""

from typing import Any

import numpy as np
import pytest

from snncc.compiler.ir.ops import AveragePool, MaxPool
from tests.compiler.frontend.models import after_conv, agrees, model, node, weight

POOLS = [
    {"kernel_shape": [2, 2]},
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [3, 2], "strides": [1, 2], "pads": [0, 1, 2, 0]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_LOWER"},
]
CEIL_POOLS = [
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 3], "strides": [2, 2]},
    {"kernel_shape": [2, 2], "strides": [3, 3]},
    {"kernel_shape": [1, 1], "strides": [4, 4]},
    {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [2, 2], "strides": [5, 4], "pads": [1, 1, 1, 1]},
]


@pytest.mark.parametrize("attributes", [*POOLS, {"kernel_shape": [2, 2], "dilations": [3, 2]}], ids=str)
def test_max_pool_keeps_its_window(attributes: dict[str, Any]) -> None:
    assert isinstance(after_conv(node("MaxPool", "h", **attributes)).nodes[-1].op, MaxPool)


@pytest.mark.parametrize("size", [6, 7, 8, 9, 10])
@pytest.mark.parametrize("attributes", CEIL_POOLS, ids=str)
@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_ceil_mode_becomes_larger_end_pads(kind: str, attributes: dict[str, Any], size: int) -> None:
    after_conv(node(kind, "h", ceil_mode=1, **attributes), size=size, opset=19)


def test_ceil_mode_without_padding_counts_what_is_inside() -> None:
    attributes: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1}
    op = after_conv(node("AveragePool", "h", **attributes), size=6, opset=19).nodes[-1].op
    assert op == AveragePool((3, 3), (2, 2), (0, 0, 1, 1), False)


@pytest.mark.parametrize("attributes", POOLS, ids=str)
@pytest.mark.parametrize("counted", [0, 1])
def test_average_pool_keeps_its_window(attributes: dict[str, Any], counted: int) -> None:
    op = after_conv(node("AveragePool", "h", count_include_pad=counted, **attributes)).nodes[-1].op
    assert isinstance(op, AveragePool)
    assert op.count_include_pad == bool(counted and any(op.pads))


@pytest.mark.parametrize("kind", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global_pools_are_pools_over_the_whole_map(kind: str) -> None:
    graph = after_conv(node(kind, "h"))
    assert graph.types[graph.outputs[0]].shape == (4, 1, 1)


@pytest.mark.parametrize("axes", [[2, 3], [-1, -2], [3, -2]], ids=str)
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("opset", [11, 18])
def test_means_over_the_spatial_axes_are_pools(opset: int, keep: int, axes: list[int]) -> None:
    if opset < 18:
        graph = after_conv(node("ReduceMean", "h", axes=axes, keepdims=keep), opset=opset)
    else:
        graph = after_conv(node("ReduceMean", "h a", keepdims=keep), weights={"a": np.array(axes)})
    assert graph.types[graph.outputs[0]].shape == ((4, 1, 1) if keep else (4,))


REDUCED = [([2], (4, 1, 7)), ([3], (4, 7, 1)), ([-1, 2], (4, 1, 1))]


@pytest.mark.parametrize("kind", ["ReduceMax", "ReduceMean"])
@pytest.mark.parametrize(("axes", "shape"), REDUCED, ids=str)
@pytest.mark.parametrize("opset", [7, 13, 18])
def test_a_reduction_over_some_spatial_axes_is_a_pool_along_them(
    opset: int, axes: list[int], shape: tuple[int, ...], kind: str
) -> None:
    for keep in (0, 1):
        if opset < 18:
            graph = after_conv(node(kind, "h", axes=axes, keepdims=keep), opset=opset)
        else:
            graph = after_conv(node(kind, "h a", keepdims=keep), weights={"a": np.array(axes)})
        assert isinstance(graph.nodes[1].op, MaxPool if kind == "ReduceMax" else AveragePool)
        assert graph.types[graph.outputs[0]].shape == (shape if keep else tuple(n for n in shape if n > 1))


def test_pools_and_means_work_on_one_axis() -> None:
    nodes = [
        node("Conv", "x w", "h"), node("MaxPool", "h", "p", kernel_shape=[2]),
        node("ReduceMean", "p a", keepdims=0),
    ]  # fmt: skip
    agrees(model(nodes, ("N", 2, 9), {"w": weight(3, 2, 2), "a": np.array([2])}))
