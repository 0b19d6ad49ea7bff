"""ConvTranspose as what it is: zeros between the elements, then a Conv with the kernel turned around."""

from __future__ import annotations

import numpy as np

from snncc.compiler.frontend.onnx_context import Context, Floats, Flow, Refusal
from snncc.compiler.frontend.onnx_linear import optional_bias, parameters, require_one_or_two_axes
from snncc.compiler.frontend.onnx_window import Sizes, read_steps
from snncc.compiler.ir.ops import Conv
from snncc.compiler.ir.view_ops import Dilate, Slice


def conv_transpose(c: Context) -> Flow:
    """Convert ConvTranspose over one or two spatial axes."""
    weight, groups = c.floats(1, "weight"), c.integer("group", 1)
    require_one_or_two_axes(weight)
    if weight.shape[0] % groups:
        raise Refusal(f"its weight of shape {weight.shape} does not fit {groups} groups")
    kernel = weight.shape[2:]
    strides, dilations = read_steps(c, kernel)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True))
    begins, ends = _pads(c, spans, strides)
    source = _cropped(c, _apart(c, strides), begins, ends)
    pads = tuple(max(pad, 0) for pad in (*begins, *ends))
    op = Conv((1,) * len(kernel), pads, dilations, groups)
    return c.emit(op, source, *parameters(c, turned(weight, groups), optional_bias(c, 2), lambda a: turned(a, groups)))


def turned(weight: Floats, groups: int) -> Floats:
    """Return the weight [O, C/groups, *K] of the Conv that takes the place of a ConvTranspose of [C, O/groups, *K]."""
    inputs, outputs, *kernel = weight.shape
    parts = weight.reshape(groups, inputs // groups, outputs, *kernel).swapaxes(1, 2)
    joined = parts.reshape(groups * outputs, inputs // groups, *kernel)
    return np.flip(joined, tuple(range(2, joined.ndim)))


def _apart(c: Context, strides: Sizes) -> Flow:
    return c.flow() if set(strides) == {1} else c.emit(Dilate(strides), c.flow(), part="apart")


def _cropped(c: Context, source: Flow, begins: Sizes, ends: Sizes) -> Flow:
    """Take off what negative pads would."""
    if min(*begins, *ends) >= 0:
        return source
    channels, *sizes = source.shape or ()
    starts = tuple(max(-pad, 0) for pad in begins)
    stops = tuple(size - max(-pad, 0) for size, pad in zip(sizes, ends, strict=True))
    return c.emit(Slice((0, *starts), (channels, *stops), (1,) * (len(sizes) + 1)), source, part="cropped")


def _pads(c: Context, spans: Sizes, strides: Sizes) -> tuple[Sizes, Sizes]:
    """Return what the Conv adds around its input at the begins and at the ends; negative numbers take off.

    ConvTranspose-22 gives the output size as stride (n - 1) + output_padding + span - begin - end; the Conv's pads
    are what of span - 1 the given pads leave, and output_padding more at the ends.
    """
    sizes, rank = c.shape()[1:], len(spans)
    more = c.ints("output_padding", (0,) * rank)
    full = tuple(s * (n - 1) + m + span for s, n, m, span in zip(strides, sizes, more, spans, strict=True))
    pads = _given_pads(c, full, strides)
    begins = tuple(span - 1 - pad for span, pad in zip(spans, pads[:rank], strict=True))
    ends = tuple(span - 1 - pad + m for span, pad, m in zip(spans, pads[rank:], more, strict=True))
    return begins, ends


def _given_pads(c: Context, full: Sizes, strides: Sizes) -> Sizes:
    """Return the pads, worked out where ``output_shape`` or ``auto_pad`` states the size of the result instead."""
    rank, mode = len(full), c.text("auto_pad", "NOTSET")
    target = c.ints("output_shape", ())[-rank:]
    if not target and mode not in ("SAME_UPPER", "SAME_LOWER"):
        pads = c.ints("pads", (0,) * (2 * rank)) if mode == "NOTSET" else (0,) * (2 * rank)
        if len(pads) != 2 * rank or min(pads) < 0:
            raise Refusal(f"its pads {pads} do not fit or are negative", "pad the activation instead")
        return pads
    target = target or tuple(n * s for n, s in zip(c.shape()[1:], strides, strict=True))
    totals = tuple(have - want for have, want in zip(full, target, strict=True))
    if min(totals) < 0:
        raise Refusal(f"its result is to have the size {target}, its kernel reaches {full}", "use output_padding")
    small, large = tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)
    return small + large if mode == "SAME_UPPER" else large + small
