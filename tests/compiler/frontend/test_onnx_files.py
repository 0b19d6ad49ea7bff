"""Files: what can be read, in all its historical forms, and one clear diagnostic for what cannot."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from snncc.compiler.diagnostics import InternalError, SnnccError
from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.ops import Relu
from tests.compiler.frontend.models import OPSETS, agrees, codes, kinds, model, node, weight


def small(opset: int = 18, **options: object) -> onnx.ModelProto:
    nodes = [node("Conv", "x w b", "h"), node("Relu", "h")]
    weights = {"w": weight(3, 2, 3, 3), "b": weight(3)}
    return model(nodes, weights=weights, opset=opset, **options)  # type: ignore[arg-type]


def test_path_bytes_and_proto_give_the_same_graph(tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    onnx.save(small(), str(path))
    graph = import_onnx(path)
    assert graph == import_onnx(str(path))
    assert graph.name == "small"
    assert graph.nodes == import_onnx(path.read_bytes()).nodes == import_onnx(small()).nodes


def test_locations_name_the_file_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "small.onnx"
    path.parent.mkdir()
    onnx.save(small(), str(path))
    assert str(import_onnx(path).nodes[0].loc) == "small.onnx:h (Conv)"
    assert import_onnx(path, file="mine").nodes[0].loc.file == "mine"


def test_the_users_proto_stays_as_it_is() -> None:
    proto = small(opset=9)
    before = proto.SerializeToString(deterministic=True)
    import_onnx(proto)
    assert proto.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("opset", [*OPSETS, 23])
def test_every_opset_from_7_is_read(opset: int) -> None:
    agrees(small(opset))


def test_weights_may_be_listed_among_the_inputs() -> None:
    graph = agrees(small(opset=8, weights_are_inputs=True))
    assert [i.name for i in graph.inputs] == ["x"]


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_taken_off(batch: int) -> None:
    nodes = [node("Conv", "x w", "h"), node("Reshape", "h s", "f"), node("Gemm", "f v")]
    weights = {"w": weight(3, 2, 3, 3), "s": np.array([batch, 48]), "v": weight(48, 2)}
    graph = import_onnx(model(nodes, (batch, 2, 6, 6), weights))
    assert graph.inputs[0].type.shape == (2, 6, 6)
    assert graph.types[graph.outputs[0]].shape == (2,)


def test_several_inputs_and_outputs_are_kept() -> None:
    nodes = [
        node("Conv", "x w", "h"), node("Conv", "z w", "g"), node("Add", "h g", "s"), node("Relu", "s", "r"),
    ]  # fmt: skip
    proto = model(
        nodes, weights={"w": weight(3, 2, 3, 3)}, inputs={"x": ("N", 2, 6, 6), "z": ("N", 2, 6, 6)},
        outputs="r s",
    )  # fmt: skip
    graph = agrees(proto)
    assert [i.name for i in graph.inputs] == ["x", "z"]
    assert graph.outputs == ("r", "s")


def test_a_shared_weight_is_one_constant() -> None:
    nodes = [node("Conv", "x w", "h", pads=[1] * 4), node("Conv", "h w")]
    assert list(agrees(model(nodes, weights={"w": weight(2, 2, 3, 3)})).constants) == ["w"]


def test_names_are_unique_and_plain() -> None:
    nodes = [node("Conv", "x w", "h", name="a/b c"), node("Relu", "h", "7"), node("Conv", "7 w", name="a_b_c")]
    graph = import_onnx(model(nodes, weights={"w": weight(2, 2, 3, 3)}))
    assert [n.name for n in graph.nodes] == ["a_b_c", "relu_7", "a_b_c_1"]
    assert graph.nodes[0].loc.name == "a/b c"


def test_names_of_older_torch_give_the_module_path() -> None:
    nodes = [node("Conv", "x w", "h", name="/features/features.0/Conv"), node("Relu", "h", name="/Relu")]
    graph = import_onnx(model(nodes, weights={"w": weight(2, 2, 3, 3)}))
    assert [n.name for n in graph.nodes] == ["features.0.Conv", "Relu"]
    assert [n.loc.module for n in graph.nodes] == ["features.0", ""]


def test_names_and_operators_survive_conversion_of_the_opset() -> None:
    nodes = [node("Conv", "x w", "h", name="one"), node("Clip", "h", min=0.0, max=6.0, name="two")]
    graph = import_onnx(model(nodes, weights={"w": weight(2, 2, 3, 3)}, opset=7))
    assert [(n.loc.name, n.loc.op) for n in graph.nodes] == [("one", "Conv"), ("two", "Clip")]


def test_nodes_that_no_output_needs_are_left_out() -> None:
    nodes = [node("Conv", "x w"), node("Sigmoid", "x", "unused")]
    assert len(import_onnx(model(nodes, weights={"w": weight(2, 2, 3, 3)})).nodes) == 1


def test_nodes_may_stand_in_any_order_that_onnxruntime_accepts() -> None:
    nodes = [node("Relu", "h"), node("Conv", "x w", "h")]
    graph = import_onnx(model(nodes, weights={"w": weight(2, 2, 3, 3)}))
    assert [n.op.name for n in graph.nodes] == ["conv", "relu"]


def test_functions_are_inlined() -> None:
    body = [node("Conv", "a k", "c"), node("Relu", "c", "r")]
    block = helper.make_function("mine", "Block", ["a", "k"], ["r"], body, [helper.make_opsetid("", 18)])
    proto = model([node("Block", "x w", domain="mine")], weights={"w": weight(2, 2, 3, 3)}, domains=["mine"])
    proto.functions.append(block)
    assert [n.op.name for n in agrees(proto).nodes] == ["conv", "relu"]


def test_training_metadata_is_left_out() -> None:
    proto = small()
    proto.training_info.add().algorithm.name = "sgd"
    import_onnx(proto)


@pytest.mark.parametrize("level", ["BASIC", "EXTENDED"])
def test_files_that_onnxruntime_optimized_are_read(tmp_path: Path, level: str) -> None:
    nodes = [
        node("Conv", "x w b", "h"), node("Relu", "h", "r"), node("Flatten", "r", "f"), node("Gemm", "f v", "g"),
        node("Relu", "g", "q"), node("MatMul", "q u", "m"), node("Add", "m a"),
    ]  # fmt: skip
    weights = {"w": weight(3, 2, 3, 3), "b": weight(3), "v": weight(48, 5), "u": weight(5, 2), "a": weight(2)}
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(model(nodes, weights=weights).SerializeToString(), options)
    proto = onnx.load(str(tmp_path / "optimized.onnx"))
    kinds = [n.op.name for n in agrees(proto).nodes]
    assert kinds == ["conv", "relu", "reshape", "dense", "relu", "dense"]


def test_weights_in_a_file_of_their_own_are_read_and_missed(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    proto = model([node("Gemm", "x w")], ("N", 50), {"w": weight(50, 20)})
    onnx.save(proto, str(path), save_as_external_data=True, location="w.bin", size_threshold=0)
    assert import_onnx(path).constants["w"].shape == (20, 50)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(SnnccError, match="file of their own") as error:
        import_onnx(path)
    assert codes(error) == ["SNN101"]


def broken(tmp_path: Path) -> dict[str, Path]:
    whole = small().SerializeToString()
    contents = {
        "empty": b"", "cut": whole[: len(whole) // 2], "text": b"not a model\n", "zip": b"PK\x03\x04....",
        "noise": bytes(range(256)), "old": model([node("Relu", "x")], opset=5).SerializeToString(),
        "bare": onnx.ModelProto(ir_version=8).SerializeToString(),
    }  # fmt: skip
    paths = {name: tmp_path / f"{name}.onnx" for name in contents}
    for name, data in contents.items():
        paths[name].write_bytes(data)
    return paths


@pytest.mark.parametrize("name", ["empty", "cut", "text", "zip", "noise", "old", "bare"])
def test_a_broken_file_is_one_diagnostic(tmp_path: Path, name: str) -> None:
    with pytest.raises(SnnccError) as error:
        import_onnx(broken(tmp_path)[name])
    assert codes(error) == ["SNN101"]
    assert error.value.exit_code == 1
    assert f"{name}.onnx" in str(error.value)
    assert error.value.diagnostics[0].hint


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_file_cut_anywhere_is_a_diagnostic(cut: int) -> None:
    whole = small().SerializeToString()
    with pytest.raises(SnnccError) as error:
        import_onnx(whole[: len(whole) * cut // 20])
    assert all(code.startswith("SNN1") for code in codes(error))


def test_a_missing_file_and_a_folder_are_one_diagnostic(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.onnx", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(SnnccError, match=words) as error:
            import_onnx(path)
        assert codes(error) == ["SNN100"]


def test_a_model_that_onnxruntime_cannot_load_is_a_diagnostic() -> None:
    proto = small()
    proto.opset_import[0].version = 99
    with pytest.raises(SnnccError) as error:
        import_onnx(proto)
    assert codes(error) == ["SNN101"]


def test_a_model_without_operators_or_weights_is_a_diagnostic() -> None:
    for nodes, words in (([], "no operators"), ([node("Relu", "x")], "no weights")):
        with pytest.raises(SnnccError, match=words) as error:
            import_onnx(model(nodes))
        assert codes(error) == ["SNN106"]


def test_sparse_weights_are_a_diagnostic() -> None:
    proto = small()
    values = helper.make_tensor("s", onnx.TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", onnx.TensorProto.INT64, [1], [2])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))
    with pytest.raises(SnnccError, match="sparse"):
        import_onnx(proto)


def fused(**attributes: Any) -> onnx.ModelProto:
    """A FusedConv as onnxruntime writes it on other machines: with a sum, or with a cap."""
    nodes = [
        node("Relu", "x", "z"),
        node("FusedConv", "x w b z", domain="com.microsoft", pads=[1, 1, 1, 1], **attributes),
    ]
    weights = {"w": weight(2, 2, 3, 3), "b": weight(2)}
    return model(nodes, weights=weights, domains=["com.microsoft"])


def test_fused_sums_and_caps_are_taken_apart() -> None:
    assert kinds(agrees(fused(activation="Relu"))) == ["relu", "conv", "add", "relu"]
    graph = agrees(fused(activation="Clip", activation_params=[0.0, 0.5]))
    assert graph.nodes[-1].op == Relu(0.5)


FUSED: list[tuple[dict[str, Any], Curve]] = [
    ({"activation": "Tanh"}, Curve("tanh")),
    ({"activation": "Sigmoid"}, Curve("sigmoid")),
    ({"activation": "LeakyRelu", "activation_params": [0.2]}, Curve("leaky_relu", (0.2,))),
    ({"activation": "HardSigmoid", "activation_params": [0.2, 0.5]}, Curve("hard_sigmoid", (0.2, 0.5))),
    ({"activation": "Clip", "activation_params": [-1.0, 1.0]}, Curve("clip", (-1.0, 1.0))),
]


@pytest.mark.parametrize(("attributes", "wanted"), FUSED)
def test_fused_activations_are_taken_apart(attributes: dict[str, Any], wanted: Curve) -> None:
    assert agrees(fused(**attributes)).nodes[-1].op == wanted


def test_an_activation_fused_into_a_dense_layer_keeps_its_parameters() -> None:
    gemm = node("FusedGemm", "x w", domain="com.microsoft", activation="LeakyRelu", activation_alpha=0.2)
    graph = agrees(model([gemm], ("N", 5), {"w": weight(5, 3)}, domains=["com.microsoft"]))
    assert graph.nodes[-1].op == Curve("leaky_relu", (0.2,))


def test_a_fused_activation_that_no_neuron_has_is_refused() -> None:
    for given in ({"activation": "Clip", "activation_params": [1.0, 2.0]}, {"activation": "HardSwish"}):
        with pytest.raises(SnnccError, match="fuses the activation"):
            import_onnx(fused(**given))


def test_functions_of_an_old_opset_are_inlined_and_converted() -> None:
    body = [node("Conv", "a k", "c"), node("Relu", "c", "r")]
    block = helper.make_function("mine", "Block", ["a", "k"], ["r"], body, [helper.make_opsetid("", 12)])
    proto = model([node("Block", "x w", domain="mine")], weights={"w": weight(2, 2, 3, 3)}, domains=["mine"], opset=12)
    proto.functions.append(block)
    assert kinds(agrees(proto)) == ["conv", "relu"]


def test_a_path_that_cannot_be_opened_is_one_diagnostic(tmp_path: Path) -> None:
    for path in (tmp_path / ("x" * 300), str(tmp_path / "nul\0byte")):
        with pytest.raises(SnnccError, match="cannot be read") as error:
            import_onnx(path)
        assert codes(error) == ["SNN100"]


def test_a_library_that_breaks_down_on_an_invalid_model_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    proto = small()
    proto.graph.node[0].input[0] = "nowhere"

    def breaks(*arguments: object) -> None:
        raise KeyError("nowhere")

    monkeypatch.setattr("snncc.compiler.frontend.onnx_reader.walk", breaks)
    with pytest.raises(SnnccError, match="not valid ONNX") as error:
        import_onnx(proto)
    assert codes(error) == ["SNN101"]
    with pytest.raises(InternalError, match="failed"):
        import_onnx(small())
