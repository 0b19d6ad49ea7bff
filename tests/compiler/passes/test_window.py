import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.ir.ops import Conv
from snncc.compiler.passes.window import Window, compose


@st.composite
def _windows(draw: st.DrawFn, channels: int, most_out: int, size: int) -> Window:
    kernel = draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 2))
    groups = draw(st.sampled_from([g for g in (1, 2, 4) if channels % g == 0]))
    pads = (draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    if size + sum(pads) < dilation * (kernel - 1) + 1:
        kernel = 1
    random = np.random.default_rng(draw(st.integers(0, 99)))
    weight = random.integers(-3, 4, (groups * draw(st.integers(1, most_out)), channels // groups, kernel))
    bias = random.integers(-3, 4, (len(weight), 1)) * draw(st.booleans())
    op = Conv((draw(st.integers(1, 3)),), pads, (dilation,), groups)
    return Window(op, weight.astype(np.float64), bias.astype(np.float64))


@given(st.data())
def test_a_composed_window_is_the_second_of_the_first(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    first = data.draw(_windows(4, 2, size))
    second = data.draw(_windows(len(first.weight), 2, first.sizes((size,))[0]))
    joint = compose(first, second, (size,))
    if joint is None:
        assert any(second.op.pads)
        return
    x = np.random.default_rng(0).integers(-5, 6, (4, size)).astype(np.float64)
    assert np.array_equal(joint(x), second(first(x)))


def test_a_window_is_cropped_to_what_it_can_see() -> None:
    one = Window(Conv((1,), (2, 2), (1,)), np.ones((1, 1, 5)), np.zeros((1, 1)))
    mean = Window(Conv((1,), (0, 0), (1,)), np.ones((1, 1, 3)), np.zeros((1, 1)))
    joint = compose(one, mean, (3,))
    assert joint is not None
    assert (joint.kernel, joint.op.pads) == ((3,), (0, 0))


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 6), (2, 2)])
def test_common_steps_become_a_dilation(kernel: int, dilation: int) -> None:
    first = Window(Conv((2,), (0, 0), (2,)), np.ones((1, 1, kernel)), np.zeros((1, 1)))
    second = Window(Conv((1,), (0, 0), (3,)), np.ones((1, 1, 2)), np.zeros((1, 1)))
    joint = compose(first, second, (40,))
    assert joint is not None
    assert joint.op.dilations == (dilation,)
