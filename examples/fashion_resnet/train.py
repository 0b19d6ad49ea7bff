"""Train the Fashion-MNIST residual network and write its ONNX file and its two data files.

Run from the repository root, after ``apt-get install dataset-fashion-mnist``:
``python -m examples.fashion_resnet.train``.

Writes into ``--out`` (this folder by default):

- ``fashion_resnet.onnx``: the trained network, BatchNormalization left as separate nodes;
- ``calibration.npz``: the first 256 images of the official training split;
- ``test.npz``: the first 1,000 images of the official test split.

Both npz files hold ``x``, float32 [N, 1, 28, 28] in 0..1 as the network takes it, and ``y``, int64 [N], the class.
Every random choice is seeded: on one machine, with one set of package versions and one device, a second run writes the
same bytes.
"""

from pathlib import Path

from torch import Tensor, nn

from examples.fashion_training import Recipe, arguments_of, make, set_deterministic

EPOCHS = 30
WIDTHS = (16, 32, 64)


class Block(nn.Module):
    """Two 3x3 convolutions with BatchNorm, added to a skip before the last ReLU (He et al. 2015, basic block).

    The skip is the input itself, or a 1x1 convolution with BatchNorm where channels or size change.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        """Build a block that divides height and width by ``stride``."""
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.inner_relu = nn.ReLU()
        self.relu = nn.ReLU()
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.skip = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, inputs, H, W] to [N, outputs, H / stride, W / stride]."""
        inner = self.inner_relu(self.first_norm(self.first(x)))
        return self.relu(self.second_norm(self.second(inner)) + self.skip(x))


def build_network(widths: tuple[int, ...] = WIDTHS, strides: tuple[int, ...] = (2, 2, 2)) -> nn.Sequential:
    """Build the untrained network: a stem, three stages of two blocks, the first of each with stride 2, mean, dense.

    Takes float32 [N, 1, 28, 28] in 0..1, gives float32 [N, 10] logits.
    """
    stages = []
    inputs = widths[0]
    for width, stride in zip(widths, strides, strict=True):
        stages += [Block(inputs, width, stride), Block(width, width, 1)]
        inputs = width
    return nn.Sequential(
        nn.Conv2d(1, widths[0], 3, padding=1, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
        *stages,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(widths[-1], 10),
    )


def main() -> None:
    """Train, report validation and test accuracy, write the three files."""
    arguments = arguments_of("Train the Fashion-MNIST residual network.", EPOCHS, Path(__file__).parent)
    set_deterministic(arguments.seed, arguments.threads)
    recipe = Recipe(arguments.epochs, peak_rate=0.004, decay=0.05)
    make("fashion_resnet", build_network(), recipe, arguments)


if __name__ == "__main__":
    main()
