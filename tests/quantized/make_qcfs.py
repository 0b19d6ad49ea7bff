"""Train a small network with QCFS activations (L = 4) and export it to ONNX.

    python make_qcfs.py MNIST

QCFS is the clip-floor-shift activation of Bu et al., "Optimal ANN-SNN Conversion for High-accuracy and
Ultra-low-latency Spiking Neural Networks" (ICLR 2022): h(x) = lambda / L clip(floor(x L / lambda + 1/2), 0, L), lambda
learned, written here in the order of operations of the authors' code. MNIST is an .npz with x, 8-bit images
[n, 28, 28], and y, digits [n]; the last 1000 are held out. It needs torch; the exported file is kept beside it.
"""
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

HERE = Path(__file__).parent
LEVELS, CHANNELS, EPOCHS, SEED, HELD_OUT = 4, 8, 2, 11, 1000


class Floor(torch.autograd.Function):
    """floor(x), straight through in the backward pass."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
        """Return floor(x)."""
        return x.floor()

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        """Return the gradient as it is."""
        return gradient


class Qcfs(nn.Module):
    """The activation, with one learned threshold a layer."""

    def __init__(self, threshold: float = 4.0) -> None:
        """Start from a threshold."""
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor([threshold]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return levels 0..L, times the threshold over L."""
        x = x / self.threshold
        x = torch.clamp(x, 0.0, 1.0)
        scaled = x * LEVELS + 0.5
        x = (Floor.apply(scaled) if self.training else torch.floor(scaled)) / LEVELS
        return x * self.threshold


class Net(nn.Module):
    """Two convolutions with batch norms and average pools, and a classifier."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS), Qcfs(), nn.AvgPool2d(2),
            nn.Conv2d(CHANNELS, 2 * CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(2 * CHANNELS), Qcfs(),
            nn.AvgPool2d(2),
        )  # fmt: skip
        self.hidden, self.act, self.last = nn.Linear(2 * CHANNELS * 49, 32), Qcfs(), nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.last(self.act(self.hidden(torch.flatten(self.features(x), 1))))


def main(file: Path) -> None:
    """Train, tell the accuracy, export."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    arrays = np.load(file)
    x = torch.from_numpy(arrays["x"].reshape(-1, 1, 28, 28).astype(np.float32) / 255)
    y = torch.from_numpy(arrays["y"].astype(np.int64))
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x) - HELD_OUT).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.3
    net.eval()
    with torch.no_grad():
        right = int((net(x[-HELD_OUT:]).argmax(1) == y[-HELD_OUT:]).sum())
    sys.stdout.write(f"accuracy {right / HELD_OUT}\n")
    program = torch.onnx.export(net, (torch.zeros(1, 1, 28, 28),), dynamo=True, optimize=False, verbose=False)
    assert program is not None
    proto = program.model_proto
    for node in proto.graph.node:
        del node.metadata_props[:]
    del proto.graph.value_info[:]
    onnx.save(proto, HERE / "qcfs_l4.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
