"""Networks and data that are hurt on purpose, in one place each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

EXAMPLES = Path(__file__).parents[3] / "examples"
Arrays = dict[str, npt.NDArray[Any]]


@cache
def _example(name: str) -> tuple[bytes, Arrays, Arrays]:
    folder = EXAMPLES / name
    calibration, test = (dict(np.load(folder / f"{kind}.npz")) for kind in ("calibration", "test"))
    return (folder / f"{name}.onnx").read_bytes(), calibration, test


@dataclass
class Hurt:
    """An example network with its data, to be hurt.

    Attributes:
        model: the float network.
        calibration: x and y.
        test: x and y.
        options: of the compilation.
    """

    model: onnx.ModelProto
    calibration: Arrays
    test: Arrays
    options: dict[str, Any] = field(default_factory=dict)

    def nodes(self, kind: str) -> list[onnx.NodeProto]:
        return [node for node in self.model.graph.node if node.op_type == kind]

    def change(self, name: str, how: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> None:
        """Replace a constant."""
        tensor = next(t for t in self.model.graph.initializer if t.name == name)
        tensor.CopyFrom(numpy_helper.from_array(how(numpy_helper.to_array(tensor).copy()).astype(np.float32), name))


def example(name: str) -> Hurt:
    """Return an example as it is."""
    model, calibration, test = _example(name)
    return Hurt(onnx.load_from_string(model), dict(calibration), dict(test))


def _times(row: int, factor: float) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    def scaled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array[row] *= factor
        return array

    return scaled


def channel_scaled(hurt: Hurt, layer: int) -> None:
    hurt.change(hurt.nodes("Conv")[layer].input[1], _times(5, 100))


def channel_scaled_and_undone(hurt: Hurt, layer: int) -> None:
    """Scale a channel after its batch norm, and take the factor back in the next convolution: equalizing absorbs it."""
    norm, after = hurt.nodes("BatchNormalization")[layer], hurt.nodes("Conv")[layer + 1]
    for name in norm.input[1:3]:
        hurt.change(name, _times(5, 100))

    def undone(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        weight[:, 5] /= 100
        return weight

    hurt.change(after.input[1], undone)


def channels_small(hurt: Hurt, layer: int) -> None:
    """Make every second channel small after its batch norm, and take that back in the next convolution."""
    norm, after = hurt.nodes("BatchNormalization")[layer], hurt.nodes("Conv")[layer + 1]

    def small(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array[::2] /= 20
        return array

    def undone(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        weight[:, ::2] *= 20
        return weight

    for name in norm.input[1:3]:
        hurt.change(name, small)
    hurt.change(after.input[1], undone)


def capped(hurt: Hurt) -> None:
    """Make every ReLU a ReLU6."""
    for name, value in (("least", 0), ("most", 6)):
        hurt.model.graph.initializer.append(numpy_helper.from_array(np.array(value, dtype=np.float32), name))
    for node in hurt.nodes("Relu"):
        node.op_type = "Clip"
        node.input.extend(["least", "most"])


def weight_outlier(hurt: Hurt, layer: int) -> None:
    def one(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        weight.flat[77] = 30 * np.abs(weight).max()
        return weight

    hurt.change(hurt.nodes("Conv")[layer].input[1], one)


def weights_permuted(hurt: Hurt, layer: int) -> None:
    def moved(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.random.default_rng(0).permutation(weight.ravel()).reshape(weight.shape)

    hurt.change(hurt.nodes("Conv")[layer].input[1], moved)


def norm_perturbed(hurt: Hurt, layer: int) -> None:
    norm, rng = hurt.nodes("BatchNormalization")[layer], np.random.default_rng(0)
    variance = next(t for t in hurt.model.graph.initializer if t.name == norm.input[4])
    spread = np.sqrt(numpy_helper.to_array(variance))
    hurt.change(norm.input[3], lambda mean: mean + 2 * spread * rng.normal(size=mean.shape))


def norm_never_updated(hurt: Hurt, layer: int) -> None:
    norm = hurt.nodes("BatchNormalization")[layer]
    hurt.change(norm.input[3], np.zeros_like)
    hurt.change(norm.input[4], np.ones_like)


def layer_dead(hurt: Hurt, layer: int) -> None:
    hurt.change(hurt.nodes("Conv")[layer].input[1], np.zeros_like)


def channels_dead(hurt: Hurt, layer: int) -> None:
    def fewer(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        weight[: len(weight) // 2] = 0
        return weight

    hurt.change(hurt.nodes("Conv")[layer].input[1], fewer)


def bias_outlier(hurt: Hurt, layer: int) -> None:
    def one(bias: npt.NDArray[Any]) -> npt.NDArray[Any]:
        bias[3] += 60
        return bias

    hurt.change(hurt.nodes("BatchNormalization")[layer].input[2], one)


def clipped(hurt: Hurt, layer: str) -> None:
    hurt.options = {"scales": f"mse,{layer}=percentile:90"}


def few_levels(hurt: Hurt, layer: str) -> None:
    hurt.options = {"bits": f"4,{layer}=1"}


def few_weight_bits(hurt: Hurt, layer: str) -> None:
    hurt.options = {"weight_bits": f"8,{layer}=2"}


def too_many_levels(hurt: Hurt, layer: str) -> None:
    """Let a layer send so many levels that the sums of the next one overflow unless its weights get coarser."""
    hurt.options = {"levels": f"255,{layer}=65535"}


def calibrated_on_another_scale(hurt: Hurt) -> None:
    hurt.calibration["x"] = hurt.calibration["x"] * 255


def calibrated_on_small_values(hurt: Hurt) -> None:
    hurt.calibration["x"] = hurt.calibration["x"] * 0.25


def all_data_on_another_scale(hurt: Hurt) -> None:
    for data in (hurt.calibration, hurt.test):
        data["x"] = data["x"] * 255


def calibrated_on_a_handful(hurt: Hurt) -> None:
    hurt.calibration = {name: array[:5] for name, array in hurt.calibration.items()}


def calibrated_on_one_class(hurt: Hurt) -> None:
    mine = hurt.calibration["y"] == 2
    hurt.calibration = {name: array[mine] for name, array in hurt.calibration.items()}


def calibrated_on_a_constant(hurt: Hurt) -> None:
    hurt.calibration["x"] = np.full_like(hurt.calibration["x"], 0.5)


def labels_off_by_one(hurt: Hurt) -> None:
    hurt.test["y"] = (hurt.test["y"] + 1) % (hurt.test["y"].max() + 1)


def labels_shuffled(hurt: Hurt) -> None:
    hurt.test["y"] = np.random.default_rng(0).permutation(hurt.test["y"])


def channels_last(hurt: Hurt) -> None:
    for data in (hurt.calibration, hurt.test):
        data["x"] = np.moveaxis(data["x"], 1, -1).reshape(data["x"].shape)
