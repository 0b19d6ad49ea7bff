"""A tiny network for every ONNX operator that is imported: the rows of docs/support.md."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

Shape = tuple[int, ...]

# Constants that lines may name.
VALUES = {
    "zero": np.float32(0), "six": np.float32(6), "minus": np.float32(-0.5), "half": np.float32(0.5),
    "double": np.array([1, 1, 2, 2], np.float32), "axis1": np.array([1]), "axis2": np.array([2]),
    "axis3": np.array([3]), "space": np.array([2, 3]), "grouped": np.array([0, 2, 2, 4, 4]),
    "images": np.array([0, 4, 4, 4]), "wide": np.array([0, 4, 2, 8]), "five": np.array([0, 4, 4, 1, 4]),
    "starts": np.array([1, 0]), "ends": np.array([4, 4]), "steps": np.array([1, 2]),
    "mixed": np.array([3, 0, 1, 1]), "back": np.array([-1, -1]),
    "cube": np.ones((4, 4, 1, 1, 1), np.float32), "some": np.array([1, 3]),
    "around": np.array([0, 0, 1, 0, 0, 0, 1, 2]),
    "step": np.float32(0.25), "nought": np.uint8(0), "level": np.int8(0),
    "whole": np.arange(-8, 8, dtype=np.int8).reshape(4, 4, 1, 1),
    "scale": np.array([0.5, 2, 1, 0.7], np.float32), "shift": np.array([0.3, -0.2, 0, 1], np.float32),
}  # fmt: skip
OPSET = 24  # of ONNX's operators, the first with Swish
SAME = "<pads = [1, 1, 1, 1]>"
ONE, FULL = (4, 4, 1, 1), (4, 4, 3, 3)  # weights of convolutions from 4 to 4 channels


@dataclass(frozen=True, eq=False)
class Case:
    """A network around one operator: Conv and Relu, the case's own lines, then Gemm over everything.

    Attributes:
        operator: an ONNX operator.
        form: what is special, in a few words.
        lines: in ONNX's text form; they make ``o`` of ``r``, which holds levels.
        weights: shapes of the random constants in them.
        sizes: sizes of the spatial axes of ``r``, which has 4 channels.
        tail: line that makes the output ``y`` of the logits ``g``.
        opset: version of ONNX's operators.
    """

    operator: str
    form: str
    lines: str
    weights: dict[str, Shape] = field(default_factory=dict)
    sizes: Shape = (4, 4)
    tail: str = "y = Identity (g)"
    opset: int = OPSET

    @property
    def title(self) -> str:
        """Return operator and form."""
        return f"{self.operator}, {self.form}" if self.form else self.operator


def summed(operator: str, form: str, call: str, weight: Shape, sizes: Shape = (4, 4)) -> Case:
    """Return the case of a weighted sum with a ReLU behind."""
    return Case(operator, form, f"c = {call} o = Relu (c)", {"w": weight}, sizes)


def branches(operator: str, form: str, lines: str, **weights: Shape) -> Case:
    """Return the case of two sums ``c`` and ``d`` of which lines make ``o``."""
    return Case(operator, form, f"c = Conv {SAME} (r, w) d = Conv (r, v) {lines}", {"w": FULL, "v": ONE, **weights})


def read(operator: str, form: str, lines: str, weight: Shape = ONE) -> Case:
    """Return the case of levels ``m`` that lines make of ``r``, read by a convolution."""
    return Case(operator, form, f"{lines} c = Conv (m, w) o = Relu (c)", {"w": weight})


def curve(operator: str, form: str, call: str, **weights: Shape) -> Case:
    """Return the case of an activation of a sum ``c``."""
    return Case(operator, form, f"c = Conv {SAME} (r, w) o = {call}", {"w": FULL, **weights})


def signed(operator: str, form: str, lines: str, **weights: Shape) -> Case:
    """Return the case of signed levels ``n``, behind a layer without activation, of which lines make ``o``."""
    return Case(operator, form, f"n = Conv {SAME} (r, u) {lines}", {"u": (1, *FULL[1:]), "v": (4, 1, 3, 3), **weights})


def folded(operator: str, form: str, lines: str) -> Case:
    """Return the case of a sum ``c`` with what becomes a part of its weights, or of others'."""
    return Case(operator, form, f"c = Conv {SAME} (r, w) {lines}", {"w": FULL})


SUMS = (
    summed("Conv", "", f"Conv {SAME} (r, w)", FULL),
    summed("Conv", "1-D", "Conv <pads = [1, 1]> (r, w)", (4, 4, 3), (6,)),
    summed("Conv", "strided, dilated", "Conv <strides = [2, 1], dilations = [1, 2]> (r, w)", (4, 4, 2, 2)),
    summed("Conv", "depthwise", "Conv <group = 4> (r, w)", (4, 1, 3, 3)),
    summed("Conv", "in groups", "Conv <group = 2> (r, w)", (6, 2, 3, 3)),
    signed("Conv", "linear bottleneck", f"e = Conv {SAME} (n, v) o = Relu (e)"),
    summed("ConvTranspose", "", "ConvTranspose <strides = [2, 2], output_padding = [1, 1]> (r, w)", (4, 3, 3, 3)),
    summed("ConvTranspose", "1-D", "ConvTranspose <strides = [2]> (r, w)", (4, 3, 2), (6,)),
    summed("ConvTranspose", "in groups", "ConvTranspose <group = 2, strides = [2, 2]> (r, w)", (4, 2, 2, 2)),
    Case("Gemm", "", "p = Flatten (r) c = Gemm <transB = 1> (p, w) o = Relu (c)", {"w": (6, 64)}),
    Case("MatMul", "", "p = Flatten (r) c = MatMul (p, w) o = Relu (c)", {"w": (64, 6)}),
    branches("Add", "of two branches", "s = Add (c, d) o = Relu (s)"),
    branches("Add", "of a layer and its input", "s = Add (c, r) o = Relu (s)"),
    branches("Add", "without activation", f"s = Add (c, r) t = Conv {SAME} (s, a) o = Relu (t)", a=FULL),
    branches("Sub", "of two branches", "s = Sub (c, d) o = Relu (s)"),
    branches("Sum", "of three branches", "s = Sum (c, d, r) o = Relu (s)"),
    branches("Mean", "of two branches", "s = Mean (c, d) o = Relu (s)"),
)

POOLS = (
    read("MaxPool", "", "m = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)"),
    read("MaxPool", "overlapping, padded", "m = MaxPool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (r)"),
    Case("MaxPool", "1-D", "m = MaxPool <kernel_shape = [3]> (r) c = Conv (m, w) o = Relu (c)", {"w": FULL[:3]}, (6,)),
    signed(
        "MaxPool", "of signed levels", f"m = MaxPool <kernel_shape = [2, 2]> (n) e = Conv {SAME} (m, v) o = Relu (e)"
    ),
    read("GlobalMaxPool", "", "m = GlobalMaxPool (r)"),
    read("ReduceMax", "over both axes", "m = ReduceMax (r, space)"),
    read("AveragePool", "", "m = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (r)"),
    read(
        "AveragePool",
        "padding counted",
        "m = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1> (r)",
    ),
    read("AveragePool", "padding not counted", "m = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (r)"),
    signed(
        "AveragePool", "of signed levels", "t = Tanh (n) m = AveragePool <kernel_shape = [2, 2]> (t) o = Conv (m, v)"
    ),
    read("GlobalAveragePool", "", "m = GlobalAveragePool (r)"),
    read("ReduceMean", "over both axes", "m = ReduceMean (r, space)"),
    read("ReduceMean", "over one axis", "m = ReduceMean (r, axis2)"),
)

MOVES = (
    branches(
        "Concat",
        "along channels",
        "e = Relu (d) j = Concat <axis = 1> (r, e) k = Conv (j, a) o = Relu (k)",
        a=(3, 8, 1, 1),
    ),
    branches(
        "Concat",
        "along channels, then depthwise",
        "e = Relu (d) j = Concat <axis = 1> (r, e) k = Conv <group = 8> (j, a) o = Relu (k)",
        a=(8, 1, 3, 3),
    ),
    branches("Concat", "along space, then dense", "e = Relu (d) o = Concat <axis = 2> (r, e)"),
    branches(
        "Concat",
        "along space, then a max-pool",
        "e = Relu (d) j = Concat <axis = 2> (r, e) o = MaxPool <kernel_shape = [3, 3]> (j)",
    ),
    branches(
        "Concat",
        "along space, then a convolution",
        "e = Relu (d) j = Concat <axis = 2> (r, e) k = Conv (j, a) o = Relu (k)",
        a=(3, 4, 2, 2),
    ),
    read("Resize", "nearest", 'm = Resize <mode = "nearest"> (r, , double)'),
    replace(read("Upsample", "nearest", 'm = Upsample <mode = "nearest"> (r, double)'), opset=9),
    read("DepthToSpace", "", "m = DepthToSpace <blocksize = 2> (r)", (2, 1, 3, 3)),
    read("SpaceToDepth", "", "m = SpaceToDepth <blocksize = 2> (r)", (2, 16, 1, 1)),
    read(
        "Transpose",
        "channel shuffle",
        "i = Reshape (r, grouped) k = Transpose <perm = [0, 2, 1, 3, 4]> (i) m = Reshape (k, images)",
    ),
    read("Reshape", "", "m = Reshape (r, wide)"),
    Case("Flatten", "", "o = Flatten (r)"),
    read("Squeeze", "", "i = Reshape (r, five) m = Squeeze (i, axis3)"),
    read("Unsqueeze", "", "i = Unsqueeze (r, axis2) m = Reshape (i, images)"),
    read("Slice", "", "m = Slice (r, starts, ends, space, steps)"),
    Case(
        "Split",
        "",
        "i, k = Split <axis = 1, num_outputs = 2> (r) c = Conv (i, w) d = Conv (k, v) s = Add (c, d) o = Relu (s)",
        {"w": (3, 2, 3, 3), "v": (3, 2, 3, 3)},
    ),
    read("Gather", "in equal steps", "m = Gather <axis = 1> (r, some)", (3, 2, 1, 1)),
    read("Pad", "with zeros", "m = Pad (r, around)"),
)

CURVES = (
    curve("Relu", "", "Relu (c)"),
    curve("Clip", "from 0 (ReLU6)", "Clip (c, zero, six)"),
    curve("Clip", "around 0", "Clip (c, minus, six)"),
    curve("Max", "with a constant", "Max (c, minus)"),
    curve("Min", "with a constant", "Min (c, half)"),
    curve("LeakyRelu", "", "LeakyRelu <alpha = 0.1> (c)"),
    curve("PRelu", "", "PRelu (c, p)", p=(4, 1, 1)),
    *(curve(name, "", f"{name} (c)") for name in ("HardSigmoid", "Sigmoid", "Tanh", "Softsign", "Softplus", "Erf")),
    *(curve(name, "", f"{name} (c)") for name in ("Elu", "Celu", "Selu", "HardSwish", "Swish", "Gelu", "Mish")),
    Case("Mul", "of a value and its Sigmoid", f"c = Conv {SAME} (r, w) k = Sigmoid (c) o = Mul (c, k)", {"w": FULL}),
)

FOLDED = (
    folded("BatchNormalization", "before ReLU", "d = BatchNormalization (c, scale, shift, shift, scale) o = Relu (d)"),
    folded("BatchNormalization", "after ReLU", "d = Relu (c) o = BatchNormalization (d, scale, shift, shift, scale)"),
    folded(
        "BatchNormalization",
        "before a convolution",
        f"d = Relu (c) e = BatchNormalization (d, scale, shift, shift, scale) t = Conv {SAME} (e, w) o = Relu (t)",
    ),
    folded("Add", "of a constant", "d = Add (c, half) o = Relu (d)"),
    folded("Sub", "of a constant", "d = Sub (c, half) o = Relu (d)"),
    folded("Mul", "by a constant", "d = Mul (c, half) o = Relu (d)"),
    folded("Div", "by a constant", "d = Div (c, half) o = Relu (d)"),
    folded("Neg", "", "d = Neg (c) o = Relu (d)"),
    folded("Identity", "", "d = Identity (c) o = Relu (d)"),
    folded("Dropout", "", "d = Dropout (c) o = Relu (d)"),
    folded("Cast", "", "d = Cast <to = 1> (c) o = Relu (d)"),
    folded("CastLike", "", "d = CastLike (c, x) o = Relu (d)"),
    *(Case(name, "at the output", "o = Identity (r)", tail=f"y = {name} (g)") for name in ("Softmax", "LogSoftmax")),
    Case("ArgMax", "at the output", "o = Identity (r)", tail="y = ArgMax <axis = 1, keepdims = 0> (g)"),
)

QUANTIZED = "{0} = QuantizeLinear ({1}, step, nought) {2} = DequantizeLinear ({0}, step, nought)"
VERBATIM = (
    Case(
        "QuantizeLinear",
        "of activations",
        f"{QUANTIZED.format('i', 'r', 's')} c = Conv (s, w) d = Relu (c) {QUANTIZED.format('j', 'd', 'o')}",
        {"w": ONE},
    ),
    Case(
        "DequantizeLinear",
        "of integer weights",
        f"{QUANTIZED.format('i', 'r', 's')} w = DequantizeLinear (whole, step, level) c = Conv (s, w) "
        f"{QUANTIZED.format('j', 'c', 'o')}",
    ),
)

REFUSED = (
    read("Conv", "3-D", "i = Unsqueeze (r, axis2) k = Conv (i, cube) m = Squeeze (k, axis2)"),
    read("MatMul", "of two values", "m = MatMul (r, r)"),
    branches("Mul", "of two values", "o = Mul (c, d)"),
    branches("Max", "of two values", "o = Max (c, d)"),
    read("ReduceMax", "over channels", "m = ReduceMax (r, axis1)"),
    read("ReduceMean", "over channels", "m = ReduceMean (r, axis1)"),
    read("Resize", "interpolating", 'm = Resize <mode = "linear"> (r, , double)'),
    read("Slice", "backwards", "m = Slice (r, ends, starts, space, back)"),
    read("Gather", "in any order", "m = Gather <axis = 1> (r, mixed)"),
    read("Pad", "reflecting", 'm = Pad <mode = "reflect"> (r, around)'),
    read("Softmax", "inside", "m = Softmax <axis = 1> (r)"),
)

CASES = (*SUMS, *POOLS, *MOVES, *CURVES, *FOLDED, *VERBATIM, *REFUSED)
