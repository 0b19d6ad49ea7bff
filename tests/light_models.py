"""The published networks that the onnx package ships without their weights, and the outputs shipped beside them.

Every weight is a constant of one value there, so the shipped outputs are the same for every class;
``with_random_weights`` gives a network that tells its elements apart.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnx.backend.test
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(onnx.backend.test.__file__).parent / "data" / "light"
IMPORTED = ("squeezenet", "shufflenet", "inception_v2", "resnet50", "densenet121", "vgg19")
REFUSED = ("bvlc_alexnet", "inception_v1", "zfnet512")  # for their LRN


def path_of(name: str) -> Path:
    """Return the file of a network."""
    return FOLDER / f"light_{name}.onnx"


def shipped_output(name: str) -> npt.NDArray[np.float32]:
    """Return the output beside a network, for ``shipped_input``."""
    tensor = TensorProto()
    tensor.ParseFromString(path_of(name).with_name(f"light_{name}_output_0.pb").read_bytes())
    return numpy_helper.to_array(tensor)


def shipped_input(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return what onnx's own backend tests feed: 0, 1/n, 2/n, ... for n elements, [1, *shape]."""
    size = int(np.prod(shape))
    return (np.arange(size) / size).astype(np.float32).reshape(1, *shape)


def with_random_weights(proto: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """Return a copy whose constants are random: kernels by their fan-in (He et al., 2015), variances positive."""
    rng = np.random.default_rng(seed)
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in copy.graph.initializer}
    variances = {node.input[4] for node in copy.graph.node if node.op_type == "BatchNormalization"}
    made = [node for node in copy.graph.node if node.op_type == "ConstantOfShape"]
    for node in made:
        shape, name = tuple(shapes[node.input[0]].tolist()), node.output[0]
        array = rng.uniform(0.5, 1.5, shape) if name in variances else rng.normal(scale=_spread(shape), size=shape)
        copy.graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), name))
        copy.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    kept = [node for node in copy.graph.node if node.op_type != "ConstantOfShape"]
    del copy.graph.node[:]
    copy.graph.node.extend(kept)
    return copy


def _spread(shape: tuple[int, ...]) -> float:
    return float(np.sqrt(2 / np.prod(shape[1:]))) if len(shape) > 1 else 0.3
