"""Max-pools with flags, or that count spikes: every case of one step tried."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.certificate.facts import Facts
from snncc.compiler.certificate.receive import Refuted
from snncc.compiler.certificate.span import Arithmetic, Ints, Span, between, constant
from snncc.compiler.certificate.trains import Bounds, step_bounds
from snncc.compiler.certificate.words import arrivals, fields
from snncc.compiler.coding import Coding, Levels
from snncc.compiler.program import Population

FIRED = "fired"  # the state of a max-pool that sends one spike


@dataclass(frozen=True)
class Pool:
    """A max-pool with what its law needs.

    Attributes:
        population: the population.
        coding: the coding of its levels.
        levels: the level domain.
        taps: by in-port, the weight of each tap.
        outside: distinct patterns of taps outside the input, [patterns, taps].
        params: parameters of the neurons with each pattern, by name, [patterns].
    """

    population: Population
    coding: Coding
    levels: Levels
    taps: dict[str, Ints]
    outside: npt.NDArray[np.bool_]
    params: dict[str, Ints]

    @property
    def key(self) -> object:
        """Return what max-pools must share to be proved at once."""
        arrays = [*self.taps.items(), ("", self.outside), *self.params.items()]
        described = tuple((name, array.shape, array.tobytes()) for name, array in arrays)
        return self.population.neuron, self.coding, self.levels, self.population.start, described

    @property
    def size(self) -> int:
        """Return the number of taps."""
        return self.outside.shape[1]

    @property
    def payloads(self) -> Bounds:
        """Return the bounds of a payload."""
        return step_bounds(self.coding, self.levels)

    @property
    def flags(self) -> list[str]:
        """Return the names of the flags of taps, in their order; empty if there are none."""
        names = [f"f{tap}" for tap in range(self.size)]
        return names if set(names) <= {s.name for s in self.population.neuron.states} else []


class Trial:
    """Runs a max-pool's program on every case of one step, and keeps what it saw."""

    def __init__(self, pool: Pool, interval: int) -> None:
        """Start with the state before the first window."""
        self.pool, self.interval = pool, interval
        self.neuron = pool.population.neuron
        self.window = pool.coding.window(pool.levels)
        self.box = Arithmetic(0, 0)
        self.lines: list[Bounds | None] = [None] * len(self.neuron.code)
        self.states = {s.name: (s.initial, s.initial) for s in self.neuron.states}
        self.cases = 0
        self.fields = fields(self.neuron, pool.taps, pool.payloads) if pool.flags else {}

    def facts(self) -> Facts:
        """Return what was seen."""
        lines = [bounds if bounds else (0, 0) for bounds in self.lines]
        rows = len(self.pool.outside)
        heard = arrivals(self.pool.taps, self.pool.payloads)
        return Facts((0, 0), heard, dict(self.states), lines, "exhaustive", rows, self.cases)

    def with_flags(self) -> None:
        """Try every set of taps that were largest so far, with every payload."""
        flags = self.pool.flags
        for pattern, outside in enumerate(self.pool.outside):
            heard, sent, leads = self._openings(outside)
            self._check_flags(self._try(constant(0), pattern, {}, heard, sent), leads)
        if self.window > 1:
            params = {name: between(int(a.min()), int(a.max())) for name, a in self.pool.params.items()}
            before, heard, sent, leads = self._contests()
            self._check_flags(self._try(between(1, self.window - 1), params, before, heard, sent), leads)
        self._quiet({name: between(0, 1) for name in flags})

    def _check_flags(self, after: dict[str, Span], leads: list[npt.NDArray[np.bool_]]) -> None:
        for name, lead in zip(self.pool.flags, leads, strict=True):
            if np.any(after[name].low != lead) or np.any(after[name].high != lead):
                raise Refuted(f"{name} does not tell whether its tap is the largest so far")

    def _openings(self, outside: npt.NDArray[np.bool_]) -> tuple[dict[str, Span], Ints, list[npt.NDArray[np.bool_]]]:
        """Return arrivals, the largest payload and which taps sent it, over all payloads of the taps inside."""
        low, high = self.pool.payloads
        choices = [np.zeros(1, dtype=np.int64) if o else np.arange(low, high + 1) for o in outside]
        heard = [grid.ravel() for grid in np.meshgrid(*choices, indexing="ij")]
        sent = np.max([np.where(o, low - 1, h) for h, o in zip(heard, outside, strict=True)], axis=0)
        leads = [(h == sent) & ~o for h, o in zip(heard, outside, strict=True)]
        return self._arriving(heard, heard), sent, leads

    def _contests(self) -> tuple[dict[str, Span], dict[str, Span], Ints, list[npt.NDArray[np.bool_]]]:
        """Return flags, arrivals, what is to be sent and which taps lead then, over all sets of leaders and payloads.

        What the others send is left open where taps are told apart, and tried where they share a word.
        """
        low, high = self.pool.payloads
        shared = len(self.pool.taps) < self.pool.size and not self.fields
        others = [(0, n, n) for n in range(low, high + 1)] if shared else [(0, low, high)]
        cases = [*others, *((1, n, n) for n in range(low, high + 1))]
        table = np.array(cases, dtype=np.int64)
        index = np.indices((len(cases),) * self.pool.size).reshape(self.pool.size, -1)
        flag, least, most = table[index, 0], table[index, 1], table[index, 2]
        some = flag.any(axis=0)
        flag, least, most = flag[:, some], least[:, some], most[:, some]
        sent = np.where(flag == 1, least, low - 1).max(axis=0)
        leads = [(f == 1) & (n == sent) for f, n in zip(flag, least, strict=True)]
        before = {name: constant(f) for name, f in zip(self.pool.flags, flag, strict=True)}
        return before, self._arriving(list(least), list(most)), sent, leads

    def _arriving(self, low: list[Ints], high: list[Ints]) -> dict[str, Span]:
        """Return what arrives at in-ports, and by ``tapN`` what each tap sends."""
        pairs = zip(low, high, strict=True)
        found = {f"tap{number}": between(least, most) for number, (least, most) in enumerate(pairs)}
        for port, weights in self.pool.taps.items():
            least = sum(w * n for w, n in zip(weights, low, strict=True) if w)
            most = sum(w * n for w, n in zip(weights, high, strict=True) if w)
            found[f"in.{port}"] = between(least, most)
        return found

    def with_sums(self, fires_once: bool) -> None:
        """Try every number of spikes, before and after the first."""
        (port,) = self.pool.taps
        count = np.arange(self.pool.size + 1)
        heard = {f"in.{port}": constant(count)}
        any_sent = (count > 0) * 1
        after = self._try(constant(0), 0, {}, heard, any_sent)
        if fires_once:
            self._check_fired(after, any_sent)
        for fired in (0, 1) if fires_once else (0,):
            if self.window > 1:
                before = {FIRED: constant(fired)} if fires_once else {}
                sent = any_sent * (1 - fired)
                after = self._try(between(1, self.window - 1), 0, before, heard, sent)
                if fires_once:
                    self._check_fired(after, np.maximum(any_sent, fired))
        self._quiet({FIRED: between(0, 1)} if fires_once else {})

    def _check_fired(self, after: dict[str, Span], fired: Ints) -> None:
        if np.any(after[FIRED].low != fired) or np.any(after[FIRED].high != fired):
            raise Refuted(f"{FIRED} does not tell whether a spike was sent")

    def _quiet(self, states: dict[str, Span]) -> None:
        """Check that nothing is sent outside the windows, where nothing arrives."""
        nothing = [np.zeros(1, dtype=np.int64)] * self.pool.size
        silent = self._arriving(nothing, nothing)
        start = self.pool.population.start
        params = {name: between(int(a.min()), int(a.max())) for name, a in self.pool.params.items()}
        if start > 0:
            initial = {s.name: constant(s.initial) for s in self.neuron.states}
            after = self._try(between(-start, -1), params, initial, silent, 0)
            if any(np.any(after[n].low != s.low) or np.any(after[n].high != s.high) for n, s in initial.items()):
                raise Refuted("a state may change before its first window")
        if self.interval > self.window:
            after = self._try(between(self.window, self.interval - 1), params, states, silent, 0)
            if any(np.any(after[n].low < s.low) or np.any(after[n].high > s.high) for n, s in states.items()):
                raise Refuted("a flag may change to what it never is after its window")

    def _try(
        self,
        phase: Span,
        row: int | dict[str, Span],
        before: dict[str, Span],
        heard: dict[str, Span],
        wanted: Ints | int,
    ) -> dict[str, Span]:
        """Run one step on many cases and compare what is sent; return the states after it."""
        values: dict[str, Span] = {
            s.name: between(-(1 << (s.bits - 1)), (1 << (s.bits - 1)) - 1) for s in self.neuron.states
        }
        params = row if isinstance(row, dict) else {n: constant(int(a[row])) for n, a in self.pool.params.items()}
        values |= {**params, **heard, **before, "phase": phase}
        sent = constant(0)
        for number, line in enumerate(self.neuron.code):
            if number in self.fields:
                self._take_apart(number, line.target, values)
                continue
            args = [values[arg] if isinstance(arg, str) else constant(arg) for arg in line.args]
            if line.op == "emit":
                found = sent = args[0]
            else:
                found = values[line.target] = self.box(line.op, args)
            self._widen(number, found)
        if np.any(sent.low != wanted) or np.any(sent.high != wanted):
            raise Refuted("it sends something else than the largest of its taps")
        for state in self.neuron.states:
            low, high = self.states[state.name]
            least, most = int(np.min(values[state.name].low)), int(np.max(values[state.name].high))
            self.states[state.name] = min(low, least), max(high, most)
        self.cases += max(np.size(a.low) for a in heard.values())
        return {s.name: values[s.name] for s in self.neuron.states}

    def _take_apart(self, number: int, target: str, values: dict[str, Span]) -> None:
        """Give a line that takes a word apart what its tap sends; what holds several taps nobody else reads."""
        tap, bounds = self.fields[number]
        self._widen(number, between(*bounds))
        values.pop(target, None)
        if tap is not None:
            values[target] = values[f"tap{tap}"]

    def _widen(self, number: int, span: Span) -> None:
        low, high = int(np.min(span.low)), int(np.max(span.high))
        known = self.lines[number]
        self.lines[number] = (min(low, known[0]), max(high, known[1])) if known else (low, high)
