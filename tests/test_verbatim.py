"""Networks quantized elsewhere keep every integer: the bundled ones, against their own runtimes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

import snncc
from snncc.cli import main
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder
from snncc.compiler.options import make_options
from snncc.compiler.quantize.verbatim_weights import rounded_weights
from snncc.compiler.verbatim import take_over
from snncc.runtime.checker import check
from snncc.runtime.reference import encode, execute
from tests.quantized.runtimes import differing, float_values, in_onnxruntime, in_qonnx, of_program, shown_with

FOLDER, EXAMPLES = Path(__file__).parent / "quantized", Path(__file__).parent.parent / "examples"
CPU = Path("/proc/cpuinfo")
TIES = 2e-5  # share of levels that float32 rounding may decide otherwise, each at a charge next to a threshold


def data(example: str, samples: int, kind: str = "test") -> npt.NDArray[np.float32]:
    """Return inputs of an example."""
    x: npt.NDArray[np.float32] = np.load(EXAMPLES / example / f"{kind}.npz")["x"][:samples].astype(np.float32)
    return x


def network_of(proto: onnx.ModelProto) -> Graph:
    """Return the integer network alone."""
    return take_over(snncc.import_model(proto), {}, make_options(), lambda p, g: None, lambda d: None)[1]


def test_a_brevitas_network_equals_qonnx_in_every_integer() -> None:
    pytest.importorskip("qonnx")
    proto, x = onnx.load(FOLDER / "brevitas_4bit.onnx"), data("mnist_cnn", 20)
    program = snncc.compile(proto)
    theirs = in_qonnx(proto, x)
    assert len(theirs) == 5
    assert differing(program, theirs, x) == dict.fromkeys(theirs, 0)


def test_a_brevitas_program_is_exact_and_accepted_by_the_checker(tmp_path: Path) -> None:
    program = snncc.compile(FOLDER / "brevitas_4bit.onnx")
    report = snncc.verify(program, data("mnist_cnn", 10), limit=2)
    assert report.exact
    assert report.agreement == 1
    program.save(tmp_path / "net.snnp")
    assert check(tmp_path / "net.snnp") == []


@pytest.mark.skipif(not (CPU.exists() and "vnni" in CPU.read_text()), reason="8-bit kernels saturate on other machines")
@pytest.mark.parametrize("name", ["mnist_qdq_tensor", "mnist_qdq_channel"])
def test_a_qdq_network_equals_onnxruntimes_integer_kernels_in_every_integer(name: str) -> None:
    proto, x = onnx.load(FOLDER / f"{name}.onnx"), data("mnist_cnn", 200)
    network, theirs = network_of(proto), in_onnxruntime(proto, x, optimized=True)
    ours = execute(network, encode(network, {network.inputs[0].name: x}))
    places = {n.loc.name: n.name for n in network.nodes if isinstance(n.op, Encode | Fire | Ladder)}
    assert len(places) == 4
    for place, name in places.items():
        np.testing.assert_array_equal(ours[name].reshape(theirs[place].shape), theirs[place], err_msg=place)


@pytest.mark.parametrize(
    ("name", "example"), [("mnist_qdq_tensor", "mnist_cnn"), ("mnist_qdq_channel", "mnist_cnn"),
                          ("resnet_qdq_channel", "fashion_resnet")]
)  # fmt: skip
def test_a_qdq_network_equals_onnxruntimes_floats_but_where_their_rounding_decides_a_tie(
    name: str, example: str
) -> None:
    proto, x = onnx.load(FOLDER / f"{name}.onnx"), data(example, 40)
    network, theirs = network_of(proto), in_onnxruntime(proto, x)
    total, ties = _compared_layer_by_layer(network, theirs, x)
    assert total > 700_000
    assert ties <= TIES * total


def _compared_layer_by_layer(network: Graph, theirs: dict[str, Any], x: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Compare each layer, given the runtime's own levels; return how many levels there are, and how many differ.

    One that differs must do so by 1, at the charge just below or at a threshold.
    """
    values: dict[str, Any] = {}
    total = differ = 0
    for node in network.nodes:
        before = {k: v for k, v in values.items() if k in node.inputs}
        part = Graph("part", network.stage, network.inputs, (node,), (node.name,), network.constants)
        values |= encode(network, {network.inputs[0].name: x}) if isinstance(node.op, Encode) else _run(part, before)
        if isinstance(node.op, Fire | Ladder) and node.loc.name in theirs:
            wanted = theirs[node.loc.name].reshape(values[node.name].shape)
            wrong = values[node.name] != wanted
            total, differ = total + wanted.size, differ + int(wrong.sum())
            assert (np.abs(values[node.name] - wanted)[wrong] == 1).all()
            assert _next_to_threshold(network, node, values[f"{node.name}.charge"], wrong)
            values[node.name] = wanted
        elif isinstance(node.op, Encode):
            np.testing.assert_array_equal(values[node.name], theirs[node.loc.name])
    return total, differ


def _run(part: Graph, before: dict[str, Any]) -> dict[str, Any]:
    from snncc.runtime.reference import _evaluate

    values = dict(before)
    _evaluate(part, part.nodes[0], {}, values)
    return values


def _next_to_threshold(network: Graph, node: Any, charge: Any, wrong: Any) -> bool:
    if isinstance(node.op, Fire):
        return not wrong.any()  # regular thresholds are exact in float32
    bias, thresholds = (network.constants[name] for name in node.inputs[-3:-1])
    assert not bias.any()
    places = np.argwhere(wrong)
    return all(np.abs(thresholds[p[1]] - charge[tuple(p)] - 0.5).min() <= 0.5 for p in places)


def test_a_qcfs_network_equals_itself_with_the_weights_it_was_given() -> None:
    file, x = FOLDER / "qcfs_l4.onnx", data("mnist_cnn", 60)
    program = snncc.compile(file, data("mnist_cnn", 100, "calibration"))
    assert program.origin is not None
    assert {note.code for note in program.origin.notes} == {"SNN227", "SNN228"}
    network, proto = program.origin.network, onnx.load(file)
    for tensor in proto.graph.initializer:
        weight = numpy_helper.to_array(tensor)
        if tensor.name.endswith("weight") and weight.ndim > 1:
            whole, scale = rounded_weights(weight, 8, shared=tensor.name == "last.weight")
            rounded = whole.astype(np.float32) * scale.reshape(-1, *(1,) * (weight.ndim - 1))
            tensor.CopyFrom(numpy_helper.from_array(rounded.astype(np.float32), tensor.name))
    levels = encode(network, {"x": x})["x.levels"]
    held = next(node.op for node in network.nodes if isinstance(node.op, Encode))
    results = {node.name: node.output[0] for node in proto.graph.node}
    fires = [n for n in network.nodes if isinstance(n.op, Fire | Ladder) and n.loc.op == "Mul"]
    theirs = float_values(proto, (levels * held.scale).astype(np.float32), [results[n.loc.name] for n in fires])
    ours = of_program(program, x)
    assert len(fires) == 3
    for node in fires:
        real = theirs[results[node.loc.name]].astype(np.float64)
        wanted = np.rint(real / node.op.scale).astype(np.int64)  # type: ignore[attr-defined]
        have = shown_with(network, ours, node.name, wanted.size)
        np.testing.assert_array_equal(have, wanted.reshape(have.shape))
    report = snncc.verify(program, x, limit=2)
    assert report.exact


def test_networks_without_levels_of_their_own_need_calibration_data() -> None:
    with pytest.raises(SnnccError, match="SNN229"):
        snncc.compile(EXAMPLES / "mnist_cnn" / "mnist_cnn.onnx")
    with pytest.raises(SnnccError, match="SNN229"):
        snncc.compile(FOLDER / "qcfs_l4.onnx")
    with pytest.raises(SnnccError, match="SNN229"):
        snncc.compile(FOLDER / "brevitas_4bit.onnx", coding="auto")


def test_options_that_change_nothing_are_told() -> None:
    program = snncc.compile(FOLDER / "brevitas_4bit.onnx", bits=3, weight_bits="8,relu=4", rounding="nearest")
    assert program.origin is not None
    (note,) = [note for note in program.origin.notes if note.code == "SNN226"]
    assert note.message.startswith("bits and rounding and weight_bits are not used")
    assert program.population["x.levels"].claim.hi == 255  # type: ignore[union-attr]


def test_the_command_line_needs_no_calibration_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.snnp"
    assert _exit(["compile", str(FOLDER / "brevitas_4bit.onnx"), "-o", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(file)
    assert _exit(["compile", str(EXAMPLES / "mnist_cnn" / "mnist_cnn.onnx"), "-o", str(file)]) == 1
    assert "SNN229" in capsys.readouterr().err


def _exit(words: list[str]) -> object:
    with pytest.raises(SystemExit) as status:
        main(words)
    return status.value.code
