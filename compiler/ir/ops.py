"""The operations of the graph IR; each docstring is the op's equation.

x is the input, y the output, both without batch dimension and channels first. Padding is given as all begins, then all
ends. The same equation holds for floats and for integers: on levels, a linear op gives an integer charge.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from snncc.compiler.ir.op import Op, charge_of, want
from snncc.compiler.ir.types import TensorType


def window_sizes(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    pads: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[int, ...]:
    """Return floor((n + p0 + p1 - d (k - 1) - 1) / s) + 1 per axis.

    Raises:
        ValueError: ranks differ, or the window is larger than the padded input.
    """
    rank = len(sizes)
    if not (len(kernel) == len(strides) == len(dilations) == rank and len(pads) == 2 * rank):
        raise ValueError(f"kernel {kernel}, strides {strides}, pads {pads} do not fit {rank} spatial axes")
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    room = [n + pads[i] + pads[rank + i] - spans[i] for i, n in enumerate(sizes)]
    if min(room, default=0) < 0:
        raise ValueError(f"window {tuple(spans)} is larger than the padded input {sizes}")
    return tuple(r // s + 1 for r, s in zip(room, strides, strict=True))


@dataclass(frozen=True)
class Conv(Op):
    """y[o, p] = b[o] + sum over c, k of w[o, c, k] x[group(o) C/g + c, s p + d k - pad], zero outside.

    Inputs: x [C, *S], w [O, C/groups, *K], optionally b of shape [O] or of the output (a bias per position).
    """

    name: ClassVar[str] = "conv"
    linear: ClassVar[bool] = True
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int = 1

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return [O, *spatial]."""
        want(inputs, 2, 3)
        x, w = inputs[0].shape, inputs[1].shape
        if len(x) < 2 or len(w) != len(x) + 1:
            raise ValueError(f"input {inputs[0]} and weight {inputs[1]} do not fit")
        if w[1] * self.groups != x[0] or w[0] % self.groups:
            raise ValueError(f"{x[0]} channels in {self.groups} groups do not fit weight {inputs[1]}")
        spatial = window_sizes(x[1:], w[2:], self.strides, self.pads, self.dilations)
        out = (w[0], *spatial)
        if len(inputs) == 3 and inputs[2].shape not in ((w[0],), out):
            raise ValueError(f"bias {inputs[2]} fits neither ({w[0]},) nor {out}")
        return TensorType(charge_of(inputs[0]), out)


@dataclass(frozen=True)
class Dense(Op):
    """y[o] = b[o] + sum over i of w[o, i] x[i]. Inputs: x [F], w [O, F], optionally b [O]."""

    name: ClassVar[str] = "dense"
    linear: ClassVar[bool] = True

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return [O]."""
        want(inputs, 2, 3)
        x, w = inputs[0].shape, inputs[1].shape
        if len(x) != 1 or len(w) != 2 or w[1] != x[0]:
            raise ValueError(f"input {inputs[0]} and weight {inputs[1]} do not fit")
        if len(inputs) == 3 and inputs[2].shape != (w[0],):
            raise ValueError(f"bias {inputs[2]} is not ({w[0]},)")
        return TensorType(charge_of(inputs[0]), (w[0],))


@dataclass(frozen=True)
class Affine(Op):
    """y = a x + b, element by element. Inputs: x, constants a and b with the rank of x, each size 1 or that of x."""

    name: ClassVar[str] = "affine"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the type of x."""
        want(inputs, 3)
        x = inputs[0]
        for constant in inputs[1:]:
            fits = len(constant.shape) == len(x.shape) and all(
                c in (1, n) for c, n in zip(constant.shape, x.shape, strict=True)
            )
            if not fits:
                raise ValueError(f"constant {constant} does not broadcast to {x}")
        return x


@dataclass(frozen=True)
class BatchNorm(Op):
    """y[c] = gamma[c] (x[c] - mean[c]) / sqrt(var[c] + epsilon) + beta[c]. Inputs: x, gamma, beta, mean, var."""

    name: ClassVar[str] = "batch_norm"
    epsilon: float = 1e-5

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the type of x."""
        want(inputs, 5)
        channels = inputs[0].shape[:1]
        if any(constant.shape != channels for constant in inputs[1:]):
            raise ValueError(f"parameters {[str(c) for c in inputs[1:]]} do not have the channels of {inputs[0]}")
        return inputs[0]


@dataclass(frozen=True)
class Relu(Op):
    """y = max(x, 0), or min(max(x, 0), cap)."""

    name: ClassVar[str] = "relu"
    cap: float | None = None

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the type of x."""
        want(inputs, 1)
        if self.cap is not None and self.cap <= 0:
            raise ValueError(f"cap {self.cap} is not positive")
        return inputs[0]


@dataclass(frozen=True)
class MaxPool(Op):
    """y[c, p] = max over k of x[c, s p + d k - pad]; positions outside take no part."""

    name: ClassVar[str] = "max_pool"
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return [C, *spatial] of the same kind."""
        want(inputs, 1)
        x = inputs[0]
        spatial = window_sizes(x.shape[1:], self.kernel, self.strides, self.pads, self.dilations)
        return TensorType(x.dtype, (x.shape[0], *spatial), x.lo, x.hi)


@dataclass(frozen=True)
class AveragePool(Op):
    """y[c, p] = mean over k of x[c, s p + k - pad]; padding counts as zeros only if count_include_pad."""

    name: ClassVar[str] = "average_pool"
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    count_include_pad: bool = False

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return [C, *spatial] of the same kind."""
        want(inputs, 1)
        x = inputs[0]
        spatial = window_sizes(x.shape[1:], self.kernel, self.strides, self.pads, (1,) * len(self.kernel))
        return TensorType(x.dtype, (x.shape[0], *spatial))


@dataclass(frozen=True)
class Reshape(Op):
    """y holds the elements of x in the same (row-major) order under another shape."""

    name: ClassVar[str] = "reshape"
    view: ClassVar[bool] = True
    shape: tuple[int, ...]

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the new shape."""
        want(inputs, 1)
        x = inputs[0]
        if prod(self.shape) != x.size:
            raise ValueError(f"{x} has {x.size} elements, the new shape {self.shape} has {prod(self.shape)}")
        return TensorType(x.dtype, self.shape, x.lo, x.hi)


@dataclass(frozen=True)
class Transpose(Op):
    """y[i_perm[0], i_perm[1], ...] = x[i_0, i_1, ...]."""

    name: ClassVar[str] = "transpose"
    view: ClassVar[bool] = True
    perm: tuple[int, ...]

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the permuted shape."""
        want(inputs, 1)
        x = inputs[0]
        if sorted(self.perm) != list(range(len(x.shape))):
            raise ValueError(f"{self.perm} is no permutation of the axes of {x}")
        return TensorType(x.dtype, tuple(x.shape[axis] for axis in self.perm), x.lo, x.hi)


@dataclass(frozen=True)
class Pad(Op):
    """y is x with zeros around it; pads lists all begins, then all ends, channels included."""

    name: ClassVar[str] = "pad"
    selects: ClassVar[bool] = True
    pads: tuple[int, ...]

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the padded shape."""
        want(inputs, 1)
        x, rank = inputs[0], len(inputs[0].shape)
        if len(self.pads) != 2 * rank or min(self.pads, default=0) < 0:
            raise ValueError(f"pads {self.pads} do not fit {x}")
        shape = tuple(n + self.pads[i] + self.pads[rank + i] for i, n in enumerate(x.shape))
        return TensorType(x.dtype, shape, x.lo, x.hi)


@dataclass(frozen=True)
class Add(Op):
    """y = x_1 + x_2 + ..., all of one shape."""

    name: ClassVar[str] = "add"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the common shape."""
        want(inputs, 1, 10**6)
        if len({x.shape for x in inputs}) != 1:
            raise ValueError(f"shapes differ: {[str(x) for x in inputs]}")
        return TensorType(charge_of(inputs[0]), inputs[0].shape)


@dataclass(frozen=True)
class Concat(Op):
    """y holds x_1, x_2, ... one after the other along an axis."""

    name: ClassVar[str] = "concat"
    axis: int = 0

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the joined shape; levels take the widest range."""
        want(inputs, 1, 10**6)
        first, axis = inputs[0], self.axis
        rests = {x.shape[:axis] + x.shape[axis + 1 :] for x in inputs}
        if len(rests) != 1 or not 0 <= axis < len(first.shape):
            raise ValueError(f"cannot join {[str(x) for x in inputs]} along axis {axis}")
        shape = (*first.shape[:axis], sum(x.shape[axis] for x in inputs), *first.shape[axis + 1 :])
        return TensorType(first.dtype, shape, min(x.lo for x in inputs), max(x.hi for x in inputs))


@dataclass(frozen=True)
class Tail(Op):
    """An output transform that keeps the order of the logits: softmax, log_softmax or argmax over an axis.

    It is dropped: the spiking program gives the logits.
    """

    name: ClassVar[str] = "tail"
    kind: str
    axis: int = -1

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the type of x (argmax too: its position is read from the logits)."""
        want(inputs, 1)
        return inputs[0]
