"""Train the Fashion-MNIST multilayer perceptron and write its ONNX file and its two data files.

Run from the repository root, after ``apt-get install dataset-fashion-mnist``:
``python -m examples.fashion_mlp.train``.

Writes into ``--out`` (this folder by default):

- ``fashion_mlp.onnx``: the trained network;
- ``calibration.npz``: the first 256 images of the official training split;
- ``test.npz``: the first 1,000 images of the official test split.

Both npz files hold ``x``, float32 [N, 1, 28, 28] in 0..1 as the network takes it, and ``y``, int64 [N], the class.
Every random choice is seeded: on one machine, with one set of package versions and one device, a second run writes the
same bytes.
"""

from pathlib import Path

from torch import nn

from examples.fashion_training import Recipe, arguments_of, make, set_deterministic

EPOCHS = 40
PIXELS, CLASSES = 28 * 28, 10
WIDTHS = (256, 128)


def build_network(widths: tuple[int, ...] = WIDTHS) -> nn.Sequential:
    """Build the untrained network: dense layers with bias and ReLU, no normalization, then a dense layer.

    Takes float32 [N, 1, 28, 28] in 0..1, gives float32 [N, 10] logits.
    """
    layers: list[nn.Module] = []
    inputs = PIXELS
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(inputs, CLASSES))


def main() -> None:
    """Train, report validation and test accuracy, write the three files."""
    arguments = arguments_of("Train the Fashion-MNIST multilayer perceptron.", EPOCHS, Path(__file__).parent)
    set_deterministic(arguments.seed, arguments.threads)
    recipe = Recipe(arguments.epochs, peak_rate=0.003, decay=0.05)
    make("fashion_mlp", build_network(), recipe, arguments)


if __name__ == "__main__":
    main()
