"""Classes of charges: intervals that stand for a range of levels, one for each row of parameters.

Before each step of the window classes are cut where the levels in them send different payloads, so no more are told
apart than the law asks for; classes whose levels have nothing more to send are joined, and keep only the bounds of
their states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.certificate.span import Arithmetic, Ints, Number, Span
from snncc.compiler.certificate.trains import spikes
from snncc.compiler.coding import Coding, Levels

MOST_SILENT = 16  # classes with nothing more to send are joined when there are more


@dataclass(frozen=True)
class Rows:
    """Distinct neurons: int64 [rows] each.

    Attributes:
        theta: threshold; class q holds the charges theta q .. theta q + theta - 1.
        params: by name, what the firing half reads.
        first: least charge.
        last: greatest charge.
    """

    theta: Ints
    params: Mapping[str, Ints]
    first: Ints
    last: Ints


class Classes:
    """The classes of a window.

    Attributes:
        least: least level of each class.
        there: whether a row has such charges, [rows, classes].
        tried: how many were told apart so far.
    """

    def __init__(self, coding: Coding | None, levels: Levels, rows: Rows, flags: Sequence[str], lazy: bool) -> None:
        """Begin with one class of all charges.

        Args:
            coding: how levels are sent; None where nothing is, and one class is enough.
            levels: the level domain.
            rows: the neurons.
            flags: states that tell classes apart that have nothing more to send.
            lazy: whether to cut no more than the law asks for, and to join; else there is a class for each level.
        """
        self.levels = levels if coding else Levels(0, 0)
        self.rows, self.flags, self.lazy = rows, flags, lazy
        self.least, self.most = np.array([self.levels.lo]), np.array([self.levels.hi])
        self.over = np.zeros(1, dtype=bool)  # has nothing more to send, keeps only bounds
        self.tried = 1
        if coding:
            self.last_step = _last_steps(coding, levels)
        self._measure()

    def _measure(self) -> None:
        """Find the interval of every class in every row; a row that has no such charge takes the nearest it has."""
        theta, first, last = (a[:, None] for a in (self.rows.theta, self.rows.first, self.rows.last))
        low = np.where(self.least == self.levels.lo, first, theta * self.least)
        high = np.where(self.most == self.levels.hi, last, theta * (self.most + 1) - 1)
        low, high = np.maximum(low, first), np.minimum(high, last)
        self.there = low <= high
        self.low = np.where(self.there, low, np.minimum(low, last))
        self.high = np.where(self.there, high, self.low)

    def box(self) -> Arithmetic:
        """Return the arithmetic for x in the classes."""
        return Arithmetic(self.low, self.high)

    def cut(self, wanted: Ints, states: dict[str, Span]) -> dict[str, Span]:
        """Cut the classes in which levels send different payloads, or have different signs; return their states."""
        lo, hi = self.levels.lo, self.levels.hi
        cuts = np.arange(lo + 1, hi + 1)
        if self.lazy:
            differs = wanted[1:] != wanted[:-1]
            differs[max(-lo - 1, 0)] |= lo < 0  # between -1 and 0
            cuts = cuts[differs]
        begin, end = np.searchsorted(cuts, self.least, "right"), np.searchsorted(cuts, self.most, "right")
        pieces = np.where(self.over, 0, end - begin) + 1
        if (pieces == 1).all():
            return states
        parent = np.repeat(np.arange(len(pieces)), pieces)
        first = np.repeat(np.cumsum(pieces) - pieces, pieces)
        number = np.arange(len(parent)) - first
        inside = cuts[np.minimum(begin[parent] + number - 1, len(cuts) - 1)]
        least = np.where(number == 0, self.least[parent], inside)
        after = cuts[np.minimum(begin[parent] + number, len(cuts) - 1)]
        most = np.where(number == pieces[parent] - 1, self.most[parent], after - 1)
        there, low, high, over = self.there, self.low, self.high, self.over
        self.least, self.most, self.over = least, most, over[parent]
        self.tried += len(parent) - len(pieces)
        self._measure()
        kept = self.over
        self.there = np.where(kept, there[:, parent], self.there)
        self.low, self.high = np.where(kept, low[:, parent], self.low), np.where(kept, high[:, parent], self.high)
        return {name: _each(span, lambda a: _taken(a, parent, len(pieces))) for name, span in states.items()}

    def join(self, step: int, states: dict[str, Span]) -> dict[str, Span]:
        """Join the classes whose levels have nothing more to send and whose flags agree; return their states."""
        lo = self.levels.lo
        busy = np.concatenate([[0], np.cumsum(self.last_step > step)])
        over = self.over | (busy[self.most + 1 - lo] == busy[self.least - lo])
        if over.sum() <= MOST_SILENT or (over == self.over).all():
            return states
        shape = self.there.shape
        hulls = {name: tuple(np.broadcast_to(a, shape) for a in self.box().hull(span)) for name, span in states.items()}
        flags = [hulls[name] for name in self.flags]
        keys = [b"".join(a[:, c].tobytes() for pair in flags for a in pair) for c in np.flatnonzero(over)]
        groups = [np.flatnonzero(over)[[k == key for k in keys]] for key in dict.fromkeys(keys)]
        live = np.flatnonzero(~over)
        joined = {name: self._joined(states[name], hulls[name], live, groups) for name in states}
        heads = np.array([*live, *(group[0] for group in groups)])
        there = [self.there[:, group].any(axis=1, keepdims=True) for group in groups]
        self.there = np.concatenate([self.there[:, live], *there], axis=1)
        self.least, self.most = self.least[heads], self.most[heads]
        self.low, self.high = self.low[:, heads], self.high[:, heads]
        self.over = np.arange(len(heads)) >= len(live)
        return joined

    def _joined(self, span: Span, hull: Sequence[Ints], live: Ints, groups: Sequence[Ints]) -> Span:
        """Return a state of the classes that live on, and its bounds in each group that is joined."""
        shape = self.there.shape
        low, high = [], []
        for group in groups:
            there = self.there[:, group] | ~self.there[:, group].any(axis=1, keepdims=True)
            lows, highs = hull[0][:, group], hull[1][:, group]
            low.append(np.where(there, lows, lows.max(axis=1, keepdims=True)).min(axis=1, keepdims=True))
            high.append(np.where(there, highs, highs.min(axis=1, keepdims=True)).max(axis=1, keepdims=True))
        slope = np.broadcast_to(span.slope, shape)[:, live]
        flat = np.zeros((shape[0], len(groups)), dtype=slope.dtype)
        lows, highs = (np.broadcast_to(a, shape)[:, live] for a in (span.low, span.high))
        return Span(
            np.concatenate([slope, flat], axis=1),
            np.concatenate([lows, *low], axis=1),
            np.concatenate([highs, *high], axis=1),
        )


def _each(span: Span, change: Callable[[Number], Number]) -> Span:
    low = change(span.low)
    high = low if span.low is span.high else change(span.high)
    return Span(change(span.slope), low, high)


def _taken(array: Number, parent: npt.NDArray[np.intp], classes: int) -> Number:
    """Return the columns of new classes; what is the same for all classes stays as it is."""
    return array[..., parent] if np.ndim(array) and array.shape[-1] == classes > 1 else array


def _last_steps(coding: Coding, levels: Levels) -> Ints:
    """Return the last step in which each level sends something, -1 for silence."""
    last = np.full(levels.hi - levels.lo + 1, -1, dtype=np.int64)
    for step, sent in enumerate(spikes(coding, levels)):
        last[sent != 0] = step
    return last
