"""Cases for the instruction set: every operation, every kind of operand, and the ends of their ranges."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt

from snncc.backends.conformance.case import Case, cells, on_events, on_samples, spread, tensor, wire
from snncc.compiler.program import Population

# Every pair of two small integers. Results are packed side by side into one membrane, which shows them all.
PAIRS = np.array([*product(range(-4, 5), repeat=2)], dtype=np.int64)

ARITHMETIC = """
    port x y
    param three
    state v:24
    sum = add in.x in.y
    difference = sub in.x in.y
    product = mul in.x in.y
    tripled = mul three product
    same = copy tripled
    negated = sub 0 difference
    v = shl sum 8
    v = add v difference
    v = shl v 8
    v = add v same
    v = add v negated
    emit product
"""
LIMITS = """
    port x y
    param low high
    state v:24
    least = min in.x in.y
    most = max in.x in.y
    held = clip in.x low high
    literal = clip in.y -2 3
    v = mul least 16
    v = add v most
    v = mul v 16
    v = add v held
    v = mul v 16
    v = add v literal
    nearest = clip in.y in.x 1
    emit nearest
"""
COMPARISONS = """
    port x y
    state v:8
    a = ge in.x in.y
    b = gt in.x in.y
    c = eq in.x in.y
    d = lt in.x in.y
    e = ge in.x 2
    f = lt -1 in.y
    v = shl e 1
    v = add v f
    v = shl v 1
    v = add v d
    v = shl v 1
    v = add v c
    v = shl v 1
    v = add v b
    emit v
    v = shl v 1
    v = add v a
"""
SHIFTS = """
    port x
    param n
    state v:24 turn:4
    small = clip in.x -3 3
    up = shl small n
    back = shr up n
    down = shr in.x n
    twice = shl in.x 1
    none = shr in.x 0
    amount = clip turn 0 6     # changes from step to step
    turned = shl small amount
    turn = add turn 1
    over = gt turn 6
    turn = select over 0 turn
    v = add up back
    v = add v twice
    v = sub v none
    v = add v turned
    emit down
"""
FAR_SHIFT = "port x\nparam n\nstate v:24\nv = shr in.x n\nemit v"
CHOICE = """
    port x y
    param payload
    state v:24
    emit 5
    chosen = select in.x in.y payload
    flipped = select in.y -7 in.x
    emit chosen
    both = mul in.x in.y
    v = select both flipped chosen
    both = select both 0 flipped
    emit both
"""
# Registers are read as they stand when a line runs, and stored when the step ends.
REGISTERS = """
    port x
    param gain
    state first:24=7 second:24=-7 kept:24=42 v:24
    membrane v
    old = copy first
    first = add in.x 1
    second = add old second    # what first was before this step
    first = mul first gain     # assigned again
    gone = select second first kept
    v = sub first old
    v = add v gone
    v = clip v -9999 9999
    first = clip first -99 99
    second = clip second -999 999
    emit old
"""
NARROW = """
    port x
    state bit:1 pair:2=1 byte:8=-128 v:16
    membrane v
    bit = sub -1 bit    # 0, -1, 0, -1, ...
    pair = clip in.x -2 1
    top = eq byte 127
    up = add byte 51
    byte = select top -128 up
    v = mul byte 255
    v = add v pair
    v = sub v bit
    s = clip in.x -8 7
    emit s
"""
WIDE = """
    port x
    param n large
    state v:63 low:63=-4611686018427387904 high:63=4611686018427387903
    membrane v
    y = clip in.x -1 1
    up = shl y n
    up = shr up 1
    big = mul in.x large
    low = add low 1
    high = sub high 1
    below = lt low high
    above = gt high low
    reached = ge high low
    other = add low large    # the same in its lower 32 bits
    same = eq low other
    held = copy big
    held = clip held low high
    held = min held high
    held = max held low
    held = select below held 0
    far = add n 1
    far = shr low far
    v = add up held
    v = add v far
    v = add v above
    v = add v reached
    v = add v same
    s = shr big 20
    emit s
"""
SUM_63 = "port x\nstate v:63\nv = add v in.x\nemit 0"
PHASE = """
    state v:24
    before = lt phase 0
    first = eq phase 0
    last = eq phase 6
    v = mul v 3
    v = add v phase
    v = select first phase v
    s = add first last
    s = add s before
    emit s
"""
SCALED = "port x\nparam a b c d\nstate v:24\nv = mul in.x a\nv = add v b\nv = mul v c\nv = add v d\nemit v"
SILENT = "port x y\nstate v:24\nv = sub v 1\nv = sub v in.y"  # no emit, and nobody feeds it
COUNTING = "state v:24=1\nv = add v 1\nemit 3"  # no in-port
IDLE = "state v:24=-5"  # no code either


def instruction_cases() -> Iterator[Case]:
    """Yield the cases of operations and their operands."""
    count = (len(PAIRS),)
    yield _pairs("arithmetic", "copy, add, sub and mul of all small pairs", cells("p", count, ARITHMETIC, {"three": 3}))
    low, high = spread(-3, 2, *count), spread(-2, 3, *count, seed=1)
    limited = cells("p", count, LIMITS, {"low": low, "high": high})
    yield _pairs("min-max-clip", "min, max and clip, also to a least above the greatest", limited)
    yield _pairs("comparisons", "ge, gt, eq and lt of all small pairs", cells("p", count, COMPARISONS))
    chosen = cells("p", count, CHOICE, {"payload": spread(-9, 9, *count)})
    yield _pairs("select-and-emit", "conditions other than 0 and 1; of several emits the last counts", chosen)
    shifted = cells("near", (21,), SHIFTS, {"n": np.arange(21)})
    far = cells("far", (64,), FAR_SHIFT, {"n": np.arange(64)})
    fed = [(tensor(p, -100, 100), spread(-100, 100, 9, p.size)) for p in (shifted, far)]
    yield on_samples("shifts", "shl and shr by 0..63 of both signs; shr rounds down", [shifted, far], [], fed)


def register_cases() -> Iterator[Case]:
    """Yield the cases of registers: when they change, how narrow and how wide they are, what they start with."""
    p = cells("p", (6,), REGISTERS, {"gain": [-3, -1, 0, 1, 2, 5]})
    fed = [(tensor(p, -9, 9), spread(-9, 9, 9, 6))]
    yield on_samples("registers", "states that are read and assigned again within a step", [p], [], fed)
    p = cells("p", (3,), NARROW, bits=4)
    given = np.concatenate([[[-9, 0, 9], [9, -9, 1]], spread(-9, 9, 8, 3)])
    yield on_samples(
        "narrow", "states of 1, 2 and 8 bits and payloads at their extremes", [p], [], [(tensor(p, -9, 9), given)]
    )
    p, q = cells("p", (4,), WIDE, {"n": [0, 30, 45, 61], "large": 1 << 40}, bits=42), cells("q", (2,), SUM_63)
    fed = [(tensor(p, -(1 << 20), 1 << 20), spread(-(1 << 20), 1 << 20, 8, 4))]
    wires = [wire(p, q, [[1000, -1, 7, 300], [-999, 1, 0, -1000]])]
    yield on_samples("wide", "states of 63 bits, payloads of 42", [p, q], wires, fed)


def surrounding_cases() -> Iterator[Case]:
    """Yield the cases of what a neuron sees beside its registers: the phase, its parameters, and nothing at all."""
    started = [cells(f"p{start}", (2,), PHASE, start=start, window=7) for start in (0, 3, 11)]
    yield on_events("phase", "phase before the first window, and its wrapping", started, [], [], steps=40, interval=7)
    free = [cells(f"p{start}", (2,), PHASE.replace("mul v 3", "copy v"), start=start) for start in (0, 5)]
    yield on_events("free-running", "phase that never wraps", free, [], [], steps=30)
    values: dict[str, npt.ArrayLike] = {
        "a": 5,
        "b": spread(-9, 9, 3, 1),
        "c": spread(-3, 3, 2, 1, 1),
        "d": spread(-9, 9, 2, 3, 4),
    }
    p = cells("p", (2, 3, 4), SCALED, values)
    fed = [(tensor(p, -9, 9), spread(-9, 9, 5, 2, 3, 4))]
    yield on_samples("parameters", "parameters of one value, one an axis, one a neuron", [p], [], fed)
    p = cells("p", (), SCALED, {"a": -2, "b": 3, "c": 1, "d": -1})
    yield on_samples("single-neuron", "a population of shape ()", [p], [], [(tensor(p, -9, 9), [9, -9, 0, 1])])
    alone = [cells("silent", (2,), SILENT), cells("counting", (3,), COUNTING), cells("idle", (2,), IDLE)]
    about = "populations without in-ports, code, emit or anyone who feeds them"
    yield on_events("no-input", about, alone, [], [], steps=5)


def _pairs(name: str, about: str, population: Population) -> Case:
    """Return a case that feeds all pairs, then all of them negated, then all again."""
    fed = [
        (tensor(population, -4, 4, port), np.stack([values, -values, values]))
        for port, values in zip("xy", PAIRS.T, strict=True)
    ]
    return on_samples(name, about, [population], [], fed)
