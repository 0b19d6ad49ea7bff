"""What a value of a network quantized elsewhere is in integers, while the network is walked.

    grid    x = s q                   levels q of a population, s their float32 scale
    chain   x = f(u)                  u an integer charge, f computed as the runtime does, step by step in float32
    pair    x = f(g(u) + h(v))        a sum of two chains; needs integer multipliers to become one charge

A chain or pair becomes a grid where a quantizer ends it: from there on its integer thresholds are the definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir.op import Op

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Step:
    """One element-by-element operation of the runtime.

    Attributes:
        apply: float32 [channels, n] (or [1, n]) to the same shape or [channels, n].
        direction: int [channels or 1]: 1 where it never falls, -1 where it never rises, 0 where neither is known.
        affine: a and b, float64 [channels or 1], where it is a x + b; else None.
    """

    apply: Callable[[Floats], Floats]
    direction: Ints
    affine: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None


@dataclass(frozen=True)
class Grid:
    """Levels of a population of the integer network.

    Attributes:
        node: name of the node that shows them.
        scale: real value of a level, a float32 number.
        levels: the levels there are.
    """

    node: str
    scale: float
    levels: Levels

    @property
    def unit(self) -> npt.NDArray[np.float64]:
        """Return the scale as one for all channels, float64 [1]."""
        return np.array([self.scale])

    @property
    def reach(self) -> tuple[Ints, Ints]:
        """Return the least and the greatest level, int64 [1] each."""
        return np.array([self.levels.lo]), np.array([self.levels.hi])


@dataclass(frozen=True)
class Edge:
    """A weighted sum of a grid's levels: the node to add to the integer network."""

    name: str
    op: Op
    source: str
    weight: Ints
    loc: Loc


@dataclass(frozen=True)
class Charge:
    """A sum of edges; one of channel c stands for unit[c], float64 [channels]; ``reach`` bounds it, int64 each."""

    edges: tuple[Edge, ...]
    unit: npt.NDArray[np.float64]
    reach: tuple[Ints, Ints]


@dataclass(frozen=True)
class Chain:
    """An element-by-element function of an integer.

    Attributes:
        base: the charge, or the levels.
        steps: operations, in order.
        scale: of the last quantizer among them, None where there is none.
    """

    base: Charge | Grid
    steps: tuple[Step, ...] = ()
    scale: float | None = None

    def __call__(self, number: Ints) -> Floats:
        """Return the real values of charges or levels, int64 [channels or 1, n]."""
        return run(self.steps, (number * self.base.unit[:, None]).astype(np.float32))

    @property
    def direction(self) -> Ints:
        """Return 1, -1 or 0 a channel: whether the value never falls, never rises, or neither is known."""
        return direction_of(self.steps)


@dataclass(frozen=True)
class Pair:
    """A sum of two chains and what follows it; fields as those of ``Chain``."""

    left: Chain
    right: Chain
    steps: tuple[Step, ...] = ()
    scale: float | None = None


@dataclass(frozen=True)
class Fed:
    """An input of the network that no quantizer has met yet, but perhaps a ReLU: then it is held within low..high."""

    name: str
    low: float = -np.inf
    high: float = np.inf


Value = Grid | Chain | Pair | Fed


def run(steps: tuple[Step, ...], x: Floats) -> Floats:
    """Return the result of steps in order, in float32."""
    with np.errstate(over="ignore"):
        for step in steps:
            x = step.apply(x).astype(np.float32, copy=False)
    return x


def direction_of(steps: tuple[Step, ...]) -> Ints:
    """Return the direction of steps in order, int64 [channels or 1]."""
    found: Any = np.ones(1, dtype=np.int64)
    for step in steps:
        found = found * step.direction
    return np.asarray(found, dtype=np.int64)


def then(value: Grid | Chain | Pair, step: Step, scale: float | None = None) -> Chain | Pair:
    """Return a value after one more step; ``scale`` is given by a quantizer."""
    value = Chain(value, scale=value.scale) if isinstance(value, Grid) else value
    return replace(value, steps=(*value.steps, step), scale=scale or value.scale)
