"""Train the Japanese Vowels example network and write its ONNX file and its two data files.

Run from the repository root, with the wheel of aeon 1.6.0, which holds the data, or with aeon installed:
``python -m examples.vowels_cnn.train --data aeon-1.6.0-py3-none-any.whl``.

Writes into ``--out`` (this folder by default):

- ``vowels_cnn.onnx``: the trained network, BatchNormalization left as separate nodes;
- ``calibration.npz``: the 270 series of the official training split;
- ``test.npz``: the 370 series of the official test split.

Both npz files hold ``x``, float32 [N, 12, 24] as the network takes it, and ``y``, int64 [N], the speaker, 0..8. Every
random choice is seeded and torch runs on one thread: on one machine, with one set of package versions, a second run
writes the same bytes. The training loop and the ONNX export are those of ``examples.mnist_cnn.train``.
"""

import argparse
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from examples.mnist_cnn.train import Schedule, Split, accuracy, export_onnx, fit, save_split, set_deterministic

MEMBER = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_{part}.ts"
COEFFICIENTS = 12
STEPS = 24
DECIMALS = 3  # of the data, which have 6; fewer make smaller files
UTTERANCES = 30  # of each speaker in the training split, speaker by speaker
VALIDATION = 8  # of those, the last ones
NOISE = 0.1  # standard deviation of what is added in training


def convolution(inputs: int, outputs: int) -> list[nn.Module]:
    """Build a convolution over 5 steps with padding 2, then BatchNorm, then ReLU."""
    return [nn.Conv1d(inputs, outputs, kernel_size=5, padding=2, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]


def build_network() -> nn.Sequential:
    """Build the untrained network, 6,737 trained parameters.

    Takes float32 [N, 12, 24], gives float32 [N, 9] logits.
    """
    return nn.Sequential(
        *convolution(COEFFICIENTS, 24),
        nn.MaxPool1d(2),
        *convolution(24, 40),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(40, 9),
    )


def resample(series: np.ndarray) -> np.ndarray:
    """Bring a series [coefficients, n] to [coefficients, STEPS] by linear interpolation between its first and last."""
    at = np.linspace(0, series.shape[1] - 1, STEPS)
    return np.stack([np.interp(at, np.arange(series.shape[1]), row) for row in series])


def parse(text: str) -> Split:
    """Read a .ts file: a line a series, coefficients split by colons, their values by commas, the label last."""
    lines = [line.split(":") for line in text.splitlines() if line and line[0] not in "#@"]
    series = [resample(np.array([row.split(",") for row in line[:-1]], dtype=np.float64)) for line in lines]
    x = np.round(np.stack(series), DECIMALS).astype(np.float32)
    y = np.array([int(line[-1]) - 1 for line in lines], dtype=np.int64)
    return Split(torch.from_numpy(x), torch.from_numpy(y))


def load_official(wheel: Path | None, part: str) -> Split:
    """Read one official split, ``TRAIN`` (270 series) or ``TEST`` (370), from aeon's wheel or the installed aeon."""
    root = zipfile.Path(wheel) if wheel else installed("aeon")
    return parse((root / MEMBER.format(part=part)).read_text(encoding="utf-8"))


def installed(package: str) -> Path:
    """Return the folder in which a package is installed, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        msg = f"{package} is not installed; name its wheel with --data"
        raise SystemExit(msg)
    return Path(spec.origin).parents[1]


def vary(series: Tensor, generator: torch.Generator) -> Tensor:
    """Change the gain of each series by up to 20% and add noise; float32 [N, 12, STEPS] both ways."""
    gain = 0.8 + 0.4 * torch.rand(len(series), 1, 1, generator=generator)
    return series * gain + NOISE * torch.randn(series.shape, generator=generator)


def pick(split: Split, chosen: Tensor) -> Split:
    """Return the items for which ``chosen``, bool [N], is true."""
    return Split(split.x[chosen], split.y[chosen])


def trained(train: Split, validation: Split, epochs: int, seed: int) -> nn.Sequential:
    """Return a network trained from scratch, printing its accuracy on ``validation`` after each epoch."""
    set_deterministic(seed)
    network = build_network()
    fit(network, train, validation, Schedule(epochs, 0.01, seed, batch=16), vary)
    return network


def main() -> None:
    """Train on part of the training split to validate, then on all of it; report, write the three files."""
    parser = argparse.ArgumentParser(description="Train the Japanese Vowels example network.")
    parser.add_argument("--data", type=Path, help="aeon's wheel; the installed aeon if not given")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="output folder")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    train, test = (load_official(arguments.data, part) for part in ("TRAIN", "TEST"))
    held = torch.arange(len(train.y)) % UTTERANCES >= UTTERANCES - VALIDATION
    validation = pick(train, held)
    trial = trained(pick(train, ~held), validation, arguments.epochs, arguments.seed)
    print(f"validation: {accuracy(trial, validation):.2%} of {len(validation.y)}, not trained on")
    network = trained(train, train, arguments.epochs, arguments.seed)  # what it prints is of what it is trained on
    print(f"test: {accuracy(network, test):.2%} of {len(test.y)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    export_onnx(network, test.x[:2], arguments.out / "vowels_cnn.onnx")
    save_split(train, arguments.out / "calibration.npz")
    save_split(test, arguments.out / "test.npz")


if __name__ == "__main__":
    main()
