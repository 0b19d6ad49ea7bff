"""An artifact of the ONNX backend: same bytes every time, clean names, borders, and a self-test that finds changes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

import snncc
from snncc.compiler.diagnostics import Loc, SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.trace import Feed
from snncc.emission import emit as emit_program
from snncc.runtime.reference import encode, execute
from tests.backends.onnx_harness import BACKEND, check_models, emit, feed_of
from tests.integer_nets import IntegerNet, random_levels, two_layers
from tests.nets import tiny_cnn


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx") / "a"
    emit(two_layers(lo=-2, theta=5), folder)
    return folder


@pytest.fixture
def artifact(emitted: Path, tmp_path: Path) -> Path:
    """Return a copy to spoil."""
    shutil.copytree(emitted, tmp_path / "a")
    return tmp_path / "a"


def selftest(artifact: Path) -> tuple[int, list[str]]:
    found = subprocess.run([sys.executable, artifact / "selftest.py"], capture_output=True, text=True, check=False)
    assert not found.stderr
    return found.returncode, found.stdout.splitlines()


def contents(artifact: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(artifact.iterdir())}


def change_weight(artifact: Path, model: str = "levels.onnx", layer: int = 0) -> str:
    """Add 9 to every element of a layer's weight and return the weight's name."""
    proto = onnx.load(artifact / model)
    weights = [tensor for tensor in proto.graph.initializer if len(tensor.dims) > 1 and tensor.name.startswith("w")]
    chosen = weights[layer]
    chosen.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(chosen) + np.uint8(9), chosen.name))
    (artifact / model).write_bytes(proto.SerializeToString(deterministic=True))
    return chosen.name


def change_manifest(artifact: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((artifact / "manifest.json").read_text())
    change(manifest)
    (artifact / "manifest.json").write_text(json.dumps(manifest))


def reseal(artifact: Path, constants: bool = True) -> None:
    """Make manifest.json agree with the files and, if asked for, with the constants in the models."""

    def seal(manifest: dict[str, Any]) -> None:
        for name in manifest["files"]:
            manifest["files"][name] = hashlib.sha256((artifact / name).read_bytes()).hexdigest()
        if constants:
            models = {name: onnx.load(artifact / name) for name in ("levels.onnx", "network.onnx")}
            manifest["facts"]["constants"] = [
                {"name": t.name, "layer": "-", "models": [name], "sha256": hashlib.sha256(data).hexdigest()}
                for name, model in models.items()
                for t in model.graph.initializer
                if (data := t.SerializeToString(deterministic=True))
            ]

    change_manifest(artifact, seal)


def rewrite(artifact: Path, model: str, change: Callable[[onnx.GraphProto], object]) -> None:
    proto = onnx.load(artifact / model)
    change(proto.graph)
    (artifact / model).write_bytes(proto.SerializeToString(deterministic=True))


def test_a_sound_artifact_passes_its_own_test(emitted: Path) -> None:
    status, said = selftest(emitted)
    assert (status, len(said)) == (0, 1)
    assert said[0].startswith("PASS")


def test_the_artifact_holds_what_its_readme_lists(emitted: Path) -> None:
    files = {"README.md", "golden.npz", "levels.onnx", "manifest.json", "network.onnx", "selftest.py"}
    assert set(contents(emitted)) == files
    assert all(f"`{name}`" in (emitted / "README.md").read_text() for name in files - {"README.md"})


@pytest.mark.parametrize("model", ["levels.onnx", "network.onnx"])
@pytest.mark.parametrize(("layer", "name"), [(0, "conv1"), (1, "dense5"), (2, "dense7")])
def test_a_changed_weight_is_named_with_its_layer(artifact: Path, model: str, layer: int, name: str) -> None:
    weight = change_weight(artifact, model, layer)
    status, said = selftest(artifact)
    assert status == 1
    assert said == [
        f"{model} is not as it was emitted",
        f"{model}: constant {weight} of layer {name} is changed",
        "FAIL",
    ]


@pytest.mark.parametrize("model", ["levels.onnx", "network.onnx"])
def test_a_changed_weight_is_named_even_where_the_hashes_of_the_files_agree(artifact: Path, model: str) -> None:
    weight = change_weight(artifact, model)
    reseal(artifact, constants=False)
    assert selftest(artifact) == (1, [f"{model}: constant {weight} of layer conv1 is changed", "FAIL"])


@pytest.mark.parametrize(
    ("constant", "layer"),
    [("x.levels.scale", "x"), ("x.levels.half", "x"), ("x.levels.hi", "x"), ("y.scale", "dense7")],
)
def test_a_changed_constant_of_encoder_and_output_is_named(artifact: Path, constant: str, layer: str) -> None:
    def change(graph: onnx.GraphProto) -> None:
        tensor = next(t for t in graph.initializer if t.name == constant)
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * 2, constant))

    rewrite(artifact, "network.onnx", change)
    reseal(artifact, constants=False)
    layer = "y" if constant == "y.scale" else "x.levels"
    assert selftest(artifact) == (1, [f"network.onnx: constant {constant} of layer {layer} is changed", "FAIL"])


def test_constants_that_are_missing_or_were_not_emitted_are_named(artifact: Path) -> None:
    def rename(graph: onnx.GraphProto) -> None:
        next(t for t in graph.initializer if t.name == "y.scale").name = "\u00e4"

    rewrite(artifact, "network.onnx", rename)
    reseal(artifact, constants=False)
    status, said = selftest(artifact)
    assert (status, said) == (
        1,
        [
            "network.onnx: constant y.scale of layer y is missing",
            "network.onnx: constant \\xe4 was not emitted",
            "FAIL",
        ],
    )


def test_every_constant_of_the_models_is_in_the_manifest(emitted: Path) -> None:
    listed = json.loads((emitted / "manifest.json").read_text())["facts"]["constants"]
    for name, model in check_models(emitted).items():
        assert {t.name for t in model.graph.initializer} == {e["name"] for e in listed if name in e["models"]}
    assert "-" not in {entry["layer"] for entry in listed}


@pytest.mark.parametrize("name", ["network.onnx", "levels.onnx", "golden.npz", "selftest.py"])
def test_a_manifest_that_does_not_list_what_is_needed_fails(artifact: Path, name: str) -> None:
    change_manifest(artifact, lambda manifest: manifest["files"].pop(name))
    assert selftest(artifact) == (1, [f"manifest.json holds no hash of {name}", "FAIL"])
    change_manifest(artifact, lambda manifest: manifest["files"].clear())
    status, said = selftest(artifact)
    assert (status, len(said)) == (1, 5)


def test_a_manifest_that_lists_no_constants_fails(artifact: Path) -> None:
    change_manifest(artifact, lambda manifest: manifest["facts"]["constants"].clear())
    status, said = selftest(artifact)
    assert status == 1
    assert "network.onnx: constant x.levels.scale was not emitted" in said


def test_the_facts_hold_some_plain_numbers(emitted: Path) -> None:
    facts = json.loads((emitted / "manifest.json").read_text())["facts"]
    plain = {name: fact for name, fact in facts.items() if isinstance(fact, int)}
    graph = two_layers(lo=-2, theta=5)
    parameters = sum(constant.size for constant in graph.constants.values())
    initializers = onnx.load(emitted / "levels.onnx").graph.initializer
    size = sum(numpy_helper.to_array(tensor).nbytes for tensor in initializers)
    assert plain == {"opset": 17, "ir_version": 8, "parameters": parameters, "constant_bytes": size}


def test_a_changed_weight_shows_even_where_all_hashes_were_made_to_agree(artifact: Path) -> None:
    change_weight(artifact)
    reseal(artifact)
    status, (first, last) = selftest(artifact)
    assert (status, last) == (1, "FAIL")
    assert first.startswith("levels.onnx: sample 1, node first (value first, layer first), index (0, 0, 0): expected 1")


def test_a_changed_encoder_or_output_shows(artifact: Path) -> None:
    for constant, kind in (("y.scale", "value y,"), ("x.levels.half", "value y_integer,")):
        proto = onnx.load(artifact / "network.onnx")
        before = proto.SerializeToString(deterministic=True)
        tensor = next(t for t in proto.graph.initializer if t.name == constant)
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + 0.75, constant))
        (artifact / "network.onnx").write_bytes(proto.SerializeToString(deterministic=True))
        reseal(artifact)
        status, said = selftest(artifact)
        assert status == 1
        assert said[0].startswith("network.onnx: sample ")
        assert kind in said[0]
        (artifact / "network.onnx").write_bytes(before)


@pytest.mark.parametrize("name", ["network.onnx", "levels.onnx", "golden.npz", "README.md", "selftest.py"])
def test_a_changed_or_missing_file_is_named(artifact: Path, name: str) -> None:
    whole = (artifact / name).read_bytes()
    (artifact / name).write_bytes(whole + b"\n")
    status, said = selftest(artifact)
    assert (status, said[0]) == (1, f"{name} is not as it was emitted")
    (artifact / name).write_bytes(whole)
    if name != "selftest.py":
        (artifact / name).unlink()
        status, said = selftest(artifact)
        assert (status, said[0]) == (1, f"{name} is missing")


@pytest.mark.parametrize("model", ["levels.onnx", "network.onnx"])
def test_a_model_that_is_cut_short_or_scrambled_is_no_traceback(artifact: Path, model: str) -> None:
    whole = (artifact / model).read_bytes()
    for spoiled in (whole[: len(whole) // 2], b"", b"\xff" * 99, whole[::-1], b"\x3a\x05"):
        (artifact / model).write_bytes(spoiled)
        status, said = selftest(artifact)
        assert (status, said[0]) == (1, f"{model} is not as it was emitted")


def test_a_missing_manifest_is_told(artifact: Path) -> None:
    (artifact / "manifest.json").unlink()
    status, said = selftest(artifact)
    assert (status, said[-1]) == (1, "FAIL")


def test_the_same_program_gives_the_same_bytes(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((24, 1, 8, 8), dtype=np.float32)
    for name in ("a", "b"):
        emit_program(snncc.compile(tiny_cnn(), x, coding="rate", levels=4), BACKEND, tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    code = (
        "import sys, numpy as np, snncc; from pathlib import Path; from snncc.emission import emit;"
        "from snncc.backends.registry import get_backend; from tests.nets import tiny_cnn;"
        "x = np.random.default_rng(0).random((24, 1, 8, 8), dtype=np.float32);"
        "emit(snncc.compile(tiny_cnn(), x, coding='rate', levels=4), get_backend('onnx'), Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code, tmp_path / "c"], cwd=root, env=environment, check=True)
    assert contents(tmp_path / "a") == contents(tmp_path / "c")


def test_both_models_hold_the_same_network(emitted: Path) -> None:
    models = check_models(emitted)
    whole, levels = (models[name].graph for name in ("network.onnx", "levels.onnx"))
    nodes = {node.name: node.SerializeToString(deterministic=True) for node in whole.node}
    constants = {tensor.name: tensor.SerializeToString(deterministic=True) for tensor in whole.initializer}
    assert all(nodes[node.name] == node.SerializeToString(deterministic=True) for node in levels.node)
    assert all(constants[t.name] == t.SerializeToString(deterministic=True) for t in levels.initializer)
    kinds = {onnx.TensorProto.DataType.Name(t.data_type) for t in levels.initializer}
    assert kinds <= {"INT32", "UINT8", "INT64"}  # INT64: the shapes of Reshape


def test_the_batch_is_free_and_every_value_is_declared(emitted: Path) -> None:
    for model in check_models(emitted).values():
        declared = [*model.graph.input, *model.graph.output, *model.graph.value_info]
        assert {d.type.tensor_type.shape.dim[0].dim_param for d in declared} == {"N"}
        assert len(declared) == len({d.name for d in declared})


def hostile() -> Graph:
    """Return a network whose names would break code, paths or comments."""
    net = IntegerNet()
    fired = net.fire(net.dense(net.input(2, name="x"), 2), name='a"; import os #\n')
    again = net.fire(net.dense(fired, 2), name="a__import_os")
    graph = net.graph(net.read(net.dense(again, 2), name="../../y"), labels=("while True:",))
    odd = Loc("net.onnx", 'layer "\n*/ %n')
    nodes = tuple(replace(node, loc=odd) for node in graph.nodes)
    return replace(graph, name="g\n", nodes=nodes)


def test_names_of_the_user_are_never_names_in_the_models(tmp_path: Path) -> None:
    graph = hostile()
    emit(graph, tmp_path / "a")
    for model in check_models(tmp_path / "a").values():
        names = [name for node in model.graph.node for name in (node.name, *node.input, *node.output)]
        names += [model.graph.name, *(t.name for t in model.graph.initializer)]
        names += [v.name for v in (*model.graph.input, *model.graph.output, *model.graph.value_info)]
        assert all(name and set(name.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.") for name in names)
        docs = {node.doc_string for node in model.graph.node}
        assert docs == {"layer layer%20%22%0A%2A/%20%25n"}
    assert selftest(tmp_path / "a")[0] == 0


def test_the_manifest_says_which_value_is_which_node(tmp_path: Path) -> None:
    graph = hostile()
    emit(graph, tmp_path / "a")
    facts: dict[str, Any] = json.loads((tmp_path / "a" / "manifest.json").read_text())["facts"]
    assert [entry["node"] for entry in facts["values"]] == ['a"; import os #\n', "a__import_os", "../../y"]
    assert [entry["value"] for entry in facts["values"]] == ["a_import_os", "a__import_os", "while_True_integer"]
    low, high = facts["values"][0]["charge"]
    charges = execute(graph, random_levels(graph, 50))['a"; import os #\n.charge']
    assert low <= charges.min() <= charges.max() <= high
    assert facts["outputs"][0]["real"] == "while_True"


def counts(scale: float, lo: int, hi: int) -> Graph:
    """Return a network whose output is the level of its input."""
    net = IntegerNet()
    x = net.input(1, lo=lo, hi=hi, scale=scale)
    return net.graph(net.read(net.dense(x, 1, [[1]]), name="y"))


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.1, 1 / 3, 1 / 255, 7.25, 3e-5, float(np.float32(0.017))])
@pytest.mark.parametrize(("lo", "hi"), [(0, 255), (-127, 127), (-3, 1000)])
def test_the_encoder_agrees_at_ties_beside_them_and_beyond_the_range(
    scale: float, lo: int, hi: int, tmp_path: Path
) -> None:
    graph = counts(scale, lo, hi)
    emit(graph, tmp_path / "a")
    ties = ((np.arange(lo - 3, hi + 4) + 0.5) * scale).astype(np.float32)
    beside = [np.nextafter(ties, np.float32(end)) for end in (-np.inf, np.inf)]
    wild = np.array([np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-45], np.float32)
    x = np.concatenate([ties, *beside, wild])[:, None]
    session = ort.InferenceSession((tmp_path / "a" / "network.onnx").read_bytes())
    integers, reals = session.run(["y_integer", "y"], {"x": x})
    assert np.array_equal(integers, encode(graph, {"x": x})["x.levels"])
    assert integers.dtype == np.int32
    assert reals.dtype == np.float32


def test_the_network_gives_what_run_gives(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((40, 1, 8, 8), dtype=np.float32)
    program = snncc.compile(tiny_cnn(), x, bits=4)
    emit_program(program, BACKEND, tmp_path / "a")
    session = ort.InferenceSession((tmp_path / "a" / "network.onnx").read_bytes())
    found = session.run(["y"], {"x": x})[0]
    assert np.array_equal(found, snncc.run(program, x)["y"].astype(np.float32))


@pytest.mark.parametrize("spoil", ["levels.onnx", "manifest.json"])
def test_running_a_broken_artifact_is_a_diagnostic(artifact: Path, spoil: str) -> None:
    (artifact / spoil).write_bytes(b"{}")
    graph = two_layers(lo=-2, theta=5)
    with pytest.raises(SnnccError) as error:
        list(BACKEND.run(artifact, feed_of(graph, random_levels(graph, 2))))
    assert [d.code for d in error.value.diagnostics] == ["SNN604"]


@pytest.mark.parametrize(("fact", "code"), [("values", "SNN604"), ("levels", "SNN606")])
def test_a_manifest_that_names_other_values_is_a_diagnostic(artifact: Path, fact: str, code: str) -> None:
    path = artifact / "manifest.json"
    path.write_text(path.read_text().replace(f'"{fact}": ', f'"{fact}": "none", "was_{fact}": '))
    graph = two_layers(lo=-2, theta=5)
    with pytest.raises(SnnccError) as error:
        list(BACKEND.run(artifact, feed_of(graph, random_levels(graph, 2))))
    assert [d.code for d in error.value.diagnostics] == [code]


@pytest.mark.parametrize(
    "levels", [{}, {"z": np.zeros((2, 16), np.int64)}, {"x": np.zeros((2, 15), np.int64)}, {"x": np.full((2, 16), 4)}]
)
def test_a_feed_that_does_not_fit_is_refused(artifact: Path, levels: dict[str, Any]) -> None:
    with pytest.raises(SnnccError) as error:
        list(BACKEND.run(artifact, Feed(0, {}, levels)))
    assert [d.code for d in error.value.diagnostics] == ["SNN606"]


def test_nothing_is_run_before_it_is_asked_for(artifact: Path) -> None:
    graph = two_layers(lo=-2, theta=5)
    trace = BACKEND.run(artifact, feed_of(graph, random_levels(graph, 200)))
    assert set(next(trace)) == {"x.levels", "first", "pool", "reshape4", "second", "y"}
