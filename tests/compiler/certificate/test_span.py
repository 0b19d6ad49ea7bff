"""What spans say of an operation holds for every x and every value between their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.certificate.span import INTEGER, Arithmetic, Span, between, constant
from snncc.compiler.neuron import OPERATIONS

OPS = [op for op in OPERATIONS if op != "emit"]
small = st.integers(-6, 6)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    low = draw(small)
    return Span(
        draw(st.sampled_from([0, 0, 1, -1, 2])), low, low if draw(st.booleans()) else low + draw(st.integers(0, 3))
    )


@st.composite
def wide(draw: st.DrawFn) -> Span:
    """Return a span of two classes, or one for both."""
    if draw(st.booleans()):
        return draw(spans())
    a, b = draw(spans()), draw(spans())
    low = np.array([[a.low, b.low]])
    return Span(np.array([[a.slope, b.slope]]), low, low if draw(st.booleans()) else np.array([[a.high, b.high]]))


def part(number: object, index: int) -> int:
    return int(np.broadcast_to(np.asarray(number), (1, 2))[0, index])


def values(span: Span, x: int, index: int) -> range:
    slope, low, high = (part(n, index) for n in (span.slope, span.low, span.high))
    return range(slope * x + low, slope * x + high + 1)


@pytest.mark.parametrize("op", OPS)
@given(data=st.data())
def test_every_value_lies_within_the_span(op: str, data: st.DataObject) -> None:
    args = [data.draw(wide()) for _ in range(OPERATIONS[op])]
    if op in ("shl", "shr"):
        args[1] = constant(data.draw(st.integers(0, 4)))
    ends = [sorted(data.draw(st.tuples(small, small))) for _ in range(2)]
    found = Arithmetic(*(np.array([[ends[0][k], ends[1][k]]]) for k in range(2)))(op, args)
    for index in range(2):
        for x in range(ends[index][0], ends[index][1] + 1):
            for chosen in np.array(np.meshgrid(*(values(a, x, index) for a in args))).reshape(len(args), -1).T.tolist():
                assert INTEGER[op](*chosen) in values(found, x, index)


def test_an_affine_value_stays_exact() -> None:
    box = Arithmetic(np.array([[8]]), np.array([[15]]))
    rest = box("sub", [Span(1, 0, 0), constant(8)])
    assert (rest.slope, rest.low, rest.high) == (1, -8, -8)
    assert box.hull(rest) == (0, 7)


def test_a_comparison_is_decided_only_where_it_comes_out_alike() -> None:
    box = Arithmetic(np.array([[0, 8, 7]]), np.array([[7, 15, 8]]))
    found = box("ge", [Span(1, 0, 0), constant(8)])
    assert found.low.tolist() == [[0, 1, 0]]
    assert found.high.tolist() == [[0, 1, 1]]


def test_bounds_that_meet_are_a_number() -> None:
    assert between(3, 3).fixed
    assert not between(3, 4).fixed
