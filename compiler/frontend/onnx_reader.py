"""The ONNX door: a model file becomes an IMPORTED graph that is checked against the file itself."""

from __future__ import annotations

import onnx

from snncc.compiler.diagnostics import InternalError, Loc, SnnccError, fail
from snncc.compiler.frontend.onnx_clean import Doubts, batch_size, clean, quiet
from snncc.compiler.frontend.onnx_load import Source, load_onnx
from snncc.compiler.frontend.onnx_runnable import runnable
from snncc.compiler.frontend.onnx_walk import Walked, graph_name, walk
from snncc.compiler.frontend.selfcheck import check_against_model
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.verify import check


def import_onnx(source: Source, file: str | None = None) -> Graph:
    """Return an ONNX model (opset 7 or newer) as an IMPORTED graph; values carry no batch axis.

    Args:
        source: path, bytes or proto.
        file: name for messages and locations instead of the path's last part.

    Raises:
        SnnccError: SNN100 to SNN109, everything that is wrong with the model at once.
        InternalError: the graph does not compute what onnxruntime computes from the model.
    """
    return read_onnx(source, file).graph


def read_onnx(source: Source, file: str | None = None) -> Walked:
    """Return the graph of an ONNX model and the IR name of each of its outputs; see ``import_onnx``."""
    proto, file = load_onnx(source, file)
    if not proto.graph.node:
        hint = "export the trained model with its layers"
        raise fail("SNN106", "the model holds no operators", Loc(file, file), hint)
    if proto.graph.sparse_initializer:
        names = [tensor.values.name for tensor in proto.graph.sparse_initializer]
        raise fail("SNN103", f"the weights {names} are sparse", Loc(file, file), "save them as dense tensors")
    batch = batch_size(proto)
    walked = _read(proto, batch, file)
    check(walked.graph, "import_onnx")
    check_against_model(runnable(proto), walked.graph, walked.outputs, batch, file)
    return walked


def _read(proto: onnx.ModelProto, batch: int, file: str) -> Walked:
    doubts = Doubts()
    try:
        with quiet():
            model = clean(proto, batch, file, doubts)
        return walk(model, batch, file, graph_name(file, proto.graph.name))
    except (SnnccError, InternalError):
        raise
    except Exception as error:
        if not doubts.reasons:
            raise InternalError(f"reading '{file}' failed: {error!r}") from error
        hint = "check the file with onnx.checker.check_model, or export it again"
        raise fail("SNN101", f"'{file}': {doubts.reasons[0]}", Loc(file, file), hint) from error
