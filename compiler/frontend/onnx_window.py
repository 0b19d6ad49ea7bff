"""Kernel, strides, pads and dilations of a Conv or pooling node, in the explicit form of the IR."""

from __future__ import annotations

from dataclasses import dataclass

from snncc.compiler.frontend.onnx_context import Context, Refusal

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window.

    Attributes:
        kernel: elements per axis.
        strides: step per axis.
        pads: all begins, then all ends.
        dilations: distance between elements per axis.
        given: the pads before ceil mode made the end pads larger.
    """

    kernel: Sizes
    strides: Sizes
    pads: Sizes
    dilations: Sizes
    given: Sizes


def read_window(c: Context, kernel: Sizes) -> Window:
    """Return the window of a node with ``auto_pad`` and ``ceil_mode`` worked out.

    Raises:
        Refusal: the attributes do not fit the kernel, or the activation has no such spatial axes.
    """
    sizes, rank = c.shape()[1:], len(kernel)
    strides, dilations = read_steps(c, kernel)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True))
    pads = _pads(c, sizes, spans, strides)
    if not c.integer("ceil_mode", 0):
        return Window(kernel, strides, pads, dilations, pads)
    ends = tuple(
        _end_pad(size, span, stride, pads[axis], pads[rank + axis])
        for axis, (size, span, stride) in enumerate(zip(sizes, spans, strides, strict=True))
    )
    return Window(kernel, strides, pads[:rank] + ends, dilations, pads)


def read_steps(c: Context, kernel: Sizes) -> tuple[Sizes, Sizes]:
    """Return the strides and dilations of a node.

    Raises:
        Refusal: they do not fit the kernel, or the activation has no such spatial axes.
    """
    sizes, rank = c.shape()[1:], len(kernel)
    strides, dilations = c.ints("strides", (1,) * rank), c.ints("dilations", (1,) * rank)
    if not len(sizes) == len(strides) == len(dilations) == rank:
        raise Refusal(f"{_told(kernel, strides, dilations)} do not fit {c.shape()}")
    if min((*kernel, *strides, *dilations)) < 1:
        raise Refusal(f"{_told(kernel, strides, dilations)} are not all positive")
    return strides, dilations


def _told(kernel: Sizes, strides: Sizes, dilations: Sizes) -> str:
    return f"its kernel {kernel}, strides {strides} and dilations {dilations}"


def _pads(c: Context, sizes: Sizes, spans: Sizes, strides: Sizes) -> Sizes:
    mode = c.text("auto_pad", "NOTSET")
    if mode == "VALID":
        return (0,) * (2 * len(sizes))
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        pads = c.ints("pads", (0,) * (2 * len(sizes)))
        if len(pads) != 2 * len(sizes) or min(pads) < 0:
            raise Refusal(f"its pads {pads} do not fit or are negative", "crop the activation instead")
        return pads
    totals = [
        max((-(-size // stride) - 1) * stride + span - size, 0)
        for size, span, stride in zip(sizes, spans, strides, strict=True)
    ]
    small, large = tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)
    return small + large if mode == "SAME_UPPER" else large + small


def _end_pad(size: int, span: int, stride: int, begin: int, end: int) -> int:
    """Return the end pad at which rounding down gives as many windows as ceil mode does.

    ONNX (AveragePool-22, MaxPool-22): a last, partial window counts only if it starts inside the input
    or the begin padding.
    """
    room = size + begin + end - span
    rest = room % stride
    starts = (room // stride + 1) * stride
    return end + stride - rest if rest and starts < size + begin else end
