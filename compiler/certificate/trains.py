"""What the closed forms of codings say, on all levels: the decoding law, and what partial windows add up to.

Everything here is computed from ``spike_at`` by applying the kernels of ``receive`` step by step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from snncc.compiler.certificate.receive import Refuted, kernel
from snncc.compiler.certificate.span import Ints
from snncc.compiler.coding import Coding, Levels

Bounds = tuple[int, int]
Terms = tuple[tuple[str, int], ...]  # symbol -> factor, sorted


def spikes(coding: Coding, levels: Levels) -> Iterator[Ints]:
    """Yield E(q) at each step of the window, int64 [levels]."""
    q = np.arange(levels.lo, levels.hi + 1, dtype=np.int64)
    for step in range(coding.window(levels)):
        yield np.asarray(coding.spike_at(q, step, levels), dtype=np.int64)


@lru_cache(maxsize=4096)
def partial_bounds(coding: Coding, levels: Levels, port: str, terms: Terms) -> tuple[Bounds, Bounds]:
    """Return the bounds of a sum over one source's registers: in the step that latches, and in all others.

    Args:
        coding: coding of the source.
        levels: levels of the source.
        port: kernel.
        terms: factors of registers before the step and of ``in.PORT``.
    """
    does = kernel(port)
    held = {name: np.zeros(levels.hi - levels.lo + 1, dtype=np.int64) for name in does.after}
    bounds: list[Bounds] = [(0, 0)]
    for sent in spikes(coding, levels):
        seen = {**held, f"in.{port}": sent}
        total = _sum(seen, dict(terms))
        bounds.append((min(0, int(total.min())), max(0, int(total.max()))))
        held = {name: _sum(seen, terms) for name, terms in does.after.items()}
    others = bounds[:-1]
    return bounds[-1], (min(low for low, _ in others), max(high for _, high in others))


@lru_cache(maxsize=1024)
def step_bounds(coding: Coding, levels: Levels) -> Bounds:
    """Return the least and the greatest payload of any step, 0 included."""
    seen = [(int(sent.min()), int(sent.max())) for sent in spikes(coding, levels)]
    return min(0, *(low for low, _ in seen)), max(0, *(high for _, high in seen))


@lru_cache(maxsize=1024)
def broken_law(coding: Coding, levels: Levels) -> str:
    """Return how the closed form breaks <g, E(q)> = q, or is not silent for level 0; empty if it does not."""
    try:
        does = kernel(coding.kernel)
    except Refuted as why:
        return str(why)
    q = np.arange(levels.lo, levels.hi + 1, dtype=np.int64)
    held = {name: np.zeros_like(q) for name in does.after}
    for sent in spikes(coding, levels):
        if sent[-levels.lo] != 0:
            return "level 0 is not silence"
        seen = {**held, f"in.{coding.kernel}": sent}
        held = {name: _sum(seen, terms) for name, terms in does.after.items()}
    found = held[does.charge]
    wrong = np.flatnonzero(found != q)
    return f"level {q[wrong[0]]} is received as {found[wrong[0]]}" if len(wrong) else ""


@lru_cache(maxsize=256)
def grows(coding: Coding, levels: Levels) -> tuple[bool, bool, bool]:
    """Return what a max-pool may build on.

    Returns:
        Whether E grows with the level in every step; whether E(q) < E(q + 1) as words, the first step first; whether
        there is one spike, of payload 1, for every level above 0 and none below.
    """
    undecided = np.ones(levels.hi - levels.lo, dtype=bool)
    always, words = True, True
    count: npt.NDArray[np.int64] = np.zeros(levels.hi - levels.lo + 1, dtype=np.int64)
    for sent in spikes(coding, levels):
        rise = np.diff(sent)
        always &= bool((rise >= 0).all())
        words &= bool((rise[undecided] >= 0).all())
        undecided &= rise == 0
        count += np.abs(sent)
    once = levels.lo == 0 and bool((count == (np.arange(len(count)) > 0)).all())
    return always, words and not undecided.any(), once


@lru_cache(maxsize=256)
def agree(coding: Coding, inner: Levels, outer: Levels) -> bool:
    """Return whether levels of a smaller domain have the trains that they have in a larger one."""
    if coding.window(inner) != coding.window(outer) or inner.lo < outer.lo or inner.hi > outer.hi:
        return False
    cut = slice(inner.lo - outer.lo, inner.hi - outer.lo + 1)
    return all((a == b[cut]).all() for a, b in zip(spikes(coding, inner), spikes(coding, outer), strict=True))


def _sum(seen: Mapping[str, Ints], terms: Mapping[str, int]) -> Ints:
    total = np.zeros_like(next(iter(seen.values())))
    for name, factor in terms.items():
        total = total + factor * seen[name]
    return total
