"""ConvTranspose computes what it computes in onnxruntime."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.frontend.onnx_transposed import turned
from snncc.compiler.ir.view_ops import Dilate
from tests.compiler.frontend.models import agrees, kinds, model, node, weight

FORMS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["conv"]),
    ({"strides": [2, 3]}, ["dilate", "conv"]),
    ({"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}, ["dilate", "conv"]),
    ({"strides": [2, 1], "pads": [0, 1, 2, 0]}, ["dilate", "conv"]),
    ({"dilations": [2, 3], "pads": [1, 2, 3, 4]}, ["slice", "conv"]),
    ({"dilations": [2, 3], "pads": [1, 2, 3, 3]}, ["conv"]),
    ({"strides": [3, 2], "pads": [3, 3, 3, 3]}, ["dilate", "slice", "conv"]),
    ({"strides": [2, 2], "auto_pad": "SAME_UPPER"}, ["dilate", "conv"]),
    ({"strides": [2, 2], "auto_pad": "SAME_LOWER"}, ["dilate", "conv"]),
    ({"strides": [2, 2], "auto_pad": "VALID"}, ["dilate", "conv"]),
    ({"strides": [2, 2], "output_shape": [9, 10]}, ["dilate", "conv"]),
    ({"strides": [2, 2], "output_shape": [9, 8], "auto_pad": "SAME_UPPER"}, ["dilate", "conv"]),
    ({"kernel_shape": [3, 2], "strides": [2, 2]}, ["dilate", "conv"]),
]


@pytest.mark.parametrize(("attributes", "wanted"), FORMS, ids=str)
@pytest.mark.parametrize("opset", [7, 18, 22])
def test_a_transposed_convolution_is_zeros_between_and_a_convolution(
    attributes: dict[str, Any], wanted: list[str], opset: int
) -> None:
    weights = {"w": weight(4, 3, 3, 2), "b": weight(3)}
    graph = agrees(model([node("ConvTranspose", "x w b", **attributes)], ("N", 4, 4, 5), weights, opset=opset))
    assert kinds(graph) == wanted


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups_stay_apart(groups: int) -> None:
    attributes: dict[str, Any] = {"group": groups, "strides": [2, 2], "pads": [1, 1, 1, 1]}
    proto = model([node("ConvTranspose", "x w", **attributes)], ("N", 4, 4, 5), {"w": weight(4, 3, 3, 3)})
    graph = agrees(proto)
    assert graph.types[graph.outputs[0]].shape == (3 * groups, 7, 9)


@pytest.mark.parametrize("attributes", [{}, {"strides": [3], "pads": [1, 0], "output_padding": [2]}], ids=str)
def test_one_spatial_axis_is_supported(attributes: dict[str, Any]) -> None:
    agrees(model([node("ConvTranspose", "x w b", **attributes)], ("N", 2, 9), {"w": weight(2, 3, 4), "b": weight(3)}))


@given(
    st.tuples(*[st.integers(1, 3)] * 4), st.tuples(*[st.integers(1, 4)] * 2), st.tuples(*[st.integers(0, 4)] * 4),
    st.sampled_from([(4, 1), (2, 2), (2, 4)]),
)  # fmt: skip
@settings(max_examples=40)
def test_every_window_agrees_with_onnxruntime(steps: Any, kernel: Any, pads: Any, channels: Any) -> None:
    strides, dilations = steps[:2], steps[2:]
    sizes = [s * 3 + d * (k - 1) + 1 for s, d, k in zip(strides, dilations, kernel, strict=True)]
    pads = tuple(min(pad, (sizes[i % 2] - 1) // 2) for i, pad in enumerate(pads))
    given = node("ConvTranspose", "x w", strides=strides, dilations=dilations, pads=pads, group=channels[1])
    agrees(model([given], ("N", 4, 4, 4), {"w": weight(4, channels[0], *kernel)}))


def test_the_kernel_is_turned_around_and_the_channels_change_places_in_each_group() -> None:
    given = weight(6, 2, 3, 4)
    result = turned(given, 3)
    assert result.shape == (6, 2, 3, 4)
    for group in range(3):
        for out in range(2):
            for source in range(2):
                wanted = given[2 * group + source, out, ::-1, ::-1]
                np.testing.assert_array_equal(result[2 * group + out, source], wanted)


def test_a_weight_shared_with_a_convolution_is_kept_beside_its_turned_form() -> None:
    nodes = [node("Conv", "x w", "h"), node("Relu", "h", "r"), node("ConvTranspose", "r w", strides=[2, 2])]
    graph = agrees(model(nodes, ("N", 3, 6, 6), {"w": weight(4, 3, 3, 3)}))
    assert len(graph.constants) == 2
    assert graph.nodes[2].op == Dilate((2, 2))
