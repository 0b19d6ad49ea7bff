"""The firing half of a neuron program and its law, proved on whole intervals of charges: the method "classes"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from snncc.compiler.certificate.classes import Classes, Rows
from snncc.compiler.certificate.receive import Reading, Refuted, accumulators
from snncc.compiler.certificate.span import Arithmetic, Ints, Number, Pair, Span, X, between, constant
from snncc.compiler.certificate.trains import spikes
from snncc.compiler.coding import Coding, Levels
from snncc.compiler.neuron import Instruction, NeuronProgram, State

FLAG_BITS = 2  # states of up to so many bits tell classes apart that have nothing more to send
WIDE_BITS = 40  # states of more are computed with Python's integers


@dataclass
class Seen:
    """Bounds of everything computed, over all classes and steps.

    Attributes:
        lines: for each line of the firing half, None where it never ran, else bounds [rows] each or integers.
        states: by name likewise.
        classes: intervals of the charge tried in a row.
    """

    lines: list[Pair | None]
    states: dict[str, Pair] = field(default_factory=dict)
    classes: int = 1

    def widen(self, line: int, low: Number, high: Number) -> None:
        """Take in the bounds of a line in one step, [rows, classes], [rows, 1], or integers."""
        known = self.lines[line]
        if type(low) is int and known is not None and known[0] is low and known[1] is high:
            return
        low, high = _over_classes((low, high))
        self.lines[line] = (low, high) if known is None else _joined(known, (low, high))

    def hold(self, states: Mapping[str, Pair]) -> None:
        """Take in the bounds of the states after a step."""
        for name, (low, high) in states.items():
            self.states[name] = _joined(self.states.get(name, (low, high)), (low, high))


@dataclass(frozen=True)
class Line:
    """A line of the firing half.

    Attributes:
        line: the instruction.
        number: which of the neuron program's it is; two halves are equal whatever the numbers.
        latching: whether it runs in the step that latches.
        later: whether it runs in others.
        drive: whether it stands for what the firing half starts from: the charge, or the level it reaches.
    """

    line: Instruction
    number: int = field(compare=False)
    latching: bool = True
    later: bool = True
    drive: bool = False


@dataclass(frozen=True)
class Firing:
    """A firing half and its law; equal ones are proved together.

    Attributes:
        lines: the lines that follow from the charge alone.
        states: its states.
        coding: how levels are sent; None where nothing is.
        levels: the level domain.
    """

    lines: tuple[Line, ...]
    states: tuple[State, ...]
    coding: Coding | None
    levels: Levels

    @classmethod
    def of(
        cls, neuron: NeuronProgram, latching: Reading, later: Reading, coding: Coding | None, levels: Levels
    ) -> Firing:
        """Return the firing half of a neuron program whose receiving half has been read."""
        sums = accumulators(neuron)
        lines = [
            Line(line, number, latching.runs[number], later.runs[number])
            for number, line in enumerate(neuron.code)
            if line.target not in sums and (latching.runs[number] or later.runs[number])
        ]
        if latching.drive is not None:
            place = [entry.number for entry in lines].index(latching.drive)
            name = neuron.code[latching.drive].target
            lines[place] = Line(Instruction(name, "copy", ("charge",)), latching.drive, True, False, True)
        return cls(tuple(lines), tuple(s for s in neuron.states if s.name not in sums), coding, levels)

    @property
    def window(self) -> int:
        """Return the steps of the window."""
        return self.coding.window(self.levels) if self.coding else 1

    def prove(self, rows: Rows, start: int, interval: int) -> Seen:
        """Return the bounds of all values; the classes are cut only as far as needed where that is enough.

        Args:
            rows: the neurons.
            start: steps before the first window.
            interval: steps from window to window.

        Raises:
            Refuted: some charge sends something else than its level, or something outside the window.
        """
        try:
            return _Proof(self, rows, start, interval, lazy=True).run()
        except Refuted:
            return _Proof(self, rows, start, interval, lazy=False).run()


class _Proof:
    """One attempt; ``lazy`` or with one class a level from the start."""

    def __init__(self, firing: Firing, rows: Rows, start: int, interval: int, lazy: bool) -> None:
        self.firing, self.start, self.interval, self.lazy = firing, start, interval, lazy
        self.states = firing.states
        wide = max((s.bits for s in firing.states), default=1) > WIDE_BITS
        kind = object if wide else np.int64
        params = {name: a.astype(kind) for name, a in rows.params.items()}
        self.rows = Rows(rows.theta.astype(kind), params, rows.first.astype(kind), rows.last.astype(kind))
        self.params = {name: constant(a[:, None]) for name, a in params.items()}
        self.seen = Seen([None] * len(firing.lines))

    def run(self) -> Seen:
        values = {s.name: constant(s.initial) for s in self.states}
        self.seen.hold({name: (span.low, span.high) for name, span in values.items()})
        if self.start > 0:
            self._quiet(between(-self.start, -1), values, "before its first window")
        self._window()
        if self.interval > self.firing.window:
            values = {name: between(*(np.reshape(a, (-1, 1)) for a in self.seen.states[name])) for name in values}
            self._quiet(between(self.firing.window, self.interval - 1), values, "after its window")
        return self.seen

    def _quiet(self, phase: Span, states: dict[str, Span], when: str) -> None:
        """Check that states within given bounds send nothing and stay within them."""
        after, sent = self._step(Arithmetic(0, 0), phase, states, False)
        if np.any(sent.low) or np.any(sent.high):
            raise Refuted(f"it may send something {when}")
        for name, span in after.items():
            if np.any(span.low < states[name].low) or np.any(span.high > states[name].high):
                raise Refuted(f"{name} may change {when}")

    def _window(self) -> None:
        flags = [s.name for s in self.states if s.bits <= FLAG_BITS]
        classes = Classes(self.firing.coding, self.firing.levels, self.rows, flags, self.lazy)
        states = {s.name: between(-(1 << (s.bits - 1)), (1 << (s.bits - 1)) - 1) for s in self.states}
        silence = iter([np.zeros(1, dtype=np.int64)])
        expected = spikes(self.firing.coding, self.firing.levels) if self.firing.coding else silence
        for step, wanted in enumerate(expected):
            if self.firing.coding:
                states = classes.cut(wanted, states)
            box = classes.box()
            states, sent = self._step(box, constant(step), states, step == 0)
            self._compare(classes, box.hull(sent), wanted, step)
            self.seen.hold({name: _over_classes(box.hull(span)) for name, span in states.items()})
            if self.lazy and self.firing.coding:
                states = classes.join(step, states)
        self.seen.classes = classes.tried

    def _compare(self, classes: Classes, sent: Pair, wanted: Ints, step: int) -> None:
        target = wanted[classes.least - self.firing.levels.lo] if self.firing.coding else wanted
        wrong = classes.there & ((sent[0] != target) | (sent[1] != target))
        if np.any(wrong):
            row, number = (int(i) for i in np.argwhere(wrong)[0])
            raise Refuted(f"level {classes.least[number]} is not sent right in step {step} (row {row} of parameters)")

    def _step(
        self, box: Arithmetic, phase: Span, states: dict[str, Span], latches: bool
    ) -> tuple[dict[str, Span], Span]:
        """Run the firing half once; return the states after it and what is sent."""
        values: dict[str, Span | None] = {**self.params, **states, "phase": phase}
        sent = constant(0)
        for number, entry in enumerate(self.firing.lines):
            if not (entry.latching if latches else entry.later):
                values[entry.line.target] = None
                continue
            found = X if latches and entry.drive else _result(box, entry.line, values)
            self.seen.widen(number, *box.hull(found))
            if entry.line.op == "emit":
                sent = found
            else:
                values[entry.line.target] = found
        return {name: values[name] or between(0, 0) for name in states}, sent


def _result(box: Arithmetic, line: Instruction, values: Mapping[str, Span | None]) -> Span:
    args = [values.get(arg) if isinstance(arg, str) else constant(arg) for arg in line.args]
    condition = args[0]
    if line.op == "select" and condition is not None and condition.fixed and type(condition.low) is int:
        args = [args[1] if condition.low else args[2]]
    if any(arg is None for arg in args):
        raise Refuted(f"'{line}' depends on what has arrived so far")
    return args[0] if len(args) == 1 else box(line.op, args)  # type: ignore[return-value,arg-type]


def _over_classes(hull: Pair) -> Pair:
    """Return bounds [rows], or integers, of bounds [rows, classes]."""
    low, high = hull
    if type(low) is int and type(high) is int:
        return hull
    return low.min(axis=-1) if np.ndim(low) else low, high.max(axis=-1) if np.ndim(high) else high


def _joined(one: Pair, other: Pair) -> Pair:
    """Return the bounds of both."""
    if all(type(end) is int for end in (*one, *other)):
        return min(one[0], other[0]), max(one[1], other[1])
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])
