"""What three Fashion-MNIST examples share: the data on any device, augmentation, training, what is shipped.

The data and their folder are those of ``examples.fashion_cnn.train``, the ONNX export that of
``examples.mnist_cnn.train``. Training is conventional: float32, AdamW with one learning-rate cycle, cross entropy with
label smoothing, random mirroring and shifts; nothing in it knows of quantization.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.fashion_cnn.train import DEBIAN_FOLDER, head, load_official
from examples.mnist_cnn.train import Split, accuracy, export_onnx, save_split

VALIDATION = 5000
CALIBRATION = 256
SHIPPED_TEST = 1000
SHIFT = 2  # pixels along each axis
SMOOTHING = 0.05


@dataclass(frozen=True)
class Recipe:
    """One training run: passes over the data, peak learning rate, weight decay, images per step."""

    epochs: int
    peak_rate: float
    decay: float
    batch: int = 128


def arguments_of(description: str, epochs: int, out: Path) -> argparse.Namespace:
    """Read the options that both training scripts take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=DEBIAN_FOLDER, help="folder of the idx files")
    parser.add_argument("--out", type=Path, default=out, help="output folder")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="where to train: cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads to train with")
    parser.add_argument("--weights", type=Path, help="trained weights: read if the file exists, else written")
    return parser.parse_args()


def set_deterministic(seed: int, threads: int) -> None:
    """Seed torch, fix its threads and forbid algorithms whose result can vary."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by torch for a deterministic cuBLAS
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)


def to_device(split: Split, device: str) -> Split:
    """Return the split with both tensors on a device."""
    return Split(split.x.to(device), split.y.to(device))


def vary(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image with probability 1/2 and shift it by up to SHIFT pixels, filling with 0.

    Args:
        images: float32 [N, 1, H, W], on any device.
        generator: on the CPU; the amounts do not depend on the device.
    """
    count, _, height, width = images.shape
    shift = torch.randint(0, 2 * SHIFT + 1, (2, count, 1), generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    rows = torch.arange(height) + shift[0]
    columns = torch.arange(width) + shift[1]
    columns = torch.where(mirrored, columns.flip(1), columns)
    item = torch.arange(count).view(-1, 1, 1)
    padded = functional.pad(images[:, 0], [SHIFT] * 4)
    places = (item * padded.shape[1] + rows.unsqueeze(2)) * padded.shape[2] + columns.unsqueeze(1)
    return padded.flatten()[places.to(images.device)].unsqueeze(1)


def fit(network: nn.Module, train: Split, validation: Split, recipe: Recipe, seed: int) -> None:
    """Train in place, printing each epoch's accuracy on ``validation``; leaves eval mode.

    Args:
        network: on the device of the data.
        train: the data to fit.
        validation: the data the printed accuracy is of.
        recipe: length and settings of the run.
        seed: of order and augmentation.
    """
    generator = torch.Generator().manual_seed(seed)
    steps = recipe.epochs * -(-len(train.y) // recipe.batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.peak_rate, weight_decay=recipe.decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.peak_rate, total_steps=steps)
    for epoch in range(recipe.epochs):
        network.train()
        for batch in torch.randperm(len(train.y), generator=generator).split(recipe.batch):
            chosen = batch.to(train.x.device)
            logits = network(vary(train.x[chosen], generator))
            optimizer.zero_grad()
            functional.cross_entropy(logits, train.y[chosen], label_smoothing=SMOOTHING).backward()
            optimizer.step()
            rate.step()
        print(f"epoch {epoch + 1}/{recipe.epochs}: validation {accuracy(network, validation):.2%}", flush=True)


def make(name: str, network: nn.Module, recipe: Recipe, arguments: argparse.Namespace) -> None:
    """Train a network, or read its weights; report accuracies; write its ONNX file and its two data files.

    Args:
        name: of the ONNX file.
        network: untrained, on the CPU.
        recipe: how to train it.
        arguments: from ``arguments_of``.
    """
    train = load_official(arguments.data, "train")
    test = load_official(arguments.data, "t10k")
    validation = Split(train.x[-VALIDATION:], train.y[-VALIDATION:])
    if arguments.weights and arguments.weights.exists():
        network.load_state_dict(torch.load(arguments.weights, weights_only=True))
    else:
        network.to(arguments.device)
        parts = [to_device(split, arguments.device) for split in (head(train, -VALIDATION), validation)]
        fit(network, *parts, recipe, arguments.seed)
        network.cpu()
    if arguments.weights and not arguments.weights.exists():
        torch.save(network.state_dict(), arguments.weights)
    report(network, {"validation": validation, "test": test, "test.npz": head(test, SHIPPED_TEST)})
    arguments.out.mkdir(parents=True, exist_ok=True)
    export_onnx(network, test.x[:2], arguments.out / f"{name}.onnx")
    save_split(head(train, CALIBRATION), arguments.out / "calibration.npz")
    save_split(head(test, SHIPPED_TEST), arguments.out / "test.npz")


def report(network: nn.Module, splits: dict[str, Split]) -> None:
    """Print how many parameters are trained, and the accuracy on each split."""
    print(f"{sum(parameter.numel() for parameter in network.parameters()):,} trained parameters")
    for name, split in splits.items():
        print(f"{name}: {accuracy(network, split):.2%} of {len(split.y)}")
