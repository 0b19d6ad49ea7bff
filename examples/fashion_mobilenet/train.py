"""Train the Fashion-MNIST MobileNetV2-like network and write its ONNX file and its two data files.

Run from the repository root, after ``apt-get install dataset-fashion-mnist``:
``python -m examples.fashion_mobilenet.train``.

Writes into ``--out`` (this folder by default):

- ``fashion_mobilenet.onnx``: the trained network, BatchNormalization left as separate nodes;
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
STEM = 16
HEAD = 160
# expansion, channels, blocks, stride of the first (Sandler et al. 2018, table 2)
BLOCKS = ((1, 16, 1, 1), (4, 24, 2, 1), (4, 40, 2, 2), (4, 64, 3, 2))


def convolution(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Build a convolution that keeps the size but for its stride, then BatchNorm."""
    layer = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(outputs)]


class InvertedResidual(nn.Module):
    """Expand 1x1, filter 3x3 by channel, project 1x1 without activation; added to the input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        """Build a block that divides height and width by ``stride``."""
        super().__init__()
        wide = inputs * expansion
        expand = [*convolution(inputs, wide, 1), nn.ReLU()] if expansion > 1 else []
        self.branch = nn.Sequential(
            *expand, *convolution(wide, wide, 3, stride, groups=wide), nn.ReLU(), *convolution(wide, outputs, 1)
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, inputs, H, W] to [N, outputs, H / stride, W / stride]."""
        return x + self.branch(x) if self.residual else self.branch(x)


def build_network(
    stem: int = STEM, blocks: tuple[tuple[int, int, int, int], ...] = BLOCKS, last: int = HEAD
) -> nn.Sequential:
    """Build the untrained network: a stem with stride 2, inverted residuals, a 1x1 convolution, mean, dense.

    Takes float32 [N, 1, 28, 28] in 0..1, gives float32 [N, 10] logits.
    """
    layers: list[nn.Module] = []
    inputs = stem
    for expansion, outputs, count, first_stride in blocks:
        for index in range(count):
            layers.append(InvertedResidual(inputs, outputs, 1 if index else first_stride, expansion))
            inputs = outputs
    return nn.Sequential(
        *convolution(1, stem, 3, stride=2),
        nn.ReLU(),
        *layers,
        *convolution(inputs, last, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(last, 10),
    )


def main() -> None:
    """Train, report validation and test accuracy, write the three files."""
    arguments = arguments_of("Train the Fashion-MNIST MobileNetV2-like network.", EPOCHS, Path(__file__).parent)
    set_deterministic(arguments.seed, arguments.threads)
    recipe = Recipe(arguments.epochs, peak_rate=0.004, decay=0.05)
    make("fashion_mobilenet", build_network(), recipe, arguments)


if __name__ == "__main__":
    main()
