"""Pooling: MaxPool, AveragePool, their global forms, and means over the spatial axes."""

from __future__ import annotations

from collections.abc import Callable

from snncc.compiler.frontend.onnx_context import Context, Flow, Refusal
from snncc.compiler.frontend.onnx_window import Sizes, read_window
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import AveragePool, MaxPool, Reshape

# In older opsets onnxruntime 1.23 and 1.31 disagree on the divisor of a partial window.
_SETTLED = 19


def max_pool(c: Context) -> Flow:
    """Convert MaxPool over one or two spatial axes."""
    window = read_window(c, _kernel(c))
    return c.emit(MaxPool(window.kernel, window.strides, window.pads, window.dilations), c.flow())


def average_pool(c: Context) -> Flow:
    """Convert AveragePool; ceil mode where the IR states the same mean."""
    window = read_window(c, _kernel(c))
    if any(d != 1 for d in window.dilations):
        raise Refusal("its window is dilated", "use a larger window, or a depthwise Conv with fixed weights")
    counted = bool(c.integer("count_include_pad", 0))
    if counted and window.pads != window.given and (any(window.given) or c.opset < _SETTLED):
        raise Refusal(
            "its ceil mode adds partial windows while padding is counted (count_include_pad=1)",
            "set ceil_mode=False, or count_include_pad=False",
        )
    counted = counted and any(window.given)
    return c.emit(AveragePool(window.kernel, window.strides, window.pads, counted), c.flow())


def _kernel(c: Context) -> Sizes:
    kernel = c.ints("kernel_shape", ())
    if len(kernel) not in (1, 2):
        raise Refusal(f"its window {kernel} has {len(kernel)} spatial axes, 1 or 2 are supported")
    return kernel


def _average(kernel: Sizes) -> Op:
    return AveragePool(kernel, (1,) * len(kernel), (0,) * (2 * len(kernel)))


def _maximum(kernel: Sizes) -> Op:
    return MaxPool(kernel, (1,) * len(kernel), (0,) * (2 * len(kernel)), (1,) * len(kernel))


def _spatial(c: Context) -> Sizes:
    spatial = c.shape()[1:]
    if len(spatial) not in (1, 2):
        raise Refusal(f"its input {c.shape()} has {len(spatial)} spatial axes, 1 or 2 are supported")
    return spatial


def global_pool(make: Callable[[Sizes], Op]) -> Callable[[Context], Flow]:
    """Return the conversion of a global pooling operator."""
    return lambda c: c.emit(make(_spatial(c)), c.flow())


def reduce(make: Callable[[Sizes], Op]) -> Callable[[Context], Flow]:
    """Return the conversion of a reduction over spatial axes, all or some of them."""

    def convert(c: Context) -> Flow:
        rank = len(c.shape()) + 1
        given = c.integers("axes", 1) or ()
        if not given and c.integer("noop_with_empty_axes", 0):
            return c.flow()
        axes = sorted({axis % rank for axis in given}) if given else list(range(rank))
        if not axes or axes[0] < 2:
            raise Refusal(
                f"it reduces the axes {axes} of [N, {', '.join(map(str, c.shape()))}]",
                "reduce spatial axes (2, 3) only, or use a pooling layer",
            )
        kernel = tuple(size if axis in axes else 1 for axis, size in enumerate(_spatial(c), 2))
        if c.integer("keepdims", 1):
            return c.emit(make(kernel), c.flow())
        pooled = c.emit(make(kernel), c.flow(), part="pool")
        return c.emit(Reshape(tuple(size for axis, size in enumerate(c.shape(), 1) if axis not in axes)), pooled)

    return convert


global_average_pool, global_max_pool = global_pool(_average), global_pool(_maximum)
reduce_mean, reduce_max = reduce(_average), reduce(_maximum)
