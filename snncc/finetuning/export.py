"""A fine-tuned module as an ONNX file with QuantizeLinear nodes, which compiles where there is no torch."""

from __future__ import annotations

import contextlib
import io

import onnx
import torch

from snncc.compiler.diagnostics import InternalError
from snncc.compiler.frontend.onnx_clean import quiet
from snncc.compiler.ir.graph import Graph
from snncc.finetuning.frozen import FineTuned


def to_onnx(module: FineTuned, graph: Graph) -> bytes:
    """Return a fine-tuned module as ONNX; inputs and outputs keep the names of the network that was fine-tuned.

    The file takes one sample at a time: torch 2.13 cannot export fake quantizers with an open batch axis.

    Args:
        module: what ``finetune`` gave.
        graph: the imported network.
    """
    example = tuple(torch.zeros(1, *i.type.shape) for i in graph.inputs)
    silent = io.StringIO()
    with torch.no_grad(), quiet(), contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
        program = torch.onnx.export(
            module,
            example,
            input_names=[i.name for i in graph.inputs],
            output_names=list(graph.named_outputs),
            dynamo=True,
            optimize=False,
            verbose=False,
        )
    if program is None:
        raise InternalError("torch.onnx.export returned no program")
    proto = program.model_proto
    _strip(proto)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _strip(proto: onnx.ModelProto) -> None:
    """Remove the exporter's notes: stack traces and paths of this machine."""
    graph = proto.graph
    for holder in (proto, graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        holder.ClearField("doc_string")
        holder.ClearField("metadata_props")
