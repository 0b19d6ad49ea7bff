"""Train the Fashion-MNIST example network and write its ONNX file and its two data files.

Run from the repository root, after ``apt-get install dataset-fashion-mnist``:
``python -m examples.fashion_cnn.train``.

Writes into ``--out`` (this folder by default):

- ``fashion_cnn.onnx``: the trained network, BatchNormalization left as separate nodes;
- ``calibration.npz``: the first 256 images of the official training split;
- ``test.npz``: the first 1,000 images of the official test split.

Both npz files hold ``x``, float32 [N, 1, 28, 28] in 0..1 as the network takes it, and ``y``,
int64 [N], the class. Every random choice is seeded and torch runs on one thread: on one machine,
with one set of package versions, a second run writes the same bytes. The training loop and the
ONNX export are those of ``examples.mnist_cnn.train``.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from examples.mnist_cnn.train import (
    Schedule,
    Split,
    accuracy,
    as_split,
    export_onnx,
    fit,
    save_split,
    set_deterministic,
)

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
SIDE = 28
IMAGE_HEADER = 16
LABEL_HEADER = 8
VALIDATION = 5000
CALIBRATION = 256
SHIPPED_TEST = 1000


def convolution(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    """Build a 3x3 convolution with padding 1, then BatchNorm, then ReLU."""
    return [
        nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


def build_network() -> nn.Sequential:
    """Build the untrained network, five weight layers, 52,042 trained parameters.

    Takes float32 [N, 1, 28, 28] in 0..1, gives float32 [N, 10] logits.
    """
    return nn.Sequential(
        *convolution(1, 16),
        nn.MaxPool2d(2),
        *convolution(16, 32),
        *convolution(32, 48, stride=2),
        *convolution(48, 56, stride=2),
        nn.Flatten(),
        nn.Linear(56 * 4 * 4, 10),
    )


def read_idx(path: Path, header: int) -> np.ndarray:
    """Read the bytes of a gzipped idx file behind its header, as uint8 [N]."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def load_official(folder: Path, name: str) -> Split:
    """Read one official split, ``train`` (60,000 images) or ``t10k`` (10,000)."""
    images = read_idx(folder / f"{name}-images-idx3-ubyte.gz", IMAGE_HEADER)
    labels = read_idx(folder / f"{name}-labels-idx1-ubyte.gz", LABEL_HEADER)
    return as_split(images.reshape(-1, SIDE, SIDE), labels)


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability 1/2; float32 [N, 1, H, W] both ways."""
    mirrored = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def head(split: Split, count: int) -> Split:
    """Return the first ``count`` items."""
    return Split(split.x[:count], split.y[:count])


def main() -> None:
    """Train, report validation and test accuracy, write the three files."""
    parser = argparse.ArgumentParser(description="Train the Fashion-MNIST example network.")
    parser.add_argument("--data", type=Path, default=DEBIAN_FOLDER, help="folder of the idx files")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="output folder")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    set_deterministic(arguments.seed)
    official = load_official(arguments.data, "train")
    test = load_official(arguments.data, "t10k")
    train = head(official, -VALIDATION)
    validation = Split(official.x[-VALIDATION:], official.y[-VALIDATION:])
    network = build_network()
    fit(network, train, validation, Schedule(arguments.epochs, seed=arguments.seed), flip)
    shipped = head(test, SHIPPED_TEST)
    print(f"test: {accuracy(network, test):.2%} of {len(test.y)}")
    print(f"test.npz: {accuracy(network, shipped):.2%} of {len(shipped.y)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    export_onnx(network, test.x[:2], arguments.out / "fashion_cnn.onnx")
    save_split(head(train, CALIBRATION), arguments.out / "calibration.npz")
    save_split(shipped, arguments.out / "test.npz")


if __name__ == "__main__":
    main()
