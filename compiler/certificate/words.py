"""Max-pools without flags, followed with a symbol for the payload of every tap instead of trying payloads.

A value is the largest of one or more sums of symbols; a field of a packed word is a sum whose other symbols were
shifted out or subtracted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.certificate.facts import Facts
from snncc.compiler.certificate.receive import Refuted
from snncc.compiler.certificate.span import INTEGER, Ints
from snncc.compiler.certificate.trains import Bounds, step_bounds
from snncc.compiler.coding import Coding, Levels
from snncc.compiler.neuron import Instruction, NeuronProgram
from snncc.compiler.program import Population

Sum = tuple[frozenset[tuple[int, int]], int]  # (tap, factor), and a constant
Largest = frozenset[Sum]
OTHER = "phase"  # stands for any phase but 0


def follow(
    population: Population,
    coding: Coding,
    levels: Levels,
    taps: Mapping[str, Ints],
    outside: npt.NDArray[np.bool_],
    params: Mapping[str, Ints],
) -> Facts:
    """Return what is known of a max-pool that keeps nothing from step to step.

    Args:
        population: the max-pool.
        coding: the coding of its levels; its payloads grow with the level in every step.
        levels: the level domain.
        taps: by in-port, the weight of each tap.
        outside: distinct patterns of taps outside the input, [patterns, taps].
        params: parameters of the neurons with each pattern, by name, [patterns].

    Raises:
        Refuted: in some pattern it does not send the largest of the taps inside.
    """
    code = population.neuron.code
    lines: list[list[Bounds]] = [[] for _ in code]
    payload = step_bounds(coding, levels)
    for pattern, gone in enumerate(outside):
        inside = [tap for tap in range(len(gone)) if not gone[tap]]
        known = {name: _number(int(a[pattern])) for name, a in params.items()} | _heard(taps, inside)
        latching, later = (_Walk(population.neuron, payload, known, latches).run(lines) for latches in (True, False))
        largest = frozenset((_tap(t), 0) for t in inside)
        if latching != largest or (coding.window(levels) > 1 and later != largest):
            raise Refuted("it sends something else than the largest of its taps")
        if max(const for _, const in later) != 0:
            raise Refuted("it may send something while nothing arrives")
    bounds = [(min(low for low, _ in seen), max(high for _, high in seen)) for seen in lines]
    states = _held(population.neuron, bounds)
    return Facts((0, 0), arrivals(taps, payload), states, bounds, "symbolic", len(outside), 2 * len(outside))


def _held(neuron: NeuronProgram, bounds: list[Bounds]) -> dict[str, Bounds]:
    """Return the bounds of the states: what they start from, and what lines write."""
    states = {s.name: (min(0, s.initial), max(0, s.initial)) for s in neuron.states}
    for line, (low, high) in zip(neuron.code, bounds, strict=True):
        if line.target in states:
            states[line.target] = min(low, states[line.target][0]), max(high, states[line.target][1])
    return states


def arrivals(taps: Mapping[str, Ints], payload: Bounds) -> dict[str, Bounds]:
    """Return the bounds of what arrives in one step, by in-port."""
    ends = {port: (weights * payload[0], weights * payload[1]) for port, weights in taps.items()}
    return {port: (int(np.minimum(a, b).sum()), int(np.maximum(a, b).sum())) for port, (a, b) in ends.items()}


def fields(neuron: NeuronProgram, taps: Mapping[str, Ints], payload: Bounds) -> dict[int, tuple[int | None, Bounds]]:
    """Return the lines that only take words apart: the tap that each holds, None for a part with several, and bounds.

    Empty if anything else reads a part with several taps, or if there is no word.
    """
    walk = _Walk(neuron, payload, _heard(taps, [*range(len(next(iter(taps.values()))))]), False)
    values = dict(walk.known)
    found: dict[int, tuple[int | None, Bounds]] = {}
    for number, line in enumerate(neuron.code):
        names = [a for a in line.args if isinstance(a, str)]
        try:
            total = walk.result(line, values) if names and line.op in ("copy", "add", "sub", "shl", "shr") else None
        except Refuted:
            total = None
        if total is None:
            if any(name in values and _single(values[name]) is None for name in names):
                return {}
            values.pop(line.target, None)
            continue
        values[line.target] = total
        found[number] = _single(total), walk.bounds(total)
    return found


def _single(value: Largest) -> int | None:
    """Return the tap that a value is, None if it is anything else."""
    ((terms, const), *more) = value
    ((tap, factor), *others) = terms or [(0, 0)]
    return tap if factor == 1 and not (const or more or others) else None


def _heard(taps: Mapping[str, Ints], inside: list[int]) -> dict[str, Largest]:
    """Return what arrives at each in-port: the taps inside, each with its weight."""
    return {
        f"in.{port}": frozenset([(frozenset((t, int(weights[t])) for t in inside if weights[t]), 0)])
        for port, weights in taps.items()
    }


def _tap(tap: int) -> frozenset[tuple[int, int]]:
    return frozenset([(tap, 1)])


def _number(value: int) -> Largest:
    return frozenset([(frozenset(), value)])


@dataclass
class _Walk:
    """One step with symbols; in phase 0, or in any other."""

    neuron: NeuronProgram
    payload: Bounds
    known: Mapping[str, Largest]
    latches: bool

    def run(self, lines: list[list[Bounds]]) -> Largest:
        """Return what is sent, and note the bounds of every line."""
        values = {**self.known, **({"phase": _number(0)} if self.latches else {})}
        sent = _number(0)
        for line, seen in zip(self.neuron.code, lines, strict=True):
            found = self.result(line, values)
            seen.append(self.bounds(found))
            if line.op == "emit":
                sent = found
            else:
                values[line.target] = found
        return sent

    def result(self, line: Instruction, values: Mapping[str, Largest]) -> Largest:
        """Return what a line gives.

        Raises:
            Refuted: it needs what is not known, or does more than a maximum needs.
        """
        if not self.latches and line.op == "eq" and line.args == (OTHER, 0):
            return _number(0)
        if unknown := [a for a in line.args if isinstance(a, str) and a not in values]:
            raise Refuted(f"'{line}' reads {unknown[0]}, which is not known")
        args = [values[a] if isinstance(a, str) else _number(a) for a in line.args]
        numbers = [_integer(a) for a in args]
        if line.op in ("copy", "emit"):
            return args[0]
        if line.op == "select" and numbers[0] is not None:
            return args[1] if numbers[0] else args[2]
        if all(n is not None for n in numbers):
            return _number(INTEGER[line.op](*numbers))
        return self._symbolic(line, args, numbers)

    def _symbolic(self, line: Instruction, args: list[Largest], numbers: list[int | None]) -> Largest:
        a, b = args[0], args[-1]
        count = numbers[-1]
        if line.op == "max":
            return self._pruned(a | b)
        if line.op == "add" and (len(a) == 1 or len(b) == 1):
            return frozenset(_added(x, y, 1) for x in a for y in b)
        if line.op == "sub" and len(b) == 1:
            return frozenset(_added(x, y, -1) for x in a for y in b)
        if line.op == "shl" and count is not None and count >= 0:
            return frozenset((frozenset((t, f << count) for t, f in x), c << count) for x, c in a)
        if line.op == "shr" and count is not None and count >= 0 and len(a) == 1:
            return frozenset([self._shifted(next(iter(a)), count, line)])
        raise Refuted(f"'{line}' is more than a maximum needs")

    def _shifted(self, total: Sum, count: int, line: Instruction) -> Sum:
        """Return a sum shifted right: its low symbols together never reach the bits that stay."""
        base = 1 << count
        stay = frozenset((t, f // base) for t, f in total[0] if f % base == 0)
        low, high = self._range((frozenset((t, f) for t, f in total[0] if f % base), total[1]))
        if low < 0 or high >= base:
            raise Refuted(f"'{line}' does not part the fields of a word")
        return stay, 0

    def _pruned(self, sums: Largest) -> Largest:
        """Return the sums without those that others always reach."""
        kept = list(sums)
        for one in sorted(sums, key=lambda s: self._range(s)[1]):
            others = [s for s in kept if s != one]
            if others and any(self._range(s)[0] >= self._range(one)[1] for s in others):
                kept = others
        return frozenset(kept)

    def _range(self, total: Sum) -> Bounds:
        low, high = self.payload
        ends = [(min(f * low, f * high), max(f * low, f * high)) for _, f in total[0]]
        return total[1] + sum(e[0] for e in ends), total[1] + sum(e[1] for e in ends)

    def bounds(self, value: Largest) -> Bounds:
        """Return the least and the greatest value."""
        ranges = [self._range(s) for s in value]
        return max(low for low, _ in ranges), max(high for _, high in ranges)


def _integer(value: Largest) -> int | None:
    """Return the number that a value is, None if it is not known."""
    ((terms, const), *more) = value
    return const if not more and not terms else None


def _added(a: Sum, b: Sum, sign: int) -> Sum:
    terms = dict(a[0])
    for tap, factor in b[0]:
        terms[tap] = terms.get(tap, 0) + sign * factor
    return frozenset((t, f) for t, f in terms.items() if f), a[1] + sign * b[1]
