"""Operators that select, repeat or regroup elements compute what they compute in onnxruntime."""

from typing import Any

import numpy as np
import pytest

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.view_ops import Slice, Upsample
from tests.compiler.frontend.models import after_conv, agrees, codes, kinds, model, node, weight

LARGE = np.iinfo(np.int64).max


def ints(**values: Any) -> dict[str, np.ndarray]:
    return {name: np.array(value, np.int64) for name, value in values.items()}


SLICES = [
    ("h s e", ints(s=[0, 1], e=[LARGE, 3]), (1, 0, 0), (3, 7, 7), (1, 1, 1)),
    ("h s e a", ints(s=[-3], e=[-1], a=[-1]), (0, 0, 4), (4, 7, 6), (1, 1, 1)),
    ("h s e a t", ints(s=[1, 0], e=[99, -2], a=[2, 1], t=[3, 2]), (0, 1, 0), (2, 7, 7), (2, 3, 1)),
    ("h s e a t", ints(s=[-99], e=[LARGE], a=[3], t=[2]), (0, 0, 0), (4, 7, 7), (1, 1, 2)),
]


@pytest.mark.parametrize(("inputs", "weights", "starts", "stops", "steps"), SLICES)
def test_slice_by_constants(inputs: str, weights: Any, starts: Any, stops: Any, steps: Any) -> None:
    graph = after_conv(node("Slice", inputs), weights=weights)
    assert graph.nodes[-1].op == Slice(starts, stops, steps)


@pytest.mark.parametrize("opset", [7, 9, 10, 13])
def test_slice_limits_may_be_attributes(opset: int) -> None:
    given: Any = {"starts": [1], "ends": [3], "axes": [1]}
    if opset < 10:
        graph = after_conv(node("Slice", "h", **given), opset=opset)
    else:
        graph = after_conv(node("Slice", "h starts ends axes"), opset=opset, weights=ints(**given))
    assert graph.nodes[-1].op == Slice((1, 0, 0), (3, 7, 7), (1, 1, 1))


def test_a_slice_of_everything_is_dropped() -> None:
    assert kinds(after_conv(node("Slice", "h s e"), weights=ints(s=[0, 0], e=[LARGE, 4]))) == ["conv"]


@pytest.mark.parametrize("opset", [7, 11, 13, 18])
@pytest.mark.parametrize("sizes", [None, [1, 3], [3, 1]], ids=str)
def test_split_is_one_slice_per_result(sizes: list[int] | None, opset: int) -> None:
    given: dict[str, Any] = {"axis": 1, **({"num_outputs": 2} if opset >= 18 and sizes is None else {})}
    weights = ints(p=sizes) if sizes is not None and opset >= 13 else {}
    given |= {"split": sizes} if sizes is not None and opset < 13 else {}
    halves = node("Split", ["h", *weights], "a b", **given)
    graph = after_conv(halves, node("Concat", "b a", axis=1), opset=opset, weights=weights)
    assert kinds(graph) == ["conv", "slice", "slice", "concat"]


def test_a_split_may_leave_a_smaller_last_part_and_results_unread() -> None:
    graph = after_conv(node("Split", "h", "a b y", axis=2, num_outputs=3))
    assert [n.op for n in graph.nodes[1:]] == [Slice((0, 6, 0), (4, 7, 7), (1, 1, 1))]


def test_results_of_a_split_may_be_outputs() -> None:
    nodes = [node("Conv", "x w", "h"), node("Split", "h", "y z", axis=1, num_outputs=2)]
    graph = agrees(model(nodes, weights={"w": weight(4, 2, 3, 3)}, outputs="z y"))
    assert len(graph.outputs) == 2


@pytest.mark.parametrize(
    ("indices", "wanted"),
    [
        (2, ["slice", "reshape"]),
        (-1, ["slice", "reshape"]),
        ([3], ["slice"]),
        ([0, 2], ["slice"]),
        ([1, 2, 3], ["slice"]),
        ([0, 1, 2, 3], []),
    ],
)
def test_gather_at_equal_distances_is_a_slice(indices: Any, wanted: list[str]) -> None:
    assert kinds(after_conv(node("Gather", "h i", axis=1), weights=ints(i=indices)))[1:] == wanted


def test_gather_takes_the_last_step_of_a_sequence() -> None:
    nodes = [node("Conv", "x w", "h"), node("Gather", "h i", axis=2)]
    assert agrees(model(nodes, ("N", 2, 9), {"w": weight(3, 2, 2), **ints(i=-1)})).nodes[-1].type.shape == (3,)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("block", [1, 2, 3])
def test_depth_to_space_is_three_views(mode: str, block: int) -> None:
    graph = after_conv(node("DepthToSpace", "h", blocksize=block, mode=mode), channels=36, size=5)
    assert kinds(graph) == ["conv", "reshape", "transpose", "reshape"]


@pytest.mark.parametrize("opset", [7, 13])
def test_space_to_depth_is_three_views(opset: int) -> None:
    graph = after_conv(node("SpaceToDepth", "h", blocksize=2), channels=3, size=6, opset=opset)
    assert graph.types[graph.outputs[0]].shape == (12, 3, 3)


EVEN = [
    ("asymmetric", "floor", 2), ("asymmetric", "floor", 5), ("asymmetric", "round_prefer_floor", 2),
    ("half_pixel", "round_prefer_floor", 2), ("half_pixel", "round_prefer_floor", 3),
    ("half_pixel", "round_prefer_ceil", 4), ("pytorch_half_pixel", "round_prefer_floor", 3),
    ("half_pixel_symmetric", "round_prefer_floor", 3), ("tf_half_pixel_for_nn", "floor", 3),
    ("align_corners", "round_prefer_floor", 2),
]  # fmt: skip
UNEVEN = [
    ("asymmetric", "ceil", 2, 1), ("asymmetric", "round_prefer_floor", 3, 2), ("asymmetric", "round_prefer_ceil", 2, 1),
    ("half_pixel", "floor", 2, 2), ("half_pixel", "ceil", 2, 1), ("align_corners", "round_prefer_floor", 3, 2),
    ("tf_half_pixel_for_nn", "round_prefer_floor", 2, 1),
]  # fmt: skip


def resize(factors: Any, coordinates: str, rounding: str) -> tuple[Any, dict[str, np.ndarray]]:
    modes = {"mode": "nearest", "coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    return node("Resize", ["h", "", "s"], **modes), {"s": np.array([1, 1, *factors], np.float32)}


@pytest.mark.parametrize(("coordinates", "rounding", "factor"), EVEN)
def test_nearest_resize_that_repeats_evenly_is_upsample(coordinates: str, rounding: str, factor: int) -> None:
    given, weights = resize((factor, 1), coordinates, rounding)
    opset = 19 if coordinates == "half_pixel_symmetric" else 13
    assert after_conv(given, weights=weights, opset=opset).nodes[-1].op == Upsample((factor, 1))


@pytest.mark.parametrize(("coordinates", "rounding", "factor", "place"), UNEVEN)
def test_nearest_resize_that_repeats_unevenly_is_refused(
    coordinates: str, rounding: str, factor: int, place: int
) -> None:
    given, weights = resize((factor, factor), coordinates, rounding)
    with pytest.raises(SnnccError, match=f"position {place} shows position") as error:
        after_conv(given, weights=weights)
    assert codes(error) == ["SNN103"]


def test_resize_may_state_the_size_or_its_axes() -> None:
    nodes = [node("Conv", "x w", "h"), node("Resize", ["h", "", "", "s"], mode="nearest")]
    sizes = model(nodes, (2, 2, 9, 9), {"w": weight(3, 2, 3, 3), **ints(s=[2, 3, 14, 21])})
    assert agrees(sizes, batch=2).nodes[-1].op == Upsample((2, 3))
    axes = node("Resize", ["h", "", "s"], mode="nearest", axes=[3, 2])
    assert after_conv(axes, weights={"s": np.array([2, 3], np.float32)}).nodes[-1].op == Upsample((3, 2))


def test_a_resize_to_the_same_size_is_dropped_in_every_mode() -> None:
    for mode in ("nearest", "linear"):
        given = node("Resize", ["h", "", "s"], mode=mode)
        assert kinds(after_conv(given, weights={"s": np.ones(4, np.float32)})) == ["conv"]


@pytest.mark.parametrize("opset", [7, 9, 10, 11])
def test_the_old_forms_of_resize_are_read(opset: int) -> None:
    scales = {"s": np.array([1, 1, 3, 2], np.float32)}
    if opset == 7:
        graph = after_conv(node("Upsample", "h", scales=[1.0, 1.0, 3.0, 2.0]), opset=7)
    elif opset < 11:
        graph = after_conv(node("Upsample" if opset == 9 else "Resize", "h s"), opset=opset, weights=scales)
    else:
        given = node("Resize", "h r s", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        graph = after_conv(given, opset=opset, weights={**scales, "r": np.zeros(0, np.float32)})
    assert graph.nodes[-1].op == Upsample((3, 2))


def test_resize_works_on_one_axis() -> None:
    nodes = [node("Conv", "x w", "h"), node("Resize", ["h", "", "s"], mode="nearest")]
    weights = {"w": weight(3, 2, 2), "s": np.array([1, 1, 2], np.float32)}
    assert agrees(model(nodes, ("N", 2, 9), weights)).nodes[-1].op == Upsample((2,))


def test_channel_shuffle_is_three_views() -> None:
    nodes = [node("Reshape", "h s", "a"), node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]), node("Reshape", "b t")]
    graph = after_conv(*nodes, weights=ints(s=[0, 2, 2, 7, 7], t=[0, 4, 7, 7]))
    assert kinds(graph) == ["conv", "reshape", "transpose", "reshape"]
