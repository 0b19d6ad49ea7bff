"""Train the MNIST example network and write its ONNX file and its two data files.

Run from the repository root: ``python -m examples.mnist_cnn.train --data mnist_10k.npz``.

Writes into ``--out`` (this folder by default):

- ``mnist_cnn.onnx``: the trained network, BatchNormalization left as separate nodes;
- ``calibration.npz``: training images (never seen by the accuracy figures);
- ``test.npz``: the held-out images.

Both npz files hold ``x``, float32 [N, 1, 28, 28] in 0..1 as the network takes it, and ``y``,
int64 [N], the digit. Every random choice is seeded and torch runs on one thread: on one machine,
with one set of package versions, a second run writes the same bytes.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx_ir.passes.common import LiftConstantsToInitializersPass
from onnxscript.optimizer import fold_constants
from onnxscript.rewriter import rewrite
from onnxscript.rewriter.rules.common import materialize_reshape_shape_rule, remove_optional_bias_from_conv_rule
from torch import Tensor, nn
from torch.nn import functional

HELD_OUT = 1000
VALIDATION = 1000
CALIBRATION = 256
OPSET = 18

Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Split:
    """Inputs ``x``, float32 [N, ...] as the network takes them, and labels ``y``, int64 [N]."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Schedule:
    """One training run: passes over the data, peak learning rate, seed, images per step."""

    epochs: int
    peak_rate: float = 0.003
    seed: int = 0
    batch: int = 64


def build_network() -> nn.Sequential:
    """Build the untrained network, 28,986 trained parameters.

    Takes float32 [N, 1, 28, 28] in 0..1, gives float32 [N, 10] logits.
    """
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=5, padding=2, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel_size=5, padding=2, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 10),
    )


def as_split(images: np.ndarray, labels: np.ndarray) -> Split:
    """Turn uint8 images [N, 28, 28] and labels [N] into network inputs and targets."""
    x = torch.from_numpy(images.astype(np.float32) / np.float32(255))
    return Split(x.unsqueeze(1), torch.from_numpy(labels.astype(np.int64)))


def load_splits(path: Path) -> tuple[Split, Split, Split]:
    """Read ``mnist_10k.npz`` and cut it, in file order, into train, validation and test.

    Args:
        path: npz with ``x``, uint8 [10000, 28, 28], and ``y``, uint8 [10000], shuffled.

    Returns:
        8,000 images to train on, 1,000 to choose settings by, the last 1,000 held out.
    """
    with np.load(path) as archive:
        everything = as_split(archive["x"], archive["y"])
    sizes = [len(everything.y) - VALIDATION - HELD_OUT, VALIDATION, HELD_OUT]
    parts = zip(everything.x.split(sizes), everything.y.split(sizes), strict=True)
    train, validation, test = (Split(x, y) for x, y in parts)
    return train, validation, test


def distort(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, stretch, slant and move each image a little, filling with 0.

    Args:
        images: float32 [N, 1, 28, 28].
        generator: the source of the amounts, drawn per image and uniform within +-12 degrees,
            +-10% size, +-0.15 slant and +-2 pixels along each axis.

    Returns:
        float32 [N, 1, 28, 28], in the range of the input.
    """
    limits = torch.tensor([math.radians(12), 0.1, 0.15, 2 / 14, 2 / 14])
    amounts = (2 * torch.rand(len(images), 5, generator=generator) - 1) * limits
    angle, growth, slant, right, down = amounts.unbind(1)
    cosine, sine = (1 + growth) * angle.cos(), (1 + growth) * angle.sin()
    rows = torch.stack([cosine, slant - sine, right, sine, cosine, down], dim=1)
    grid = functional.affine_grid(rows.view(-1, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def accuracy(network: nn.Module, split: Split) -> float:
    """Return the share of inputs, in 0..1, whose largest logit is the label; leaves eval mode."""
    network.eval()
    with torch.no_grad():
        hits = [
            int((network(x).argmax(1) == y).sum()) for x, y in zip(split.x.split(500), split.y.split(500), strict=True)
        ]
    return sum(hits) / len(split.y)


def fit(network: nn.Module, train: Split, validation: Split, schedule: Schedule, augment: Augment) -> None:
    """Train in place with AdamW and one learning-rate cycle, printing each epoch's accuracy.

    Args:
        network: left in eval mode with the weights of the last epoch.
        train: the data to fit.
        validation: the data the printed accuracy is of.
        schedule: length, peak learning rate and seed of the run.
        augment: changes each batch of inputs, drawing from the generator it is given.
    """
    generator = torch.Generator().manual_seed(schedule.seed)
    steps = schedule.epochs * -(-len(train.y) // schedule.batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=schedule.peak_rate)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.peak_rate, total_steps=steps)
    for epoch in range(schedule.epochs):
        network.train()
        for batch in torch.randperm(len(train.y), generator=generator).split(schedule.batch):
            logits = network(augment(train.x[batch], generator))
            optimizer.zero_grad()
            functional.cross_entropy(logits, train.y[batch]).backward()
            optimizer.step()
            rate.step()
        score = accuracy(network, validation)
        print(f"epoch {epoch + 1}/{schedule.epochs}: validation {score:.2%}", flush=True)


def strip_metadata(model: onnx.ModelProto) -> None:
    """Remove, in place, the exporter's notes: stack traces, source paths, doc strings."""
    graph = model.graph
    holders = [model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output]
    for holder in [*holders, *graph.value_info]:
        holder.ClearField("doc_string")
        holder.ClearField("metadata_props")


def export_onnx(network: nn.Module, sample: Tensor, path: Path, output: str = "logits") -> None:
    """Write the network as one ONNX file with a free batch axis and BatchNormalization kept.

    Args:
        network: in eval mode, with one input.
        sample: float32 [N, ...], N of 2 or more; N becomes the axis ``batch``.
        path: the file to write; its input is ``input``.
        output: name of the output.
    """
    program = torch.onnx.export(
        network,
        (sample,),
        input_names=["input"],
        output_names=[output],
        opset_version=OPSET,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        optimize=False,  # would fold BatchNormalization into the convolution
        verbose=False,
    )
    if program is None:
        msg = "torch.onnx.export returned no program"
        raise RuntimeError(msg)
    fold_constants(program.model)
    rewrite(program.model, [materialize_reshape_shape_rule, remove_optional_bias_from_conv_rule])
    LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(program.model)
    model = program.model_proto
    strip_metadata(model)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def save_split(split: Split, path: Path) -> None:
    """Write ``x`` (float32) and ``y`` (int64) to a compressed npz."""
    np.savez_compressed(path, x=split.x.numpy(), y=split.y.numpy())


def set_deterministic(seed: int) -> None:
    """Seed torch, keep it on one thread and forbid algorithms whose result can vary."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)


def main() -> None:
    """Train, report validation and held-out accuracy, write the three files."""
    parser = argparse.ArgumentParser(description="Train the MNIST example network.")
    parser.add_argument("--data", type=Path, required=True, help="mnist_10k.npz")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="output folder")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    set_deterministic(arguments.seed)
    train, validation, test = load_splits(arguments.data)
    network = build_network()
    fit(network, train, validation, Schedule(arguments.epochs, seed=arguments.seed), distort)
    print(f"held out: {accuracy(network, test):.2%} of {len(test.y)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    export_onnx(network, test.x[:2], arguments.out / "mnist_cnn.onnx")
    save_split(Split(train.x[:CALIBRATION], train.y[:CALIBRATION]), arguments.out / "calibration.npz")
    save_split(test, arguments.out / "test.npz")


if __name__ == "__main__":
    main()
