"""Small networks that tests build by hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tiny_cnn(seed: int = 0) -> onnx.ModelProto:
    """Return conv, relu, max-pool, conv, relu, flatten, gemm on [1, 8, 8], 5 classes, random weights."""
    rng = np.random.default_rng(seed)
    shapes = {"w1": (4, 1, 3, 3), "b1": (4,), "w2": (6, 4, 3, 3), "b2": (6,), "w3": (5, 96), "b3": (5,)}
    tensors = [
        numpy_helper.from_array(rng.normal(scale=0.3, size=shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("MaxPool", ["r1"], ["p1"], "pool1", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("Flatten", ["r2"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], "fc", transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])
    graph = helper.make_graph(nodes, "tiny", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def espcn(kind: str, side: int = 12) -> tuple[onnx.ModelProto, np.ndarray]:
    """Return one of the two float ESPCN networks that qonnx ships, cut to small images, and 64 images for it.

    The networks enlarge images (Shi et al. 2016); they are convolutional throughout, so any size will do. The images
    are squares of the photograph that comes with them.

    Args:
        kind: ``subpixel``, three times as large by DepthToSpace, or ``nn_resize``, twice as large by a nearest Resize.
        side: height and width of the images.

    Returns:
        The model, [1, 3, side, side] to an image, and float32 [64, 3, side, side] in 0..1.
    """
    folder = package_folder("qonnx") / "data" / "onnx" / "bsd300x3-espcn"
    model = onnx.load(folder / kind / "float_model.onnx")
    factor = {"subpixel": 3, "nn_resize": 2}[kind]
    del model.graph.value_info[:]
    for info, size in ((model.graph.input[0], side), (model.graph.output[0], side * factor)):
        for dimension in info.type.tensor_type.shape.dim[2:]:
            dimension.dim_value = size
    photograph = numpy_helper.to_array(onnx.load_tensor(folder / "test_data" / "input_0.pb"))[0]
    steps = np.linspace(0, photograph.shape[1] - side, 8).astype(int)
    images = [photograph[:, row : row + side, column : column + side] for row in steps for column in steps]
    return model, np.stack(images)


def package_folder(package: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent
