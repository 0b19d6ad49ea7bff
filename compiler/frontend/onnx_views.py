"""Operators that only move or join elements: Reshape and its kin, Transpose, DepthToSpace, Pad, Concat."""

from __future__ import annotations

from math import prod

from snncc.compiler.frontend.onnx_context import Context, Flow, Refusal
from snncc.compiler.ir.ops import Concat, Pad, Reshape, Transpose

_KEEP_BATCH = "keep axis 0 for the batch, for example x.flatten(1) or x.view(x.size(0), -1)"


def _view(c: Context, full: tuple[int, ...]) -> Flow:
    """Emit a view to a shape that includes the batch axis."""
    if not full or full[0] != c.batch:
        raise Refusal(f"its result {full} mixes the batch axis with others", _KEEP_BATCH)
    if prod(full[1:]) != prod(c.shape()):
        raise Refusal(f"its result {full} does not hold the elements of {_full(c)}")
    return c.flow() if full[1:] == c.shape() else c.emit(Reshape(full[1:]), c.flow())


def _full(c: Context) -> tuple[int, ...]:
    return (c.batch, *c.shape())


def flatten(c: Context) -> Flow:
    """Convert Flatten: all axes from ``axis`` on become one."""
    full = _full(c)
    axis = c.integer("axis", 1)
    axis += len(full) if axis < 0 else 0
    return _view(c, (prod(full[:axis]), prod(full[axis:])))


def reshape(c: Context) -> Flow:
    """Convert Reshape with a constant target, whose sizes may be 0 (copy) or -1 (the rest)."""
    full = _full(c)
    if not c.is_constant(1):
        raise Refusal("its target shape depends on data", "give a fixed shape with a batch axis", "SNN104")
    target = [int(size) for size in c.array(1, "shape").ravel()]
    if not c.integer("allowzero", 0):
        target = [full[i] if not size and i < len(full) else size for i, size in enumerate(target)]
    if -1 in target:
        known = prod(size for size in target if size != -1)
        target[target.index(-1)] = prod(full) // known if known else 0
    return _view(c, tuple(target))


def squeeze(c: Context) -> Flow:
    """Convert Squeeze: drop axes of size 1."""
    full = _full(c)
    given = c.integers("axes", 1)
    axes = {axis % len(full) for axis in given} if given else {i for i, n in enumerate(full) if n == 1}
    if 0 in axes:
        raise Refusal("it drops the batch axis", "name the axes to drop, for example x.squeeze(-1)")
    return _view(c, tuple(size for i, size in enumerate(full) if i not in axes))


def unsqueeze(c: Context) -> Flow:
    """Convert Unsqueeze: insert axes of size 1."""
    axes = c.integers("axes", 1) or ()
    rank = len(_full(c)) + len(axes)
    places = {axis % rank for axis in axes}
    rest = iter(_full(c))
    return _view(c, tuple(1 if i in places else next(rest) for i in range(rank)))


def transpose(c: Context) -> Flow:
    """Convert Transpose that leaves the batch first."""
    rank = len(_full(c))
    perm = c.ints("perm", tuple(reversed(range(rank))))
    if perm[0] != 0:
        raise Refusal(f"its order {perm} moves the batch axis", "keep axis 0 first")
    inner = tuple(axis - 1 for axis in perm[1:])
    return c.flow() if inner == tuple(range(rank - 1)) else c.emit(Transpose(inner), c.flow())


def depth_to_space(c: Context) -> Flow:
    """Convert DepthToSpace, mode DCR or CRD: channels become the positions of blocks."""
    block, (channels, height, width) = _block(c)
    depth = channels // block**2
    if depth * block**2 != channels:
        raise Refusal(f"its {channels} channels do not fill blocks of {block} x {block}")
    if c.text("mode", "DCR") == "DCR":
        apart, order = (block, block, depth, height, width), (2, 3, 0, 4, 1)
    else:
        apart, order = (depth, block, block, height, width), (0, 3, 1, 4, 2)
    return _regroup(c, apart, order, (depth, height * block, width * block))


def space_to_depth(c: Context) -> Flow:
    """Convert SpaceToDepth: the positions of blocks become channels."""
    block, (channels, height, width) = _block(c)
    if height % block or width % block:
        raise Refusal(f"blocks of {block} x {block} do not divide {c.shape()}")
    rows, columns = height // block, width // block
    apart = (channels, rows, block, columns, block)
    return _regroup(c, apart, (2, 4, 0, 1, 3), (channels * block**2, rows, columns))


def _block(c: Context) -> tuple[int, tuple[int, ...]]:
    if len(c.shape()) != 3:
        raise Refusal(f"its input {c.shape()} has {len(c.shape()) - 1} spatial axes, 2 are supported")
    return c.integer("blocksize", 1), c.shape()


def _regroup(c: Context, apart: tuple[int, ...], order: tuple[int, ...], shape: tuple[int, ...]) -> Flow:
    parts = c.emit(Reshape(apart), c.flow(), part="apart")
    return c.emit(Reshape(shape), c.emit(Transpose(order), parts, part="ordered"))


def pad(c: Context) -> Flow:
    """Convert Pad with zeros; the first sizes of each half belong to the batch."""
    mode = c.text("mode", "constant")
    if mode != "constant":
        raise Refusal(f"it pads in mode '{mode}'", "pad with zeros")
    _require_zero(c)
    rank = len(_full(c))
    given = c.integers("pads", 1) or ()
    axes = [axis % rank for axis in c.integers("axes", 3) or range(rank)]
    if len(given) != 2 * len(axes) or min(given, default=0) < 0:
        raise Refusal(f"its pads {given} are negative or do not fit", "crop by a Conv, or retrain without")
    begins, ends = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        begins[axis], ends[axis] = given[place], given[len(axes) + place]
    if begins[0] or ends[0]:
        raise Refusal("it pads the batch axis", "pad spatial axes only")
    pads = (*begins[1:], *ends[1:])
    return c.emit(Pad(pads), c.flow()) if any(pads) else c.flow()


def _require_zero(c: Context) -> None:
    given = c.array(2, "value").ravel() if c.value(2) is not None else ()
    if any(item != 0 for item in given) or c.number("value", 0.0):
        raise Refusal("it pads with a value other than zero", "pad with zeros, and put the value into a bias")


def concat(c: Context) -> Flow:
    """Convert Concat of activations along an axis other than the batch."""
    axis = c.integer("axis", 0)
    axis += len(_full(c)) if axis < 0 else 0
    if axis == 0:
        raise Refusal("it joins along the batch axis", "join along the channels: axis=1")
    flows = [c.flow(i) for i in range(len(c.node.inputs))]
    for index in range(len(flows)):
        c.shape(index)
    return c.emit(Concat(axis - 1), *flows) if len(flows) > 1 else flows[0]
