"""What fine-tuning gains: test accuracy before and after, and the time it takes.

    python -m bench.finetuning fashion_cnn fashion_resnet --bits 1 --bits 2 --weight-bits 4

Fashion-MNIST networks learn from the first training images of Debian's package ``dataset-fashion-mnist`` and are tested
on the whole test split; other examples learn from the calibration samples that they ship with. "before" is what
``snncc.compile`` makes of the float network, "after" the compiled fine-tuned module; both are integer networks, run on
the fast integer executor. Times are of one thread.
"""

from __future__ import annotations

import gzip
import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

import snncc
from bench.subjects import DEBIAN_FOLDER, IMAGE_HEADER, LABEL_HEADER, SIDE, Subject, example
from snncc.runtime.floats import FloatNetwork
from snncc.terminal import progress, table, write_json, write_table

app = typer.Typer(add_completion=False)
LEARNING_SEED = 7  # of the utterances to learn from; those of the test come from another
Samples = tuple[npt.NDArray[Any], npt.NDArray[Any]]


@dataclass(frozen=True)
class Gain:
    """One network fine-tuned in one way.

    Attributes:
        network: its name.
        bits: of the levels.
        weight_bits: of inner weights; the first and the last layer have 8.
        samples: how many it learned from.
        epochs: passes over them.
        floats: accuracy of the float network, 0..1.
        before: accuracy of the integer network without fine-tuning.
        after: accuracy of the fine-tuned integer network.
        same: share of test samples to which the fine-tuned module in torch gives the very class of the program.
        cpu_minutes: processor time of fine-tuning.
    """

    network: str
    bits: int
    weight_bits: int
    samples: int
    epochs: int
    floats: float
    before: float
    after: float
    same: float
    cpu_minutes: float


@app.command()
def main(
    networks: Annotated[list[str], typer.Argument()],
    bits: Annotated[list[int], typer.Option()] = [1, 2, 3],  # noqa: B006 typer reads lists as repeated options
    weight_bits: Annotated[list[int], typer.Option()] = [8, 4],  # noqa: B006
    samples: int = 10_000,
    epochs: int = 5,
    rate: float = 0.001,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure every combination; a row a network and combination."""
    import torch

    torch.set_num_threads(1)
    gains = []
    for name in networks:
        subject = example(name)
        for chosen in product(bits, weight_bits):
            gains.append(measure(subject, training(name, subject, samples), *chosen, epochs, rate))
    if as_json:
        write_json([asdict(gain) for gain in gains])
        return
    headers = ["network", "bits", "weights", "samples", "epochs", "float", "before", "after", "same", "cpu min"]
    rows = [[*list(asdict(g).values())[:5], *(f"{v:.2%}" for v in (g.floats, g.before, g.after, g.same)),
             f"{g.cpu_minutes:.1f}"] for g in gains]  # fmt: skip
    write_table(table(headers, rows, headers[1:]))


def training(name: str, subject: Subject, count: int) -> Samples:
    """Return training inputs and classes, none of them in the test set."""
    if name == "keyword_dscnn":
        from examples.keyword_dscnn.words import words

        return words(count, np.random.default_rng(LEARNING_SEED))
    if not name.startswith("fashion_"):
        with np.load(subject.model.parent / "calibration.npz") as data:
            return data["x"][:count].astype(np.float32), data["y"][:count].astype(np.int64)
    return fashion_train(DEBIAN_FOLDER, count)


def fashion_train(folder: Path, count: int) -> Samples:
    """Return the first images of the official training split: float32 [count, 1, 28, 28] in 0..1, int64 [count]."""
    files = ((folder / f"train-{kind}-ubyte.gz", header) for kind, header in
             (("images-idx3", IMAGE_HEADER), ("labels-idx1", LABEL_HEADER)))  # fmt: skip
    pixels, labels = (np.frombuffer(gzip.decompress(f.read_bytes()), np.uint8, offset=header) for f, header in files)
    images, labels = pixels.reshape(-1, 1, SIDE, SIDE)[:count], labels[:count]
    return images.astype(np.float32) / np.float32(255), labels.astype(np.int64)


def measure(subject: Subject, learn: Samples, bits: int, weight_bits: int, epochs: int, rate: float) -> Gain:
    """Return what fine-tuning gains for one choice of widths."""
    import torch

    before = snncc.compile(subject.model, subject.calibration, bits=bits, weight_bits=_widths(subject, weight_bits))
    begin = time.process_time()
    with progress(quiet=False) as bar:
        module = snncc.finetune(
            subject.model, *learn, bits=bits, weight_bits=weight_bits, epochs=epochs, rate=rate,
            progress=lambda epoch, of, loss: bar(f"{subject.name}, {bits} and {weight_bits} bits", epoch, of),
        )  # fmt: skip
    minutes = (time.process_time() - begin) / 60
    after = snncc.compile(module, subject.calibration)
    classes = _classes(after, subject)
    with torch.no_grad():
        told = torch.cat([module(part).argmax(1) for part in torch.split(torch.from_numpy(subject.x), 250)]).numpy()
    return Gain(
        subject.name, bits, weight_bits, len(learn[0]), epochs, _float_accuracy(before, subject),
        float((_classes(before, subject) == subject.y).mean()), float((classes == subject.y).mean()),
        float((classes == told).mean()), minutes,
    )  # fmt: skip


def _widths(subject: Subject, weight_bits: int) -> dict[str, int]:
    """Return the widths that fine-tuning gives the layers: 8 bits for the first and the last."""
    origin = snncc.compile(subject.model, subject.calibration).origin
    assert origin is not None
    first = next(node.name for node in origin.network.nodes if node.op.name == "fire")
    last = next(node.name for node in origin.network.nodes if node.op.name == "readout")
    return {"": weight_bits, first: 8, last: 8}


def _classes(program: snncc.Program, subject: Subject) -> npt.NDArray[np.int64]:
    return snncc.run(program, subject.x)[program.outputs[0].name].reshape(len(subject.x), -1).argmax(axis=1)


def _float_accuracy(program: snncc.Program, subject: Subject) -> float:
    assert program.origin is not None
    network = FloatNetwork(program.origin.model, threads=1)
    parts = network.batches({program.inputs[0].name: subject.x})
    made = np.concatenate([next(iter(part.values())) for part in parts])
    return float((made.reshape(len(subject.x), -1).argmax(axis=1) == subject.y).mean())


if __name__ == "__main__":
    app()
