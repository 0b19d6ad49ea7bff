"""Train the keyword example network on synthetic words and write its ONNX file and its two data files.

Run from the repository root: ``python -m examples.keyword_dscnn.train``. The data are made by ``words.py``.

Writes into ``--out`` (this folder by default):

- ``keyword_dscnn.onnx``: the trained network, BatchNormalization left as separate nodes;
- ``calibration.npz``: 256 training utterances;
- ``test.npz``: 1,000 utterances not trained on.

Both npz files hold ``x``, float32 [N, 1, 49, 10] as the network takes it, and ``y``, int64 [N], the word, 0..11. Every
random choice is seeded and torch runs on one thread: on one machine, with one set of package versions, a second run
writes the same bytes. The training loop and the ONNX export are those of ``examples.mnist_cnn.train``.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from examples.keyword_dscnn.words import WORDS, words
from examples.mnist_cnn.train import Schedule, Split, accuracy, export_onnx, fit, save_split, set_deterministic

CHANNELS = 64
TRAIN, VALIDATION, TEST, CALIBRATION = 6000, 1000, 1000, 256


def block(channels: int) -> list[nn.Module]:
    """Build a depthwise 3x3 convolution, then a 1x1 convolution, each with BatchNorm and ReLU."""
    return [
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    ]


def build_network() -> nn.Sequential:
    """Build the untrained DS-CNN of MLPerf Tiny's keyword spotting (Banbury et al. 2021; Zhang et al. 2017, "S").

    The first convolution is 10x4 with stride 2 and pads so that 49x10 becomes 25x5; four depthwise separable blocks,
    the mean over 25x5 and a dense layer follow. Takes float32 [N, 1, 49, 10], gives float32 [N, 12] logits.
    """
    return nn.Sequential(
        nn.ZeroPad2d((1, 1, 4, 5)),
        nn.Conv2d(1, CHANNELS, (10, 4), stride=2, bias=False),
        nn.BatchNorm2d(CHANNELS),
        nn.ReLU(),
        *(layer for _ in range(4) for layer in block(CHANNELS)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(CHANNELS, len(WORDS)),
    )


def split(count: int, rng: np.random.Generator) -> Split:
    """Return ``count`` new utterances and their words."""
    x, y = words(count, rng)
    return Split(torch.from_numpy(x), torch.from_numpy(y))


def vary(utterances: Tensor, generator: torch.Generator) -> Tensor:
    """Add a little noise to the coefficients; float32 [N, 1, 49, 10] both ways."""
    return utterances + 0.1 * torch.randn(utterances.shape, generator=generator)


def main() -> None:
    """Make the data, train, report accuracies, write the three files."""
    parser = argparse.ArgumentParser(description="Train the keyword example network.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="output folder")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    set_deterministic(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    train, validation, test = (split(count, rng) for count in (TRAIN, VALIDATION, TEST))
    network = build_network()
    print(f"{sum(parameter.numel() for parameter in network.parameters()):,} trained parameters")
    fit(network, train, validation, Schedule(arguments.epochs, 0.005, arguments.seed), vary)
    print(f"test: {accuracy(network, test):.2%} of {len(test.y)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    export_onnx(network, test.x[:2], arguments.out / "keyword_dscnn.onnx")
    save_split(Split(train.x[:CALIBRATION], train.y[:CALIBRATION]), arguments.out / "calibration.npz")
    save_split(test, arguments.out / "test.npz")


if __name__ == "__main__":
    main()
