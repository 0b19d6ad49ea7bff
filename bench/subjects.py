"""The networks whose accuracy is measured, each with its calibration inputs and a whole test set never calibrated on.

The Fashion-MNIST examples are tested on all 10,000 official test images (Debian's package ``dataset-fashion-mnist``),
or on the 1,000 of them that ship with the example where the package is missing; the keyword network on 10,000
utterances drawn anew from the example's own generator. Other networks come from a folder: one subfolder each, with
``net.onnx``, ``calibration.npz`` (x) and ``test.npz`` (x and y, class indices).
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

EXAMPLES = Path(__file__).parent.parent / "examples"
FIVE = ("fashion_cnn", "fashion_resnet", "fashion_mobilenet", "keyword_dscnn", "fashion_mlp")
KINDS = {
    "fashion_cnn": "plain CNN",
    "fashion_resnet": "ResNet",
    "fashion_mobilenet": "MobileNetV2-like",
    "keyword_dscnn": "DS-CNN",
    "fashion_mlp": "MLP",
}
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist
SIDE = 28
IMAGE_HEADER, LABEL_HEADER = 16, 8  # bytes before the data in an idx file
UTTERANCES, UTTERANCE_SEED = 10_000, 2026  # drawn anew: the example's own come from seed 0

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Subject:
    """A trained network and its data.

    Attributes:
        name: of the example or of the subfolder.
        kind: what kind of network it is, empty where unknown.
        model: the ONNX file.
        calibration: float inputs [samples, *shape].
        test: name of the test set; subjects with the same name have the same test inputs in the same order.
        x: float32 test inputs [samples, *shape].
        y: int64 [samples], the class of each.
    """

    name: str
    kind: str
    model: Path
    calibration: Array = field(repr=False)
    test: str
    x: Array = field(repr=False)
    y: Array = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a test set that holds calibration samples.

        Raises:
            ValueError: how many it holds.
        """
        known = {sample.tobytes() for sample in self.calibration}
        shared = sum(sample.tobytes() in known for sample in self.x)
        if shared:
            raise ValueError(f"{self.name}: {shared} test samples are calibration samples")

    def head(self, count: int | None) -> Subject:
        """Return the subject with the first ``count`` test samples, or all."""
        return self if count is None else replace(self, x=self.x[:count], y=self.y[:count])


def example(name: str) -> Subject:
    """Return one of the examples with its whole test set, or the test set it ships with where that is all there is.

    Raises:
        FileNotFoundError: there is no such example.
    """
    folder = EXAMPLES / name
    with np.load(folder / "calibration.npz") as data:
        calibration = data["x"]
    test, (x, y) = _test_set(folder)
    return Subject(name, KINDS.get(name, ""), folder / f"{name}.onnx", calibration, test, x, y)


def _test_set(folder: Path) -> tuple[str, tuple[Array, Array]]:
    """Return the name of an example's test set, and its inputs and classes."""
    if folder.name.startswith("fashion_"):
        whole = DEBIAN_FOLDER.exists()
        return "Fashion-MNIST", fashion_test() if whole else _samples(folder / "test.npz")
    if folder.name == "keyword_dscnn":
        return "utterances", keyword_test()
    return f"{folder.name}/test.npz", _samples(folder / "test.npz")


def subfolder(folder: Path) -> Subject:
    """Return the network of a folder that holds ``net.onnx``, ``calibration.npz`` and ``test.npz``."""
    with np.load(folder / "calibration.npz") as data:
        calibration = data["x"]
    x, y = _samples(folder / "test.npz")
    return Subject(folder.name, "", folder / "net.onnx", calibration, str(folder), x, y)


def subfolders(folder: Path) -> list[str]:
    """Return the names of the subfolders that hold a network, in order."""
    return sorted(path.parent.name for path in folder.glob("*/net.onnx"))


def _samples(path: Path) -> tuple[Array, Array]:
    with np.load(path) as data:
        return data["x"].astype(np.float32), data["y"].astype(np.int64)


@lru_cache(maxsize=1)
def fashion_test(folder: Path = DEBIAN_FOLDER) -> tuple[Array, Array]:
    """Return the official test split: float32 [10000, 1, 28, 28] in 0..1, and int64 [10000]."""
    images = _bytes(folder / "t10k-images-idx3-ubyte.gz", IMAGE_HEADER).reshape(-1, 1, SIDE, SIDE)
    labels = _bytes(folder / "t10k-labels-idx1-ubyte.gz", LABEL_HEADER)
    return images.astype(np.float32) / np.float32(255), labels.astype(np.int64)


def _bytes(path: Path, header: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


@lru_cache(maxsize=1)
def keyword_test() -> tuple[Array, Array]:
    """Return utterances that the example has not seen: float32 [10000, 1, 49, 10], and int64 [10000]."""
    from examples.keyword_dscnn.words import words

    return words(UTTERANCES, np.random.default_rng(UTTERANCE_SEED))
