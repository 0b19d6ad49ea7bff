"""Every coding keeps the law <g, E(q)> = q, and its neuron programs send and receive just that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from snncc.compiler.coding import CODINGS, Coding, Levels, firing_neuron, reading_neuron, train
from snncc.compiler.coding.base import KERNELS, parameters
from tests.compiler.coding.halves import Halves
from tests.compiler.coding.scalar import Step, run

BITS = 32
ALL = [*CODINGS.values(), Halves()]
DOMAINS = [Levels(*ends) for ends in [(0, 1), (0, 3), (0, 4), (0, 15), (-1, 1), (-3, 3), (-4, 7), (-7, 4), (0, 255)]]
PAIRS = [(c, d) for c, d in product(ALL, DOMAINS) if c.signed or not d.signed]
each_pair = pytest.mark.parametrize(
    ("coding", "levels"), PAIRS, ids=lambda x: x.name if isinstance(x, Coding) else f"{x.lo}..{x.hi}"
)
each_coding = pytest.mark.parametrize("coding", ALL, ids=lambda coding: coding.name)


@st.composite
def domains(draw: st.DrawFn, signed: bool, widest: int = 40) -> Levels:
    return Levels(draw(st.integers(-widest, 0)) if signed else 0, draw(st.integers(1, widest)))


def ints(*values: int) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def spikes(coding: Coding, q: int, levels: Levels) -> list[int]:
    return [int(s) for s in train(coding, ints(q), levels)[:, 0]]


def level_of(charge: int, theta: int, levels: Levels) -> int:
    return min(max(charge // theta, levels.lo), levels.hi)


def window_steps(length: int, gap: int, charges: Sequence[int]) -> list[Step]:
    """Return two steps, then a window and a gap for each charge, which arrives by halves in the first step and before.

    Where windows begin in every step, the step before belongs to the sample before: all arrives in the first.
    """
    steps: list[Step] = [(-2, {}), (-1, {})]
    for number, charge in enumerate(charges):
        early = charge // 2 if length + gap > 1 or number == 0 else 0
        steps[-1] = (steps[-1][0], {"add": steps[-1][1].get("add", 0) + early})
        steps += [(phase, {"add": charge - early} if phase == 0 else {}) for phase in range(length + gap)]
    return steps


def check_encoder(coding: Coding, levels: Levels, bias: int, theta: int, charges: Sequence[int], gap: int = 0) -> None:
    """Assert that a firing neuron sends E(q) in every window and nothing else, and shows the membrane it should."""
    neuron = firing_neuron(coding, levels, ["add"], BITS, theta & (theta - 1) == 0)
    values = parameters(ints(bias), ints(theta), levels)
    params = {name: int(values[name][0]) for name in neuron.params}
    length = coding.window(levels)
    sent, membranes = run(neuron, params, window_steps(length, gap, charges))
    assert sent[:2] == [0, 0]
    for number, charge in enumerate(charges):
        latched = charge + bias + theta // 2
        q = level_of(latched, theta, levels)
        begin = 2 + number * (length + gap)
        shown = [coding.membrane_at(ints(latched), ints(q), ints(theta), t, levels)[0] for t in range(length)]
        assert sent[begin : begin + length + gap] == spikes(coding, q, levels) + [0] * gap
        assert membranes[begin : begin + length] == shown


@each_pair
def test_the_kernel_applied_to_the_train_of_a_level_gives_the_level(coding: Coding, levels: Levels) -> None:
    q = np.arange(levels.lo, levels.hi + 1)
    sent = train(coding, q, levels)
    assert sent.shape == (coding.window(levels), q.size)
    assert (coding.decode(sent, levels) == q).all()


@each_coding
@given(data=st.data())
def test_the_law_holds_for_every_domain(coding: Coding, data: st.DataObject) -> None:
    levels = data.draw(domains(coding.signed, 300))
    q = data.draw(st.integers(levels.lo, levels.hi))
    assert int(coding.decode(train(coding, ints(q), levels), levels)[0]) == q


@each_pair
def test_a_receiver_accumulates_the_weight_times_the_level(coding: Coding, levels: Levels) -> None:
    """Sample after sample; the last spike of a window arrives in the step that latches, idle steps come first."""
    neuron, length = reading_neuron([coding.kernel], BITS), coding.window(levels)
    chosen = [max(min(q, levels.hi), levels.lo) for q in (levels.hi, levels.lo, 1, 0, -1, levels.hi // 2)]
    for weight, idle in product((1, -7), (0, 3)):
        arriving = [{coding.kernel: weight * s} for q in chosen for s in [0] * idle + spikes(coding, q, levels)]
        interval = length + idle
        start = interval - 1
        steps = [(t - start if t < start else (t - start) % interval, heard) for t, heard in enumerate(arriving)]
        _, membranes = run(neuron, {"offset": 5}, steps)
        assert membranes[start::interval] == [weight * q + 5 for q in chosen]


@each_pair
@pytest.mark.parametrize("theta", [1, 2, 5, 8, 9])
def test_a_neuron_sends_the_train_of_its_level(coding: Coding, levels: Levels, theta: int) -> None:
    """All charges from below the least level to above the greatest, so every tie and both clips."""
    stride = 1 if levels.hi < 100 else 37
    charges = range(theta * (levels.lo - 2) - 7, theta * (levels.hi + 2) + 7, stride)
    check_encoder(coding, levels, 3, theta, charges)


@each_coding
@given(data=st.data())
def test_any_neuron_sends_the_train_of_its_level(coding: Coding, data: st.DataObject) -> None:
    levels = data.draw(domains(coding.signed))
    theta = data.draw(st.integers(1, 300) | st.sampled_from([1, 64, 1024]))
    reach = 3 * theta * levels.magnitude + 10
    bias = data.draw(st.integers(-reach, reach))
    charges = data.draw(st.lists(st.integers(-reach, reach), min_size=1, max_size=4))
    check_encoder(coding, levels, bias, theta, charges, gap=data.draw(st.integers(0, 3)))


@each_pair
def test_a_neuron_with_several_kernels_latches_the_sum(coding: Coding, levels: Levels) -> None:
    neuron = firing_neuron(coding, levels, KERNELS, BITS)
    values = parameters(ints(0), ints(4), levels)
    params = {name: int(values[name][0]) for name in neuron.params}
    arrivals: list[Step] = [(-2, {"add": 1, "double": 2, "ramp": 1}), (-1, {"add": -2, "double": 1}), (0, {"ramp": 1})]
    later: list[Step] = [(phase, {}) for phase in range(1, coding.window(levels))]
    charge = (1 - 2) + (4 * 2 + 2 * 1) + (3 * 1 + 1 * 1)
    sent, _ = run(neuron, params, [*arrivals, *later])
    assert sent == [0, 0, *spikes(coding, level_of(charge + 2, 4, levels), levels)]


@each_pair
def test_payloads_fit_the_width_that_is_declared(coding: Coding, levels: Levels) -> None:
    sent = train(coding, np.arange(levels.lo, levels.hi + 1), levels)
    width = coding.payload_bits(levels)
    least = -(2 ** (width - 1)) if levels.signed else 0
    most = 2 ** (width - levels.signed) - 1
    assert least <= sent.min()
    assert sent.max() <= most
    assert coding.graded or set(np.unique(sent)) <= {-1, 0, 1}


def check_pool(coding: Coding, levels: Levels, bits: int, windows: Sequence[Sequence[int | None]]) -> None:
    """Assert that a max-pool sends the train of the largest level; None is a tap outside the input."""
    taps = len(windows[0])
    pool = coding.pool(levels, taps, bits)
    params = {f"absent{i}": levels.lo if q is None else 0 for i, q in enumerate(windows[0])}
    steps: list[Step] = [(-1, {})]
    expected = [0]
    for window in windows:
        sent = [[0] * coding.window(levels) if q is None else spikes(coding, q, levels) for q in window]
        for phase, row in enumerate(zip(*sent, strict=True)):
            heard = {port: sum(w * s for w, s in zip(ws, row, strict=True)) for port, ws in pool.taps.items()}
            assert all(-(2 ** (bits - 1)) <= total < 2 ** (bits - 1) for total in heard.values())
            steps.append((phase, heard))
        expected += spikes(coding, max(q for q in window if q is not None), levels)
    quiet: Step = (coding.window(levels), {})  # where the interval is longer than the window
    given_params = {name: params[name] for name in pool.neuron.params}
    assert run(pool.neuron, given_params, [*steps, quiet]) == ([*expected, 0], [*expected, 0])


@each_pair
@pytest.mark.parametrize("taps", [1, 2, 4, 9])
def test_a_pool_sends_the_train_of_the_largest_level(coding: Coding, levels: Levels, taps: int) -> None:
    rng = np.random.default_rng(taps)
    for _ in range(20):
        windows = rng.integers(levels.lo, levels.hi + 1, (2, taps)).tolist()
        check_pool(coding, levels, BITS, windows)


@each_coding
@given(data=st.data())
def test_any_pool_sends_the_train_of_the_largest_level(coding: Coding, data: st.DataObject) -> None:
    """With taps outside the input, states too narrow to pack all taps, and windows back to back."""
    levels = data.draw(domains(coding.signed, 20))
    taps = data.draw(st.integers(1, 9))
    there = data.draw(st.lists(st.booleans(), min_size=taps, max_size=taps))
    assume(any(there))
    level = st.integers(levels.lo, levels.hi)
    windows = [[data.draw(level) if here else None for here in there] for _ in range(data.draw(st.integers(1, 3)))]
    check_pool(coding, levels, data.draw(st.sampled_from([8, BITS])), windows)


def test_windows_are_as_long_as_the_literature_says() -> None:
    levels = Levels(0, 15)
    assert {name: coding.window(levels) for name, coding in CODINGS.items()} == {
        "graded": 1,
        "bitplane": 4,
        "rate": 15,
        "ttfs": 15,
    }
    assert CODINGS["rate"].window(Levels(-20, 15)) == 20
    assert CODINGS["bitplane"].window(Levels(-16, 15)) == 5


def test_spikes_are_counted_as_the_table_of_codings_says() -> None:
    """Graded and ttfs one spike unless q = 0, bitplane popcount(q), rate q."""
    q = np.arange(16)
    counts = {name: np.count_nonzero(train(c, q, Levels(0, 15)), axis=0).tolist() for name, c in CODINGS.items()}
    once = [0] + [1] * 15
    assert counts == {"graded": once, "ttfs": once, "rate": q.tolist(), "bitplane": [bin(n).count("1") for n in q]}


@pytest.mark.parametrize("name", CODINGS)
def test_the_neuron_programs_are_stable(name: str, golden: Callable[[str, str], None]) -> None:
    coding = CODINGS[name]
    parts = []
    for levels in [Levels(0, 5), Levels(-3, 5)][: 1 + coding.signed]:
        for shifts in (True, False):
            head = f"# fire {levels.lo}..{levels.hi}, theta {'a power of two' if shifts else 'any'}"
            parts.append(f"{head}\n{firing_neuron(coding, levels, [coding.kernel], 24, shifts)}\n")
        parts.append(f"# pool {levels.lo}..{levels.hi}, 2 taps\n{coding.pool(levels, 2, 24).neuron}\n")
    golden("\n".join(parts), f"coding_{name}.txt")
