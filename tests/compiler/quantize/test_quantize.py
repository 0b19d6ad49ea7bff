"""The quantize pass: one unit where edges meet, exact sums, means kept, every repair told, what cannot fit refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir import Graph, Stage, check
from snncc.compiler.ir.integer_ops import Encode, Fire, Readout
from snncc.compiler.ir.ops import Conv
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.mapping.mantissas import exponents, mantissas
from snncc.compiler.quantize.calibrate import charge_means
from snncc.compiler.quantize.quantize import Quantize
from snncc.compiler.quantize.recipe import Recipe, Recipes
from snncc.compiler.targets import Target, load_target
from snncc.runtime.reference import encode, execute
from snncc.runtime.stepped import Tally, step_and_compare
from snncc.runtime.witness import witnesses
from tests.compiler.passes.helpers import Net
from tests.compiler.quantize.graphs import Data, canonical, data, residual

LOIHI2 = load_target("loihi2")


def quantized(
    graph: Graph,
    x: Data | None = None,
    target: Target = LOIHI2,
    levels: int = 7,
    weight_bits: int = 8,
    rounding: str = "nearest",
    **options: object,
) -> Graph:
    recipes = Recipes(Recipe(levels, weight_bits, rounding=rounding))
    step = Quantize(data(graph) if x is None else x, target, recipes, **options)  # type: ignore[arg-type]
    return check(step.run(graph), "quantize")


def refused(graph: Graph, target: Target, x: Data | None = None) -> list[tuple[str, str]]:
    """Return code and object of every problem."""
    with pytest.raises(SnnccError) as caught:
        quantized(graph, x, target)
    assert all(d.hint and d.loc.file == "net.onnx" for d in caught.value.diagnostics)
    return [(d.code, d.message.split("'")[1]) for d in caught.value.diagnostics]


def scale(graph: Graph, name: str) -> float:
    op = graph.node[name].op
    assert isinstance(op, Encode | Fire | Readout)
    return op.scale


def chip(state_bits: int = 24, payload_bits: int = 24) -> Target:
    return replace(LOIHI2, state_bits=state_bits, accumulator_bits=state_bits, payload_bits=payload_bits)


def test_every_node_becomes_its_integer_counterpart() -> None:
    graph = quantized(residual())
    assert graph.stage is Stage.QUANTIZED
    assert {name: node.op.name for name, node in graph.node.items()} == {
        "x.levels": "encode",
        "c1.charge": "conv",
        "stem": "fire",
        "c2.charge": "conv",
        "c3.charge": "conv",
        "joined": "fire",
        "pool": "max_pool",
        "mean.sum": "conv",
        "mean": "fire",
        "flat": "reshape",
        "means": "reshape",
        "d1.read": "dense",
        "d2.read": "dense",
        "score": "readout",
        "map.read": "conv",
        "map": "readout",
    }
    assert graph.outputs == ("score", "map")


def test_edges_of_different_scales_are_rounded_in_one_unit() -> None:
    float_graph = residual()
    graph = quantized(float_graph)
    assert scale(graph, "stem") != scale(graph, "x.levels")
    theta = graph.constants["joined.theta"]
    unit = scale(graph, "joined") / theta.reshape(-1, 1, 1, 1)
    for name, source in (("c2", "stem"), ("c3", "x.levels")):
        real = float_graph.constants[f"{name}.w"].astype(np.float64) * scale(graph, source)
        weight = graph.constants[f"{name}.charge.weight"]
        held = np.abs(weight) < 127
        assert held.any()
        assert (np.abs(weight * unit - real) <= unit / 2 * (1 + 1e-6))[held].all()


def test_a_readout_of_two_edges_has_one_unit() -> None:
    float_graph = residual()
    graph = quantized(float_graph)
    unit = scale(graph, "score")
    for name, source in (("d1", "pool"), ("d2", "mean")):
        level = scale(graph, "joined" if source == "pool" else source)
        real = float_graph.constants[f"{name}.w"].astype(np.float64) * level
        weight = graph.constants[f"{name}.read.weight"]
        step = unit * 2.0 ** exponents(weight).min()
        assert np.abs(weight * unit - real).max() <= step / 2 * (1 + 1e-6)


def pooled_mean(kernel: int = 2, low: float = 0.0) -> Graph:
    net = Net(1)
    mean = net.average_pool(net.input(2, 4, 4), kernel, kernel, name="mean")
    return canonical(net, net.dense(net.reshape(mean), 2, name="y"))


@pytest.mark.parametrize(("low", "span"), [(0.0, (0, 255)), (-1.0, (-127, 127))])
def test_an_average_pool_adds_up_exactly(low: float, span: tuple[int, int]) -> None:
    graph = pooled_mean()
    x = data(graph, low=low)
    integer = quantized(graph, x)
    kind = integer.types["mean"]
    assert (kind.lo, kind.hi) == (4 * span[0], 4 * span[1])
    assert (integer.constants["mean.theta"] == 1).all()
    assert scale(integer, "mean") == scale(integer, "x.levels") / 4
    values = execute(integer, encode(integer, x))
    wanted = values["x.levels"].reshape(-1, 2, 2, 2, 2, 2).sum(axis=(3, 5))
    assert (values["mean"] == wanted).all()


def test_a_pool_over_many_positions_is_rounded_to_half_a_level() -> None:
    graph = pooled_mean(4)
    integer = quantized(graph)
    kind, theta = integer.types["mean"], int(integer.constants["mean.theta"][0])
    assert theta > 1
    assert kind.hi == -(-16 * 255 // theta)
    values = execute(integer, encode(integer, data(graph)))
    wanted = values["x.levels"].reshape(-1, 2, 16).sum(axis=2) / theta
    assert np.abs(values["mean"].reshape(wanted.shape) - wanted).max() <= 0.5
    assert scale(integer, "mean") == scale(integer, "x.levels") * theta / 16


@pytest.mark.parametrize("levels", [1, 7])
def test_the_mean_charge_of_every_channel_is_that_of_the_float_network(levels: int) -> None:
    """Up to the rounding of the bias, half a unit; the levels a layer reads are those that are really sent."""
    float_graph = residual()
    x = data(float_graph, 50)
    graph = quantized(float_graph, x, levels=levels)
    values = execute(graph, encode(graph, x))
    wanted = charge_means(float_graph, x, ["c1", "sum", "score", "map"])
    for name, charge in (("stem", "c1"), ("joined", "sum")):
        theta = graph.constants[f"{name}.theta"]
        found = values[f"{name}.charge"].mean(axis=(0, 2, 3)) - theta // 2
        unit = scale(graph, name) / theta
        assert (np.abs(found * unit - wanted[charge]) <= unit * 0.5001).all()
    for name in ("score", "map"):
        found = values[name].reshape(50, values[name].shape[1], -1).mean(axis=(0, 2)) * scale(graph, name)
        assert np.abs(found - wanted[name]).max() <= scale(graph, name) * 0.5001


def test_a_bias_per_position_stays_per_position() -> None:
    net = Net(2)
    x = net.input(1, 3, 3)
    weight, bias = net.const("w", net.some(2, 1, 1, 1)), net.const("b", net.some(2, 3, 3))
    charge = net.add(Conv((1, 1), (0,) * 4, (1, 1)), x, weight, bias, name="c")
    graph = canonical(net, net.conv(net.relu(charge, name="r"), 1, 1, name="y"))
    integer = quantized(graph)
    unit = scale(integer, "r") / integer.constants["r.theta"].reshape(-1, 1, 1)
    found = integer.constants["r.bias"] * unit - graph.constants["b"]
    spread = found - found.mean(axis=(1, 2), keepdims=True)  # the correction of the mean is one number a channel
    assert np.abs(spread).max() <= unit.max()
    assert np.ptp(integer.constants["r.bias"], axis=(1, 2)).min() > 0


def test_levels_do_not_go_beyond_a_cap() -> None:
    graph = quantized(residual(), levels=15)
    assert graph.types["joined"].hi * scale(graph, "joined") <= 4.0 + scale(graph, "joined")


@pytest.mark.parametrize(
    ("graded", "low", "span"), [(True, 0, (0, 255)), (True, -1, (-127, 127)), (False, 0, (0, 7)), (False, -1, (-7, 7))]
)
def test_inputs_take_the_levels_their_coding_can_send(graded: bool, low: float, span: tuple[int, int]) -> None:
    graph = pooled_mean()
    kind = quantized(graph, data(graph, low=low), graded_inputs=graded).types["x.levels"]
    assert (kind.lo, kind.hi) == span


@pytest.mark.parametrize(("payload_bits", "state_bits", "hi"), [(8, 24, 127), (4, 24, 7), (24, 9, 127), (24, 8, 63)])
def test_inputs_take_no_more_levels_than_fit(payload_bits: int, state_bits: int, hi: int) -> None:
    net = Net(1)
    graph = canonical(net, net.dense(net.input(2), 1, name="y"))
    assert quantized(graph, target=chip(state_bits, payload_bits)).types["x.levels"].hi == hi


def wide(layers: int = 1) -> Graph:
    """Return layers of 60 sources a neuron."""
    net = Net(4)
    last = net.input(60)
    for i in range(layers):
        last = net.relu(net.dense(last, 60, name=f"d{i}"), name=f"r{i}")
    return canonical(net, net.dense(last, 2, name="y"))


def few() -> Data:
    """Return inputs of which one in sixty is active: far from the worst there are."""
    return {"x": np.eye(60, dtype=np.float32)[:20]}


@pytest.mark.parametrize("state_bits", [18, 17, 16])
def test_a_layer_that_could_overflow_is_repaired_and_the_repair_told(state_bits: int) -> None:
    told: list[Diagnostic] = []
    graph, target = wide(), chip(state_bits)
    integer = quantized(graph, target=target, report=told.append)
    assert {(d.code, d.severity) for d in told} == {("SNN210", "warning")}
    assert told[0].message.split("'")[1] == "r0"
    assert all(f"{state_bits}-bit" in d.message and d.loc.file == "net.onnx" for d in told)
    program, tally = lower(integer, choose("graded", target), target), Tally()
    step_and_compare(program, integer, witnesses(integer).levels, tally)
    assert tally.mismatches == 0, tally.first


def test_levels_that_became_coarser_are_told_and_mean_what_they_say() -> None:
    """Calibration shows only sources of small weights; those of large ones could bring 16 levels each."""
    net = Net()
    graph = canonical(net, net.dense(net.relu(net.dense(net.input(60), 1, name="d"), name="r"), 2, name="y"))
    weight = np.repeat([0.25, 4], 30).astype(np.float32)[None]
    graph = replace(graph, constants={**graph.constants, "d.w": weight, "d.b": np.zeros(1, dtype=np.float32)})
    told: list[Diagnostic] = []
    fine = quantized(graph, few(), graded_inputs=False)
    coarse = quantized(graph, few(), chip(11), report=told.append, graded_inputs=False)
    assert scale(coarse, "r") == 4 * scale(fine, "r")
    (levels,) = (d.message for d in told if d.code == "SNN213")
    assert levels == "levels of 'r' are 4 times coarser, so that no input can overflow 11-bit states"


def test_nothing_is_told_where_everything_fits() -> None:
    told: list[Diagnostic] = []
    quantized(wide(2), report=told.append)
    assert told == []


def test_layers_that_cannot_fit_are_refused_all_at_once() -> None:
    assert refused(wide(2), chip(5), few()) == [("SNN201", "r0"), ("SNN201", "r1"), ("SNN201", "y")]


def test_an_average_pool_that_cannot_fit_is_refused() -> None:
    assert ("SNN201", "mean") in refused(pooled_mean(), chip(9))


def test_levels_that_no_payload_holds_are_refused_all_at_once() -> None:
    assert refused(wide(2), chip(payload_bits=3)) == [("SNN202", "r0"), ("SNN202", "r1")]
    assert ("SNN202", "mean") in refused(pooled_mean(), chip(payload_bits=8))


def test_a_payload_may_be_filled_to_the_last_level() -> None:
    assert quantized(wide(), target=chip(payload_bits=4)).types["r0"].hi == 7


def test_a_target_without_payloads_asks_for_none() -> None:
    target = replace(chip(payload_bits=1), graded=False)
    assert quantized(wide(), target=target, graded_inputs=False).types["r0"].hi == 7


def test_the_same_inputs_give_the_same_network() -> None:
    graph = residual()
    assert quantized(graph) == quantized(residual())


def test_data_of_a_channel_that_is_never_active_does_no_harm() -> None:
    net = Net(5)
    x = net.input(3)
    dead = net.relu(net.dense(x, 4, name="d"), name="dead")
    graph = canonical(net, net.dense(dead, 2, name="y"))
    constants = {**graph.constants, "d.b": np.full(4, -100, dtype=np.float32)}
    integer = quantized(replace(graph, constants=constants))
    assert not execute(integer, encode(integer, data(graph)))["dead"].any()


def test_each_layer_is_announced_in_data_flow_order() -> None:
    seen: list[str] = []
    quantized(residual(), progress=seen.append)
    assert seen == ["stem", "joined", "mean", "score", "map"]


def test_an_output_that_also_fires_is_read_and_sent() -> None:
    net = Net(6)
    charge = net.dense(net.input(4), 3, name="c")
    graph = canonical(net, charge, net.dense(net.relu(charge, name="r"), 2, name="y"))
    integer = quantized(graph)
    assert {name: node.op.name for name, node in integer.node.items() if not node.op.linear} == {
        "x.levels": "encode",
        "c": "readout",
        "r": "fire",
        "y": "readout",
    }


@pytest.mark.parametrize("weight_bits", [2, 4, 8])
def test_no_weight_is_wider_than_asked(weight_bits: int) -> None:
    graph = quantized(residual(), weight_bits=weight_bits)
    weights = [array for name, array in graph.constants.items() if name.endswith("weight") and "mean" not in name]
    assert all(len(mantissas(weight, weight_bits)) == 1 for weight in weights)


def small() -> tuple[Graph, Data]:
    """Return a net of a few dyadic numbers, whose integers any computer rounds alike."""
    net = Net()
    source = net.input(1, 2, 2)
    first = net.relu(net.conv(source, 1, 2, bias=False, name="conv"), name="relu")
    skip = net.dense(net.reshape(source, name="flat"), 2, name="skip")
    graph = canonical(net, net.plus(skip, net.dense(net.reshape(first, name="hidden"), 2, name="deep"), name="y"))
    constants: dict[str, npt.NDArray[np.float64]] = {
        "conv.w": np.array([0.5, -0.25, 1, 0.75]).reshape(1, 1, 2, 2),
        "deep.w": np.array([[1.5], [-0.5]]),
        "skip.w": np.array([[1, 0, -1, 0.5], [0, 0.25, 0, -2]]),
        "skip.b": np.zeros(2),
        "deep.b": np.array([0.25, -1]),
    }
    x = (np.arange(16) % 8 / 8).reshape(4, 1, 2, 2).astype(np.float32)
    return replace(graph, constants={name: value.astype(np.float32) for name, value in constants.items()}), {"x": x}


def test_the_integer_network_is_stable(golden: Callable[[str, str], None]) -> None:
    graph, x = small()
    golden(str(quantized(graph, x, graded_inputs=False)), "quantized.txt")
