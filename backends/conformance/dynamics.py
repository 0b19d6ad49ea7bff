"""Cases for neurons as they are used: thresholds, leaks, resets, saturation, loops, events and names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from snncc.backends.conformance.case import (
    ECHO,
    ONE,
    Case,
    cells,
    events,
    on_events,
    on_samples,
    rain,
    sparse,
    spread,
    tensor,
    wire,
)
from snncc.compiler.program import Output
from snncc.compiler.trace import Arrivals

# Integrate and fire, told by >= and by >; soft reset.
THRESHOLDS = """
    port x
    param theta
    state v:24 w:24
    v = add v in.x
    s = ge v theta
    drop = select s theta 0
    v = sub v drop
    w = add w in.x
    r = gt w theta
    drop = select r theta 0
    w = sub w drop
    s = shl s 1
    s = add s r
    emit s
"""
# Leaky and current-based, with hard reset and refractory time; decays round down.
LEAKY = """
    port x
    param keep_u keep_v bias theta hold
    state v:24 u:24 wait:8
    u = mul u keep_u
    u = shr u 12
    u = add u in.x
    d = mul v keep_v
    d = shr d 12
    d = add d u
    d = add d bias
    resting = gt wait 0
    v = select resting v d
    s = ge v theta
    s = select resting 0 s
    v = select s 0 v
    wait = sub wait 1
    wait = max wait 0
    wait = select s hold wait
    emit s
"""
SOFT = """
    port x
    param keep theta hold
    state v:24 wait:8
    leak = mul v keep
    v = shr leak 12
    v = add v in.x
    s = ge v theta
    resting = gt wait 0
    s = select resting 0 s
    drop = select s theta 0
    v = sub v drop
    wait = sub wait 1
    wait = max wait 0
    wait = select s hold wait
    emit s
"""
# PyLifModelBitAcc of lava-nc 0.10 (lava/proc/lif/models.py): decays truncate toward zero, u wraps once into
# (-2^23, 2^23], v saturates at +-(2^23 - 1).
TRUNCATED_DECAY = """
    p = mul {0} keep
    n = sub 0 p
    m = max p n
    m = shr m 12
    n = sub 0 m
    negative = lt p 0
    decayed = select negative n m
"""
LIF = f"""
    port x
    param du dv bias vth
    state v:24 u:25
    keep = sub 4095 du
    {TRUNCATED_DECAY.format("u")}
    charge = shl in.x 6
    u = add decayed charge
    wrapped = sub u 16777216
    over = gt u 8388608
    u = select over wrapped u
    wrapped = add u 16777216
    under = lt u -8388607
    u = select under wrapped u
    keep = sub 4096 dv
    {TRUNCATED_DECAY.format("v")}
    v = add decayed u
    v = add v bias
    v = clip v -8388607 8388607
    s = gt v vth
    v = select s 0 v
    emit s
"""
# A leaky signed difference, for whatever has two in-ports.
SIGN = "port x y\nstate v:24\nd = sub in.x in.y\nv = shr v 1\nv = add v d\ns = clip v -9 9\nemit s"
HEARING = "port x\nstate v:24\nv = add v in.x\nemit v"
# Words of C and Python and of emitted code, for everything that a neuron program can name.
KEYWORDS = """
    port class int
    param import self
    state static:24 void:24=3 double:24
    membrane static
    for = add in.class in.int
    while = mul for import
    p0 = mul while self
    in = sub p0 void
    static = add in static
    static = clip static -999 999
    void = copy for
    NULL = copy void
    None = sub NULL 1
    emit None
"""
NAMES = ("class", "int", "..", "self", "CLASS", "0", "a.b", "main")


def threshold_cases() -> Iterator[Case]:
    """Yield the cases of thresholds and of membranes that are clipped."""
    p = cells("p", (4,), THRESHOLDS, {"theta": [10, 10, 11, 9]}, bits=4)
    fed = [[10, 9, 11, 8], [0, 1, 0, 1], [9, 10, 10, 9], [1, 0, 1, 0], [-10, 0, 0, 5], [20, 30, 33, 27]]
    yield on_samples("threshold", "a threshold met exactly, and missed by one", [p], [], [(tensor(p, -99, 99), fed)])
    values = {"du": [-1, 400, 0, 4095], "dv": [0, 200, 0, 4096], "bias": [0, -90, 1 << 19, 500]}
    eyes = cells("eyes", (2,), ECHO, bits=8)
    p = cells("p", (4,), LIF, {**values, "vth": [8388607, 6400, 8388607, 500000]}, bits=2)
    pushed = [(step, step // 12 % 2, 127 - 254 * (step // 24 % 2)) for step in range(48)]
    wires = [wire(eyes, p, [[127, 127], [100, 90], [120, -120], [-127, 127]])]
    about = "a membrane clipped at both ends of its register, a current that wraps"
    yield on_events("saturation", about, [eyes, p], wires, [(events(eyes), pushed)], steps=60)


def loop_cases() -> Iterator[Case]:
    """Yield the cases of recurrent populations; free-running."""
    eyes = cells("eyes", (4,), ECHO, bits=5)
    values: dict[str, npt.ArrayLike] = {
        "keep_u": 3000,
        "keep_v": 3900,
        "bias": [0, 3, -2, 5, 1, 0],
        "theta": [90, 100, 80, 60, 100, 60],
    }
    p = cells("p", (6,), LEAKY, {**values, "hold": 2}, bits=2)
    side = sparse((0, 1, 25), (1, 2, -30), (5, 5, -40), (3, 0, 20), (0, 1, 5))
    wires = [wire(eyes, p, spread(-9, 9, 6, 4), delay=3), wire(p, p, side, delay=2)]
    about = "leaky neurons that hear each other; hard reset, refractory time"
    yield on_events("hard-reset", about, [eyes, p], wires, [(events(eyes), rain(4, -6, 9, 50))], steps=60)
    kept = {"keep": [4096, 4000, 3500, 2048, 0], "theta": [20, 18, 15, 9, 7], "hold": [0, 1, 2, 3, 0]}
    p = cells("p", (5,), SOFT, kept, bits=2)
    wires = [wire(eyes, p, spread(-5, 7, 5, 4)), wire(p, p, spread(-6, 4, 5, 5, seed=2))]
    about = "leaky neurons that hear each other; soft reset, refractory time"
    yield on_events("soft-reset", about, [eyes, p], wires, [(events(eyes), rain(4, 0, 9, 40))], steps=50)
    left, right = (cells(name, (3,), SIGN, bits=5) for name in ("left", "right"))
    wires = [wire(left, right, spread(-2, 2, 3, 3)), wire(right, left, spread(-2, 2, 3, 3, seed=1), "y")]
    fed = [(events(left), rain(3, -9, 9, 6))]
    yield on_events("loop", "two populations that feed each other", [left, right], wires, fed, steps=30)


def end_cases() -> Iterator[Case]:
    """Yield the cases of what comes in and what is read."""
    p = cells("p", (4,), HEARING)
    meeting = [(3, 1, 5), (3, 1, 6), (0, 0, -7), (3, 2, 4), (3, 2, -4), (1, 0, 7), (9, 3, -100), (3, 1, -1), (9, 3, 1)]
    about = "events that meet and add up, or cancel; negative payloads; any order"
    yield on_events("events", about, [p], [], [(events(p), meeting)], steps=12)
    p = cells("p", (3,), THRESHOLDS, {"theta": 4})
    wires = [wire(p, p, spread(1, 5, 3, 3))]
    yield on_events("silence", "nothing arrives, nothing is sent", [p], wires, [(events(p), [])], steps=6)
    yield _several_ends()
    yield _output_order()
    yield _samples_and_events()
    made = [cells(name, (2,), KEYWORDS, {"import": k - 3, "self": 2 - k}, bits=16) for k, name in enumerate(NAMES)]
    wires = [wire(a, b, [[1, -1], [0, 1]], "class") for a, b in pairwise(made)]
    fed = [(tensor(made[0], -9, 9, "int", "for"), spread(-9, 9, 5, 2))]
    about = "names that are words of a language, or of a file system"
    yield on_samples("names", about, made, wires, fed, interval=2, outputs=made)


def _several_ends() -> Case:
    p, q = cells("p", (2, 2), SIGN, bits=5), cells("q", (3,), SIGN, bits=5, start=2)
    wires = [wire(p, q, spread(-2, 2, 3, 4)), wire(p, q, spread(-1, 1, 3, 4, seed=3), "y", 2)]
    fed = [
        (tensor(p, -5, 5), spread(-5, 5, 6, 2, 2)),
        (tensor(q, 0, 3), spread(0, 3, 6, 3)),
        (tensor(p, -3, 3, "y"), spread(-3, 3, 6, 2, 2, seed=1)),
        (tensor(p, 0, 1, name="again"), spread(0, 1, 6, 2, 2)),
    ]
    about = "several inputs, two of them into one in-port; several outputs, two of one population"
    case = on_samples("several-ends", about, [p, q], wires, fed, interval=3, outputs=[p, q])
    outputs = (*case.program.outputs, Output("once.more", "p", Fraction(3, 8)))
    return replace(case, program=replace(case.program, outputs=outputs))


def _output_order() -> Case:
    p = cells("p", (2, 3), SIGN, bits=5)
    fed = [(tensor(p, -5, 5), spread(-5, 5, 6, 2, 3))]
    case = on_samples("output-order", "outputs in another order and shape, or of some neurons", [p], [], fed)
    turned = Output("turned", "p", ONE, (3, 1, 2), np.array([0, 3, 1, 4, 2, 5]))
    some = Output("some", "p", Fraction(1, 4), (4,), np.array([5, 0, 0, 2]))
    renamed = Output("flat", "p", ONE, (6,))
    return replace(case, program=replace(case.program, outputs=(*case.program.outputs, turned, some, renamed)))


def _samples_and_events() -> Case:
    p, q = cells("p", (3,), SIGN, bits=5), cells("q", (2,), SIGN, bits=5, start=1)
    fed = [(tensor(p, -5, 5), spread(-5, 5, 5, 3))]
    about = "a tensor input beside an event input"
    case = on_samples("samples-and-events", about, [p, q], [wire(p, q, spread(-2, 2, 2, 3))], fed, interval=2)
    heard = events(q, "y")
    arrivals = {**case.feed.arrivals, heard.name: Arrivals.of(rain(2, -9, 9, case.feed.steps))}
    program = replace(case.program, inputs=(*case.program.inputs, heard))
    return replace(case, program=program, feed=replace(case.feed, arrivals=arrivals))
