"""What ``snncc finetune`` does: everything that can fail early first, then the training, then the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snncc import api
from snncc.compiler.data import blame, read_npz
from snncc.failures import together
from snncc.files import check_output, write_bytes
from snncc.finetuning.finetune import check_torch, finetune
from snncc.finetuning.settings import make_settings
from snncc.terminal import Bar, console, plain, write_json

Wish = tuple[str, str, int, int, float, int, float, int]


def finetune_file(model: Path, data: Path, output: Path, wish: Wish, bar: Bar) -> dict[str, Any]:
    """Fine-tune the network of a file and write it as ONNX; return what was done.

    Args:
        model: ONNX model.
        data: .npz with x and, where known, y.
        output: ONNX file to write.
        wish: bits, weight_bits, outer_weight_bits, epochs, rate, batch, distill and seed, as ``finetune`` takes them.
        bar: called with what is being done.

    Raises:
        SnnccError: see ``finetune``; what cannot be read or written.
    """
    check_torch()
    bar("reading", 0, 0)
    make_settings(*wish)
    graph, arrays, _ = together(
        lambda: api.import_model(model), lambda: read_npz(data), lambda: check_output(output, inputs=(model, data))
    )
    losses: list[float] = []

    def told(epoch: int, epochs: int, loss: float) -> None:
        losses.append(loss)
        bar(f"training, loss {loss:.3f}, epoch", epoch, epochs)

    bar("training", 0, 0)
    with blame(data):
        module = finetune(graph, arrays, None, *wish, told)
    from snncc.finetuning.export import to_onnx

    bar("writing", 0, 0)
    write_bytes(output, to_onnx(module, graph))  # type: ignore[arg-type]
    samples = len(next(iter(arrays.values())))
    return {"file": str(output), "samples": samples, "bits": wish[0], "weight_bits": wish[1], "losses": losses}


def finetuned(done: dict[str, Any], as_json: bool) -> None:
    """Say what was done."""
    if as_json:
        return write_json(done)
    losses = done["losses"]
    text = (
        f"{done['file']}: learned from {done['samples']} samples in {len(losses)} epochs, "
        f"loss {losses[0]:.3f} in the first, {losses[-1]:.3f} in the last; compile it as it is"
    )
    console().print(plain(text))
    return None
