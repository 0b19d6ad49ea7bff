"""Chains of reshapes and transposes, and what they do to arrays."""

from __future__ import annotations

from math import prod
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.moves import moved
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Reshape, Transpose
from snncc.compiler.passes.facts import Values
from snncc.compiler.passes.rewrite import Rewriter

Kind = TypeVar("Kind", bound=np.generic)


def views_below(graph: Values, name: str) -> tuple[str, list[Node]]:
    """Return the value under a chain of views, and the views in the order they are applied."""
    views: list[Node] = []
    while (node := graph.nodes.get(name)) is not None and node.op.view:
        views.append(node)
        name = node.inputs[0]
    return name, views[::-1]


def unview_array(op: Op, array: npt.NDArray[Kind], shape: tuple[int, ...]) -> npt.NDArray[Kind]:
    """Return the array of a shape that a Reshape or Transpose turns into ``array``."""
    if isinstance(op, Transpose):
        return np.transpose(array, np.argsort(op.perm))
    return array.reshape(shape)


def view_order(views: list[Node], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return which row-major entry of a value of this shape stands at each row-major entry of its view."""
    order = np.arange(prod(shape), dtype=np.int64).reshape(shape)
    for view in views:
        order = moved(view.op, order)
    return order.ravel()


def add_views(new: Rewriter, value: str, views: list[Node]) -> str:
    """Apply a chain of views to another value of the same shape; return the result."""
    for view in views:
        value = new.add(view.op, (value,), view)
    return value


def add_reshape(new: Rewriter, value: str, shape: tuple[int, ...], like: Node) -> str:
    """Return a value under a shape: itself if it has it."""
    if new.types[value].shape == shape:
        return value
    return new.add(Reshape(shape), (value,), like, f"{new.wish(value)}.flat")
