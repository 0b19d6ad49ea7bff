"""Quantize the MNIST and the ResNet example with onnxruntime's static quantizer, as QDQ.

    python -m tests.quantized.make_qdq

Writes mnist_qdq_tensor.onnx, mnist_qdq_channel.onnx and resnet_qdq_channel.onnx beside this script: uint8 activations
with any zero point, int8 weights with a scale a tensor or a channel, int32 biases. The examples' calibration data
give the ranges.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"
SAMPLES = 100
MADE = {
    "mnist_qdq_tensor": ("mnist_cnn", False),
    "mnist_qdq_channel": ("mnist_cnn", True),
    "resnet_qdq_channel": ("fashion_resnet", True),
}


class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Gives one sample at a time."""

    def __init__(self, name: str, x: npt.NDArray[np.float32]) -> None:
        """Start at the first sample."""
        self._rest = iter([{name: sample[None]} for sample in x])

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """Return the next sample, None after the last."""
        return next(self._rest, None)


def quantized(
    example: str, per_channel: bool, activations: QuantType = QuantType.QUInt8, weights: QuantType = QuantType.QInt8
) -> onnx.ModelProto:
    """Return an example quantized by onnxruntime."""
    source = EXAMPLES / example / f"{example}.onnx"
    x = np.load(EXAMPLES / example / "calibration.npz")["x"][:SAMPLES]
    with tempfile.TemporaryDirectory() as folder:
        prepared, result = Path(folder) / "prepared.onnx", Path(folder) / "result.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        reader = Reader(onnx.load(source).graph.input[0].name, x.astype(np.float32))
        quantize_static(
            str(prepared), str(result), reader, quant_format=QuantFormat.QDQ, per_channel=per_channel,
            activation_type=activations, weight_type=weights,
        )  # fmt: skip
        proto = onnx.load(result)
    for node in proto.graph.node:
        del node.metadata_props[:]
    del proto.graph.value_info[:]
    return proto


if __name__ == "__main__":
    for name, (example, per_channel) in MADE.items():
        onnx.save(quantized(example, per_channel), HERE / f"{name}.onnx")
