"""Bring an ONNX model into one form: functions inlined, one opset, constants folded, gates joined, batch fixed."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import onnx
import onnx.checker
import onnx.inliner
import onnx.shape_inference
import onnx.version_converter
import onnx_ir as ir

from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.frontend.naming import ORIGIN_NAME, ORIGIN_OP
from snncc.compiler.frontend.onnx_gates import join_gates
from snncc.compiler.frontend.onnx_integer_weights import settle_weights
from snncc.compiler.frontend.onnx_quantizers import is_quantizer
from snncc.compiler.frontend.onnx_steps import find_quantizers

OLDEST, ONE_FORM = 7, 18
_NO_LIMIT = 2**62


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings and log lines of the libraries away from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


class Doubts:
    """Collects what libraries hold against a model, told only if our own reading breaks down."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def add(self, what: str, error: Exception) -> None:
        """Keep the first line of an error."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        self.reasons.append(f"{what}: {lines[0] if lines else type(error).__name__}")


def batch_size(proto: onnx.ModelProto) -> int:
    """Return the batch size that the inputs fix, 1 where they leave it open."""
    sizes = [
        value.type.tensor_type.shape.dim[0].dim_value
        for value in user_inputs(proto)
        if value.type.tensor_type.shape.dim
    ]
    return next((size for size in sizes if size > 0), 1)


def user_inputs(proto: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs that are no weights (old files list the initializers among the inputs)."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    return [value for value in proto.graph.input if value.name not in weights]


def clean(proto: onnx.ModelProto, batch: int, file: str, doubts: Doubts) -> ir.Model:
    """Return the model in one form; what cannot be done is left as it is and kept as a doubt.

    Args:
        proto: the user's model, left as it is.
        batch: size to give to an open batch dimension.
        file: name for messages.
        doubts: takes what the libraries object to.

    Raises:
        SnnccError: SNN101 the opset is too old or missing.
    """
    proto = _without_training(proto)
    _attempt(doubts, "it is not valid ONNX", lambda: onnx.checker.check_model(proto))
    _fix_batch(proto, batch)
    if proto.functions:
        proto = _inlined(proto, doubts)
    origins = {out: node for node in proto.graph.node for out in node.output if out}
    proto = _with_shapes(_in_one_opset(proto, file, doubts), doubts)
    model = ir.from_proto(proto)
    _remember(model, origins)
    _fold(model, doubts)
    settle_weights(model)
    find_quantizers(model)
    join_gates(model)
    return model


def _attempt(doubts: Doubts, what: str, action: Callable[[], object]) -> None:
    try:
        action()
    except Exception as error:  # libraries raise anything here; our own reading has the last word
        doubts.add(what, error)


def _without_training(proto: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    del copy.training_info[:]
    del copy.graph.value_info[:]
    for value in copy.graph.output:
        value.type.tensor_type.shape.SetInParent()  # the checker wants one, onnxruntime does not
    named = {entry.domain for entry in copy.opset_import}
    for domain in sorted({node.domain for node in copy.graph.node} - named - {"ai.onnx"}):
        copy.opset_import.append(onnx.helper.make_opsetid(domain, 1))
    return copy


def _fix_batch(proto: onnx.ModelProto, batch: int) -> None:
    for value in user_inputs(proto):
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].dim_value <= 0:
            dims[0].dim_value = batch
    for value in proto.graph.output:
        value.type.tensor_type.ClearField("shape")


def _inlined(proto: onnx.ModelProto, doubts: Doubts) -> onnx.ModelProto:
    try:
        return onnx.inliner.inline_local_functions(proto, convert_version=True)
    except Exception as error:  # C++ errors of many kinds
        doubts.add("its functions cannot be inlined", error)
        return proto


def _in_one_opset(proto: onnx.ModelProto, file: str, doubts: Doubts) -> onnx.ModelProto:
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions or versions[0] < OLDEST:
        found = f"uses opset {versions[0]}" if versions else "names no opset"
        hint = f"export the model again with opset {ONE_FORM}"
        raise fail("SNN101", f"'{file}' {found}, opset {OLDEST} or newer is read", Loc(file, file), hint)
    if versions[0] >= ONE_FORM:
        return proto
    try:
        return onnx.version_converter.convert_version(proto, ONE_FORM)
    except Exception as error:  # C++ errors of many kinds
        doubts.add(f"it cannot be converted from opset {versions[0]} to {ONE_FORM}", error)
        return proto


def _remember(model: ir.Model, origins: dict[str, onnx.NodeProto]) -> None:
    """Give the nodes back the names, metadata and meaning that conversion drops."""
    for node in model.graph:
        proto = next((origins[out.name] for out in node.outputs if out.name in origins), None)
        if proto is None:
            continue
        node.metadata_props.update({entry.key: entry.value for entry in proto.metadata_props})
        node.metadata_props[ORIGIN_NAME] = proto.name
        node.metadata_props[ORIGIN_OP] = proto.op_type
        if proto.op_type == "BatchNormalization" and sum(map(bool, proto.output)) > 1:
            node.attributes["training_mode"] = ir.AttrInt64("training_mode", 1)  # conversion drops what tells it


def _with_shapes(proto: onnx.ModelProto, doubts: Doubts) -> onnx.ModelProto:
    infer = onnx.shape_inference.infer_shapes
    try:
        return infer(proto, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # C++ errors of many kinds
        doubts.add("its shapes do not fit together", error)
    try:
        return infer(proto, data_prop=True)
    except Exception:  # the same, without strict mode
        return proto


def _fold(model: ir.Model, doubts: Doubts) -> None:
    import onnxscript.optimizer
    from onnx_ir.passes import common

    common.RemoveInitializersFromInputsPass()(model)
    if not _in_order(model):
        common.TopologicalSortPass()(model)
    _attempt(
        doubts,
        "its constants cannot be folded",
        lambda: onnxscript.optimizer.fold_constants(
            model,
            onnx_shape_inference=True,
            input_size_limit=_NO_LIMIT,
            output_size_limit=_NO_LIMIT,
            should_fold=lambda node: not is_quantizer(node),
        ),
    )
    common.RemoveUnusedNodesPass()(model)


def _in_order(model: ir.Model) -> bool:
    """Return whether every node stands after those it reads; sorting would move the rest about."""
    place = {node: index for index, node in enumerate(model.graph)}
    return all(
        place.get(producer, -1) < place[node]
        for node in place
        for producer in (value.producer() for value in node.inputs if value is not None)
        if producer is not None
    )
