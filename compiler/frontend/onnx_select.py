"""Operators that select parts of an activation: Slice, Split, Gather by constants, and nearest Resize."""

from __future__ import annotations

from collections.abc import Sequence

from snncc.compiler.frontend.onnx_context import Context, Flow, Refusal
from snncc.compiler.ir.ops import Reshape
from snncc.compiler.ir.view_ops import Slice

_BATCH = "it selects samples of the batch"
_KEEP_BATCH = "select along other axes; the batch axis 0 stays whole"
Cut = tuple[int, int, int]


def _cut(c: Context, cuts: dict[int, Cut], part: str = "") -> Flow:
    """Emit a Slice: (start, stop, step) by axis, counted with the batch; axes not named stay whole."""
    full = (c.batch, *c.shape())
    if cuts.get(0, (0, c.batch, 1)) != (0, c.batch, 1):
        raise Refusal(_BATCH, _KEEP_BATCH)
    if any(start >= stop for start, stop, _ in cuts.values()):
        raise Refusal("it selects nothing", "leave it out")
    whole = [(0, size, 1) for size in full]
    chosen = [cuts.get(axis, all_of_it) for axis, all_of_it in enumerate(whole)]
    if chosen == whole:
        return c.flow()
    starts, stops, steps = zip(*chosen[1:], strict=True)
    return c.emit(Slice(starts, stops, steps), c.flow(), part=part)


def cut(c: Context) -> Flow:
    """Convert Slice with constant limits and steps forward."""
    full = (c.batch, *c.shape())
    starts, ends = c.integers("starts", 1) or (), c.integers("ends", 2) or ()
    axes = c.integers("axes", 3) or tuple(range(len(starts)))
    steps = c.integers("steps", 4) or (1,) * len(starts)
    if min(steps, default=1) < 1:
        raise Refusal(f"its steps {steps} run backwards", "select forwards, and turn the next weights around")
    cuts = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        size = full[axis]
        cuts[axis % len(full)] = (_bound(start, size), _bound(end, size), step)
    return _cut(c, cuts)


def _bound(place: int, size: int) -> int:
    """Return a limit as ONNX counts it: from the end if negative, and never outside."""
    return min(max(place + size if place < 0 else place, 0), size)


def split(c: Context) -> Sequence[Flow | None]:
    """Convert Split into equal or given sizes: every result that is read is a Slice."""
    full, count = (c.batch, *c.shape()), len(c.node.outputs)
    axis = c.integer("axis", 0) % len(full)
    equal = -(-full[axis] // count)  # Split-18: the last part is smaller where the size does not divide
    sizes = c.integers("split", 1) or (equal,) * (count - 1) + (full[axis] - equal * (count - 1),)
    if len(sizes) != count or sum(sizes) != full[axis]:
        raise Refusal(f"its sizes {sizes} do not fit {count} results and axis {axis} of size {full[axis]}")
    if axis == 0:
        raise Refusal(_BATCH, _KEEP_BATCH)
    starts = [sum(sizes[:i]) for i in range(count)]
    pieces = zip(starts, sizes, c.wanted, strict=True)
    return [_cut(c, {axis: (start, start + size, 1)}, str(i)) if wanted else None
            for i, (start, size, wanted) in enumerate(pieces)]  # fmt: skip


def gather(c: Context) -> Flow:
    """Convert Gather of one constant index, or of constant indices at equal distances."""
    full = (c.batch, *c.shape())
    indices, axis = c.array(1, "indices"), c.integer("axis", 0) % len(full)
    places = [int(i) % full[axis] for i in indices.ravel()]
    step = places[1] - places[0] if len(places) > 1 else 1
    if indices.ndim > 1 or not places or step < 1 or places != list(range(places[0], places[-1] + 1, step)):
        raise Refusal(
            f"its indices {_listed(places)} of shape {indices.shape} are no equal steps forward",
            "order the channels by the weights of the layer before it",
        )
    cuts = {axis: (places[0], places[-1] + 1, step)}
    if indices.ndim == 1:
        return _cut(c, cuts)
    if axis == 0:
        raise Refusal(_BATCH, _KEEP_BATCH)
    kept = tuple(size for i, size in enumerate(full) if i not in (0, axis))
    return c.emit(Reshape(kept), _cut(c, cuts, "selected"))


def _listed(places: list[int]) -> str:
    return str(places) if len(places) <= 8 else f"[{', '.join(map(str, places[:8]))}, ...]"
