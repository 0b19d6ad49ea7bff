"""Train a small residual network of 4-bit weights and activations in Brevitas and export it as QONNX.

    python make_brevitas.py MNIST

It needs brevitas 0.13 and torch; the exported file is kept beside this script, so that neither is needed to test.
MNIST is an .npz with x, 8-bit images [n, 28, 28], and y, digits [n]; the last 1000 are held out.
"""
# mypy: ignore-errors

from __future__ import annotations

import sys
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
from brevitas.export import export_qonnx
from brevitas.quant import Int8WeightPerChannelFloat, Uint8ActPerTensorFloat
from torch import nn

HERE = Path(__file__).parent
BITS, CHANNELS, EPOCHS, SEED, HELD_OUT = 4, 8, 2, 7, 1000


class Weights(Int8WeightPerChannelFloat):
    """Weights of 4 bits, a scale a channel."""

    bit_width = BITS


class Levels(Uint8ActPerTensorFloat):
    """Activations of 4 bits."""

    bit_width = BITS


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return a quantized convolution and its batch norm."""
    layer = qnn.QuantConv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False, weight_quant=Weights)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Net(nn.Module):
    """A convolution, a residual block of which both branches and the sum are quantized, a mean, a classifier."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.input = qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat)
        self.first, self.relu1 = conv(1, CHANNELS, 2), qnn.QuantReLU(act_quant=Levels)
        self.second, self.relu2 = conv(CHANNELS, CHANNELS), qnn.QuantReLU(act_quant=Levels)
        self.third = conv(CHANNELS, CHANNELS)
        self.branch = qnn.QuantIdentity(bit_width=BITS)
        self.relu3 = qnn.QuantReLU(act_quant=Levels)
        self.pool = nn.MaxPool2d(2)
        self.classify = qnn.QuantLinear(CHANNELS * 49, 10, bias=True, weight_quant=Weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        x = self.relu1(self.first(self.input(x)))
        y = self.branch(self.third(self.relu2(self.second(x))))
        return self.classify(torch.flatten(self.pool(self.relu3(x + y)), 1))


def strip(file: Path) -> None:
    """Keep a model in one file, without what torch notes of where its nodes come from."""
    proto = onnx.load(file)
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for field in (proto.graph.metadata_props, proto.functions, proto.graph.value_info):
        del field[:]
    onnx.save(proto, file)
    file.with_suffix(".onnx.data").unlink(missing_ok=True)


def mnist(file: Path, held_out: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return images 0..1, [n, 1, 28, 28], and labels for training, then those held out."""
    arrays = np.load(file)
    x = torch.from_numpy(arrays["x"].reshape(-1, 1, 28, 28).astype(np.float32) / 255)
    y = torch.from_numpy(arrays["y"].astype(np.int64))
    return x[:-held_out], y[:-held_out], x[-held_out:], y[-held_out:]


def main(file: Path) -> None:
    """Train, tell the accuracy, export."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    x, y, unseen, digits = mnist(file, HELD_OUT)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.3
    net.eval()
    with torch.no_grad():
        right = int((net(unseen).argmax(1) == digits).sum())
    sys.stdout.write(f"accuracy {right / len(digits)}\n")
    export_qonnx(net, torch.zeros(1, 1, 28, 28), str(HERE / "brevitas_4bit.onnx"))
    strip(HERE / "brevitas_4bit.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
