"""The float network, for comparison: run it, and read any of its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.ir.graph import Array

Floats = npt.NDArray[np.float32]


class FloatNetwork:
    """A float ONNX model in onnxruntime.

    Attributes:
        outputs: names of what ``run`` returns.
    """

    def __init__(self, model: bytes, values: Sequence[str] = (), threads: int = 0) -> None:
        """Load a model; ``values`` names what to return beside its outputs.

        Raises:
            SnnccError: SNN303, the model is damaged or lacks a value.
        """
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 4  # its errors are raised, too
        options.intra_op_num_threads = threads
        with _damage():
            proto = onnx.load_from_string(model)
            own = [output.name for output in proto.graph.output]
            extra = [name for name in values if name not in own]
            proto.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in extra)
            whole = proto.SerializeToString()
            self._session = ort.InferenceSession(whole, options, providers=["CPUExecutionProvider"])
        self.outputs = [*own, *extra]

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Floats]:
        """Return the outputs of one batch, float32 [samples, *shape] by name."""
        feed = {name: np.asarray(array, dtype=np.float32) for name, array in inputs.items()}
        with _damage():
            return dict(zip(self.outputs, self._session.run(self.outputs, feed), strict=True))

    def batches(self, inputs: Mapping[str, Array], batch: int = 64) -> Iterator[dict[str, Floats]]:
        """Yield the outputs batch by batch."""
        for begin in range(0, len(next(iter(inputs.values()))), batch):
            yield self.run({name: array[begin : begin + batch] for name, array in inputs.items()})


@contextmanager
def _damage() -> Iterator[None]:
    """Report what onnx and onnxruntime, each with errors of its own, find wrong with the model that a program holds."""
    try:
        yield
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"the float model in the program cannot be run: {reason}"
        raise fail("SNN303", message, Loc("model.onnx", ""), "compile the program again") from error
