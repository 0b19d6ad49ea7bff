"""Train the autoencoder example on synthetic machine sounds and write its ONNX file and its two data files.

Run from the repository root: ``python -m examples.anomaly_autoencoder.train``. The data are made by ``machines.py``.

Writes into ``--out`` (this folder by default):

- ``anomaly_autoencoder.onnx``: the trained network, BatchNormalization left as separate nodes;
- ``calibration.npz``: 256 training inputs;
- ``test.npz``: 200 inputs of sound machines, then 200 of faulty ones, none trained on.

Both npz files hold ``x``, float32 [N, 640] as the network takes it, and ``y``, what it should give, which is ``x``;
``test.npz`` also ``anomalous``, bool [N]. Every random choice is seeded and torch runs on one thread: on one machine,
with one set of package versions, a second run writes the same bytes. The ONNX export is that of
``examples.mnist_cnn.train``.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.anomaly_autoencoder.machines import BANDS, FRAMES, anomalous, normal
from examples.mnist_cnn.train import export_onnx, set_deterministic

INPUTS = FRAMES * BANDS
TRAIN, TEST, CALIBRATION = 20000, 200, 256
BATCH, PEAK_RATE = 128, 0.004


def dense(inputs: int, outputs: int) -> list[nn.Module]:
    """Build a dense layer, then BatchNorm, then ReLU."""
    return [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]


def build_network() -> nn.Sequential:
    """Build the untrained network 640-128-8-128-640, short for that of MLPerf Tiny (Banbury et al. 2021).

    Takes float32 [N, 640], gives float32 [N, 640].
    """
    return nn.Sequential(*dense(INPUTS, 128), *dense(128, 8), *dense(8, 128), nn.Linear(128, INPUTS))


def fit(network: nn.Module, train: Tensor, epochs: int, seed: int) -> None:
    """Train in place to give back its input, with Adam and one learning-rate cycle; leaves eval mode."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=PEAK_RATE)
    steps = epochs * -(-len(train) // BATCH)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for epoch in range(epochs):
        network.train()
        for batch in torch.randperm(len(train), generator=generator).split(BATCH):
            optimizer.zero_grad()
            functional.mse_loss(network(train[batch]), train[batch]).backward()
            optimizer.step()
            rate.step()
        print(f"epoch {epoch + 1}/{epochs}: mean squared error {errors(network, train).mean():.4f}", flush=True)


def errors(network: nn.Module, x: Tensor) -> np.ndarray:
    """Return the mean squared error of each input, float32 [N]; leaves eval mode."""
    network.eval()
    with torch.no_grad():
        return ((network(x) - x) ** 2).mean(dim=1).numpy()


def area_under_curve(sound: np.ndarray, faulty: np.ndarray) -> float:
    """Return the probability that a faulty input's error exceeds a sound one's (area under the ROC curve)."""
    return float((faulty[:, None] > sound[None]).mean() + 0.5 * (faulty[:, None] == sound[None]).mean())


def main() -> None:
    """Make the data, train, report, write the three files."""
    parser = argparse.ArgumentParser(description="Train the autoencoder example network.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="output folder")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    set_deterministic(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    train = torch.from_numpy(normal(TRAIN, rng))
    test = np.concatenate([normal(TEST, rng), anomalous(TEST, rng)])
    network = build_network()
    print(f"{sum(parameter.numel() for parameter in network.parameters()):,} trained parameters")
    fit(network, train, arguments.epochs, arguments.seed)
    error = errors(network, torch.from_numpy(test))
    sound, faulty = error[:TEST], error[TEST:]
    print(f"mean squared error: sound {sound.mean():.4f}, faulty {faulty.mean():.4f}; variance {test[:TEST].var():.4f}")
    print(f"area under the ROC curve: {area_under_curve(sound, faulty):.4f}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    export_onnx(network, train[:2], arguments.out / "anomaly_autoencoder.onnx", "reconstruction")
    some = train[:CALIBRATION].numpy()
    np.savez_compressed(arguments.out / "calibration.npz", x=some, y=some)
    np.savez_compressed(arguments.out / "test.npz", x=test, y=test, anomalous=np.arange(2 * TEST) >= TEST)


if __name__ == "__main__":
    main()
