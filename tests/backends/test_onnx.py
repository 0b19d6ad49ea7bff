"""Every level of the ONNX models is that of the integer network, whatever its shape, widths and thresholds."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from onnx.reference import ReferenceEvaluator

import snncc
from snncc.compiler.ir import Graph
from snncc.compiler.ir.ops import Concat
from snncc.runtime.reference import encode, execute
from snncc.runtime.witness import witnesses
from tests.backends.onnx_harness import assert_same_levels, check_models, emit
from tests.integer_nets import IntegerNet, integer_networks, random_levels, two_layers

EXAMPLES = Path(__file__).parents[2] / "examples"


def spans(lo: int, hi: int, weight: int, theta: int, out: int = 3) -> Graph:
    """Return a network with levels, weights and thresholds of given sizes; each layer's levels go on to the next."""
    net = IntegerNet(3)
    x = net.input(2, 5, 4, lo=lo, hi=hi)
    draw = net.random.integers
    kernel = draw(-weight, weight + 1, (out, 2, 3, 3))
    kernel[0], kernel[1] = weight, -weight
    charge = net.conv(x, out, 3, pads=(1, 0, 2, 1), weight=kernel)
    first = net.fire(charge, lo=lo, hi=hi, theta=[theta, theta + 1, 1], bias=draw(-99, 99, (out, 6, 3)))
    pooled = net.max_pool(first, 2, 1, pads=(0, 1, 1, 0))
    dense = draw(-weight, weight + 1, (4, net.types[pooled].size))
    second = net.fire(net.dense(pooled, 4, dense), lo=lo, hi=hi, theta=theta * 7, bias=[1, -theta, 0, theta])
    return net.graph(net.read(net.dense(second, 3), bias=[5, 0, -5], name="y"))


def one_dimension() -> Graph:
    net = IntegerNet(1)
    charge = net.conv(net.input(4, 9, lo=-127, hi=127), 6, 3, 2, (2, 1), 2, 2)
    first = net.fire(charge, theta=[3, 5, 7, 9, 11, 13], hi=255, lo=0)
    return net.graph(net.read(net.dense(net.max_pool(first, 2, 2, (1, 0))), name="y"))


def three_dimensions() -> Graph:
    net = IntegerNet(2)
    charge = net.conv(net.input(2, 4, 5, 3, hi=255), 4, 2, 1, (1, 0, 1, 0, 1, 0), groups=2)
    first = net.fire(charge, theta=37, lo=-9, hi=60)
    return net.graph(net.read(net.dense(net.max_pool(first, 2, 2, (1,) * 6)), name="y"))


def joined() -> Graph:
    """Return two inputs joined, a skip, a fired value read three times, two outputs of which one has two labels."""
    net = IntegerNet(4)
    a, b = net.input(2, 4, lo=-3, hi=3, name="a"), net.input(1, 4, lo=-300, hi=7, name="b")
    both = net.add(Concat(0), a, b)
    turned = net.transpose(both, 1, 0)
    first = net.fire(net.dense(turned, 6), net.dense(both, 6), theta=29, lo=-20, hi=50)
    again = net.fire(net.dense(first, 6), net.dense(first, 6), net.dense(both, 6), theta=[1, 2, 3, 4, 5, 6], hi=1000)
    same = net.transpose(net.reshape(again, 3, 2), 0, 1)
    y, z = net.read(net.dense(same, 2)), net.read(net.dense(again, 2), net.dense(first, 2))
    return net.graph(y, z, y, labels=("one", "two", "three"))


def wide_pads() -> Graph:
    net = IntegerNet(5)
    charge = net.conv(net.input(1, 5, 5, lo=-4, hi=3), 2, 2)
    pooled = net.max_pool(net.fire(charge, lo=-3), 2, 4, (2, 0, 2, 0), dilation=2)
    return net.graph(net.read(net.dense(pooled), name="y"))


def ladders() -> Graph:
    """Return ladders of one and of three hundred thresholds, rising and falling, some that nothing reaches."""
    net = IntegerNet(6)
    x = net.input(2, 4, lo=-99, hi=99)
    many = np.sort(net.random.integers(-900, 900, (3, 300)), axis=1)
    up_and_down = net.random.choice([-1, 1], (3, 300))
    first = net.ladder(
        net.conv(x, 3), net.conv(x, 3), lo=-300, hi=300, thresholds=many, steps=up_and_down, bias=[5, -5, 0]
    )
    beyond = [[-(1 << 40), -3, 1 << 50], [0, 0, 0], [-1, 2, (1 << 31) - 1]]
    second = net.ladder(net.conv(first, 3), lo=-2, first=-2, hi=1, thresholds=beyond)
    third = net.ladder(net.dense(second, 2), hi=1, thresholds=[[4], [-2]], bias=[1, 0])
    return net.graph(net.read(net.dense(third), net.dense(first), name="y"))


def selected(rank: int) -> Graph:
    """Return every op that moves levels, over so many axes; joined levels of other ranges, and an output turned."""
    net = IntegerNet(7 + rank)
    x = net.input(2, *(3, 4, 2)[:rank], lo=-5, hi=300)
    fired = net.fire(net.conv(x, 2), lo=-3, hi=9, theta=99)
    part = net.slice(x, (0,) * (rank + 1), net.types[x].shape, (1, *(2, 3, 1)[:rank]))
    wide = net.pad(net.dilate(fired, *(2, 1, 3)[:rank]), *range(rank + 1), *[1] * (rank + 1))
    large = net.upsample(part, *(3, 2, 1)[:rank])
    both = net.concat(0, x, fired, net.upsample(fired, *[1] * rank))
    pooled = net.max_pool(both, 1, 1)
    again = net.fire(*(net.dense(value, 6) for value in (wide, large, pooled)), lo=-9, hi=20, theta=500)
    read = net.read(net.dense(again, 6))
    return net.graph(read, net.transpose(net.reshape(read, 3, 2), 1, 0), labels=("plain", "turned"))


def exponents() -> Graph:
    """Return weights m 2^e that leave out digits: the lowest, and one between."""
    net = IntegerNet(11)
    x = net.input(2, 3, hi=15)
    high = net.conv(x, 2, 1, weight=[3 << 8, -(5 << 8), 127 << 8, 1 << 8])
    apart = net.conv(x, 2, 1, weight=[1 << 16, 3, -5, 9 << 16])
    fired = net.fire(high, apart, theta=[1 << 9, 1 << 12], lo=-5, hi=90)
    return net.graph(net.read(net.dense(fired), name="y"))


HAND_MADE = {
    "two_layers": two_layers(lo=-2, theta=5),
    "bytes": spans(0, 255, 127, 1000),
    "signed bytes": spans(-127, 127, 127, 500),
    "sums": spans(0, 1023, 127, 4000),
    "signed sums": spans(-1023, 1023, 100, 3001),
    "two bytes": spans(0, 65535, 20, 65537),
    "three bytes": spans(-3, 1 << 17, 2, 1),
    "wide weights": spans(0, 15, 300, 77),
    "wide weights and levels": spans(-20, 400, 40000, 12345),
    "one dimension": one_dimension(),
    "three dimensions": three_dimensions(),
    "joined": joined(),
    "pads as large as a kernel": wide_pads(),
    "ladders": ladders(),
    "selected over one axis": selected(1),
    "selected over two axes": selected(2),
    "selected over three axes": selected(3),
    "exponents": exponents(),
}


@pytest.fixture(params=HAND_MADE)
def made(request: pytest.FixtureRequest) -> Graph:
    return HAND_MADE[request.param]


def test_every_level_is_that_of_the_integer_network(made: Graph, tmp_path: Path) -> None:
    emit(made, tmp_path / "a")
    check_models(tmp_path / "a")
    assert_same_levels(made, tmp_path / "a", random_levels(made, 70, seed=1))


def test_extremes_and_ties_are_the_same(made: Graph, tmp_path: Path) -> None:
    """Witnesses bring each sum of the first layer to its ends, where a narrower accumulator saturates."""
    emit(made, tmp_path / "a")
    assert_same_levels(made, tmp_path / "a", witnesses(made).levels)


@pytest.mark.parametrize(("lo", "hi"), [(0, 15), (-17, 17), (-1, 1), (0, 400)])
def test_every_charge_is_rounded_half_up_for_every_threshold(lo: int, hi: int, tmp_path: Path) -> None:
    thetas = [*range(1, 41), 255, 256, 257, 999]
    net = IntegerNet()
    charge = net.dense(net.input(1, lo=-600, hi=600), len(thetas), np.ones(len(thetas)))
    fired = net.fire(charge, lo=lo, hi=hi, theta=thetas, bias=np.arange(len(thetas)) - 20)
    graph = net.graph(net.read(net.dense(fired, 1), name="y"))
    emit(graph, tmp_path / "a")
    assert_same_levels(graph, tmp_path / "a", {"x.levels": np.arange(-600, 601)[:, None]})


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graph=integer_networks(every=True))
def test_random_networks_are_the_same(graph: Graph) -> None:
    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder) / "a"
        levels = emit(graph, artifact, 30)
        check_models(artifact)
        assert_same_levels(graph, artifact, levels)


@pytest.mark.parametrize(
    "name",
    [
        "two_layers",
        "signed sums",
        "wide weights and levels",
        "joined",
        "ladders",
        "exponents",
        "selected over two axes",
    ],
)
def test_the_models_mean_the_same_to_another_runtime(name: str, tmp_path: Path) -> None:
    """ONNX's own reference evaluator, plain numpy, shares nothing with onnxruntime."""
    graph = HAND_MADE[name]
    levels = emit(graph, tmp_path / "a")
    expected = execute(graph, levels)
    model = check_models(tmp_path / "a")["levels.onnx"]
    session = ReferenceEvaluator(model)
    found = session.run(None, {node: a.astype(np.int32) for node, a in levels.items()})
    named = dict(zip(session.output_names, found, strict=True))
    for node in graph.nodes:
        if node.name in named:
            assert np.array_equal(named[node.name], expected[node.name])


@pytest.mark.parametrize("levels", [1, 4, 15, 255])
@pytest.mark.parametrize("name", ["mnist_cnn", "fashion_cnn", "vowels_cnn"])
def test_whole_test_sets_are_the_same(name: str, levels: int, tmp_path: Path) -> None:
    with np.load(EXAMPLES / name / "calibration.npz") as calibration, np.load(EXAMPLES / name / "test.npz") as test:
        x = test["x"]
        coding = "rate" if levels in (4, 15) else "graded"
        program = snncc.compile(EXAMPLES / name / f"{name}.onnx", calibration["x"][:100], coding=coding, levels=levels)
    assert program.origin is not None
    network = program.origin.network
    emit(network, tmp_path / "a")
    assert assert_same_levels(network, tmp_path / "a", encode(network, {"input": x})) > 1000 * len(x)


@pytest.mark.parametrize("samples", [1, 63, 64, 65, 130])
def test_samples_are_run_in_parts(samples: int, tmp_path: Path) -> None:
    graph = two_layers()
    emit(graph, tmp_path / "a")
    assert_same_levels(graph, tmp_path / "a", random_levels(graph, samples, seed=2))
