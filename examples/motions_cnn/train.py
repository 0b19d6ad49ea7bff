"""Train the BasicMotions example network and write its ONNX file and its two data files.

Run from the repository root, with the wheel of aeon 1.6.0, which holds the data, or with aeon installed:
``python -m examples.motions_cnn.train --data aeon-1.6.0-py3-none-any.whl``.

Writes into ``--out`` (this folder by default):

- ``motions_cnn.onnx``: the trained network, BatchNormalization left as separate nodes;
- ``calibration.npz``: the 40 series of the official training split;
- ``test.npz``: the 40 series of the official test split.

Both npz files hold ``x``, float32 [N, 6, 100] as the network takes it, and ``y``, int64 [N], the activity, 0..3. Every
random choice is seeded and torch runs on one thread: on one machine, with one set of package versions, a second run
writes the same bytes. The training loop and the ONNX export are those of ``examples.mnist_cnn.train``.
"""

import argparse
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from examples.mnist_cnn.train import Schedule, Split, accuracy, export_onnx, fit, save_split, set_deterministic
from examples.vowels_cnn.train import installed

MEMBER = "aeon/datasets/data/BasicMotions/BasicMotions_{part}.ts"
CLASSES = ("standing", "running", "walking", "badminton")
SENSORS = 6
DECIMALS = 3  # of the data, which have 6; fewer make smaller files
NOISE = 0.2  # standard deviation of what is added in training


def convolution(inputs: int, outputs: int, size: int) -> list[nn.Module]:
    """Build a convolution over ``size`` steps that keeps the length, then BatchNorm, then ReLU."""
    layer = nn.Conv1d(inputs, outputs, size, padding=size // 2, bias=False)
    return [layer, nn.BatchNorm1d(outputs), nn.ReLU()]


def build_network() -> nn.Sequential:
    """Build the untrained network: three convolutions, two of them before a max-pool, mean over time, dense.

    Takes float32 [N, 6, 100], gives float32 [N, 4] logits.
    """
    return nn.Sequential(
        *convolution(SENSORS, 24, 7),
        nn.MaxPool1d(2),
        *convolution(24, 32, 5),
        nn.MaxPool1d(2),
        *convolution(32, 48, 3),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(48, len(CLASSES)),
    )


def parse(text: str) -> Split:
    """Read a .ts file: a line a series, sensors split by colons, their values by commas, the label last."""
    lines = [line.strip().split(":") for line in text.splitlines() if line and line[0] not in "#@"]
    series = np.array([[row.split(",") for row in line[:-1]] for line in lines], dtype=np.float64)
    y = np.array([CLASSES.index(line[-1].lower()) for line in lines], dtype=np.int64)
    return Split(torch.from_numpy(np.round(series, DECIMALS).astype(np.float32)), torch.from_numpy(y))


def load_official(wheel: Path | None, part: str) -> Split:
    """Read one official split, ``TRAIN`` or ``TEST``, 40 series each, from aeon's wheel or the installed aeon."""
    root = zipfile.Path(wheel) if wheel else installed("aeon")
    return parse((root / MEMBER.format(part=part)).read_text(encoding="utf-8"))


def vary(series: Tensor, generator: torch.Generator) -> Tensor:
    """Roll each series in time, change its gain by up to 20%, add noise; float32 [N, 6, 100] both ways."""
    steps = series.shape[2]
    start = torch.randint(steps, (len(series), 1), generator=generator)
    at = (start + torch.arange(steps)) % steps
    rolled = series.gather(2, at.unsqueeze(1).expand_as(series))
    gain = 0.8 + 0.4 * torch.rand(len(series), 1, 1, generator=generator)
    return rolled * gain + NOISE * torch.randn(series.shape, generator=generator)


def main() -> None:
    """Train on the training split, report, write the three files."""
    parser = argparse.ArgumentParser(description="Train the BasicMotions example network.")
    parser.add_argument("--data", type=Path, help="aeon's wheel; the installed aeon if not given")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="output folder")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    set_deterministic(arguments.seed)
    train, test = (load_official(arguments.data, part) for part in ("TRAIN", "TEST"))
    network = build_network()
    print(f"{sum(parameter.numel() for parameter in network.parameters()):,} trained parameters")
    # what it prints is of what it is trained on: 40 series leave none to validate on
    fit(network, train, train, Schedule(arguments.epochs, 0.01, arguments.seed, batch=8), vary)
    print(f"test: {accuracy(network, test):.2%} of {len(test.y)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    export_onnx(network, test.x[:2], arguments.out / "motions_cnn.onnx")
    save_split(train, arguments.out / "calibration.npz")
    save_split(test, arguments.out / "test.npz")


if __name__ == "__main__":
    main()
