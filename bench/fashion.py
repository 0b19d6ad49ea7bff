"""Measure float and integer accuracy on all 10,000 Fashion-MNIST test images, by bits.

Run from the repository root, after ``apt-get install dataset-fashion-mnist``:
``python -m bench.fashion fashion_resnet fashion_mobilenet --bits 8 --bits 4``.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.table import Table

import snncc
from snncc.compiler.program import Program
from snncc.runtime.floats import FloatNetwork

EXAMPLES = Path(__file__).parent.parent / "examples"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist
SIDE = 28
IMAGE_HEADER, LABEL_HEADER = 16, 8  # bytes before the data in an idx file

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Accuracies:
    """Shares of the test images whose greatest logit is the label, 0..1.

    Attributes:
        network: name of the example.
        bits: of the activations' levels.
        floats: accuracy of the float network.
        integers: accuracy of the integer network.
        agreement: share of images to which both give the same class.
    """

    network: str
    bits: int
    floats: float
    integers: float
    agreement: float


def official_test(folder: Path = DEBIAN_FOLDER) -> tuple[Images, Labels]:
    """Return the official test split: float32 [10000, 1, 28, 28] in 0..1, and int64 [10000]."""
    images = _bytes(folder / "t10k-images-idx3-ubyte.gz", IMAGE_HEADER).reshape(-1, 1, SIDE, SIDE)
    labels = _bytes(folder / "t10k-labels-idx1-ubyte.gz", LABEL_HEADER)
    return images.astype(np.float32) / np.float32(255), labels.astype(np.int64)


def _bytes(path: Path, header: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def classes_of_floats(program: Program, x: Images) -> Labels:
    """Return the class that the float network gives to each image."""
    assert program.origin is not None
    network = FloatNetwork(program.origin.model)
    feed = {program.origin.network.inputs[0].name: x}
    return np.concatenate([batch[network.outputs[0]].argmax(axis=1) for batch in network.batches(feed)])


def classes_of_integers(program: Program, x: Images) -> Labels:
    """Return the class that the integer network gives to each image."""
    (logits,) = snncc.run(program, x).values()
    return logits.argmax(axis=1)


def measure(name: str, bits: int, x: Images, y: Labels) -> Accuracies:
    """Compile an example and return its accuracies on labelled images."""
    folder = EXAMPLES / name
    program = snncc.compile(folder / f"{name}.onnx", np.load(folder / "calibration.npz")["x"], bits=bits)
    floats, integers = classes_of_floats(program, x), classes_of_integers(program, x)
    shares = [float(np.mean(hits)) for hits in (floats == y, integers == y, floats == integers)]
    return Accuracies(name, bits, *shares)


def main(
    networks: Annotated[list[str] | None, typer.Argument(help="Examples; the Fashion-MNIST ones by default.")] = None,
    bits: Annotated[list[int] | None, typer.Option(help="Bits of the levels; 8 and 4 by default.")] = None,
    data: Annotated[Path, typer.Option(help="Folder of the idx files.")] = DEBIAN_FOLDER,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure accuracy on the whole official test split."""
    names = networks or [path.parent.name for path in sorted(EXAMPLES.glob("fashion_*/*.onnx"))]
    x, y = official_test(data)
    found = [measure(name, n, x, y) for name in names for n in bits or [8, 4]]
    console = Console(width=120)
    if as_json:
        console.print_json(json.dumps([asdict(result) for result in found]))
        return
    made = Table("network", "bits", "float %", "integer %", "lost", "same class %", title=f"{len(y)} test images")
    for result in found:
        lost = 100 * (result.floats - result.integers)
        shares = (result.floats, result.integers)
        cells = [f"{100 * share:.2f}" for share in shares]
        made.add_row(result.network, str(result.bits), *cells, f"{lost:.2f}", f"{100 * result.agreement:.2f}")
    console.print(made)


if __name__ == "__main__":
    typer.run(main)
