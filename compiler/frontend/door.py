"""One door for every kind of model."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

import onnx

from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.frontend.digest import model_sha256
from snncc.compiler.frontend.naming import clean_name
from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.frontend.torch_reader import import_torch
from snncc.compiler.ir.graph import Graph


def import_model(model: Any, example_input: Any = None, name: str | None = None) -> Graph:
    """Return a model as an IMPORTED graph.

    Args:
        model: path of an ONNX file, its bytes, an ``onnx.ModelProto``, or a ``torch.nn.Module``.
        example_input: for a torch module, a tensor [batch, ...] or a tuple of them; not used otherwise.
        name: name of the graph instead of the file's or the module's.

    Raises:
        SnnccError: SNN100 to SNN110, everything that is wrong with the model at once.
        InternalError: the graph does not compute what the model computes.
    """
    if isinstance(model, (str, os.PathLike, bytes, onnx.ModelProto)):
        graph = import_onnx(model)
    elif _is_module(model):
        kind = type(model).__name__
        if example_input is None:
            hint = "give a tensor of the shape the module takes, for example torch.zeros(1, 1, 28, 28)"
            raise fail("SNN110", f"module {kind} needs an example input", Loc(kind, kind), hint)
        graph = import_torch(model, example_input)
    else:
        hint = "give a path, bytes, an onnx.ModelProto or a torch.nn.Module"
        raise fail("SNN110", f"a model cannot be read from {type(model).__name__}", hint=hint)
    name = graph.name if name is None else clean_name(name) or graph.name
    return replace(graph, name=name, sha256=model_sha256(model))


def _is_module(model: Any) -> bool:
    """Return whether a value is a torch module; torch is not imported for the question."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)
