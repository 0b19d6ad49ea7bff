"""The torch door: a module is exported to ONNX in memory and goes through the ONNX door."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx

from snncc.compiler.diagnostics import Loc, SnnccError, fail
from snncc.compiler.frontend.naming import source_line
from snncc.compiler.frontend.onnx_clean import quiet, user_inputs
from snncc.compiler.frontend.onnx_reader import read_onnx
from snncc.compiler.frontend.selfcheck import Numbers, Runner, compare, tolerance_of
from snncc.compiler.frontend.torch_fake_quantize import translations
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.to_onnx import to_onnx

_COLOUR = re.compile(r"\x1b\[[0-9;]*m|\[\d+m")
_INSTALL = "pip install 'snncc[torch]', or export the module to ONNX where torch is installed"
_REWRITES = (
    ("data-dependent", "branch on shapes and constants only; Relu or Clip can replace an if on values"),
    ("aten.clamp", "give both limits of torch.clamp the same type, for example torch.clamp(x, 0.0, 6.0)"),
)
_REWRITE = "try torch.export.export(module, (example_input,)), which shows the full report"


def import_torch(module: Any, example_input: Any, file: str | None = None) -> Graph:
    """Return a torch module in evaluation mode as an IMPORTED graph; the module is left as it was.

    Args:
        module: a ``torch.nn.Module``.
        example_input: a tensor or array [batch, ...], or a tuple of them for several inputs.
        file: name for locations instead of the class of the module.

    Raises:
        SnnccError: SNN107 torch cannot run or export the module; SNN108 torch is missing; else as
            ``import_onnx``.
        InternalError: the graph does not compute what the module computes.
    """
    file = file or type(module).__name__
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        raise fail("SNN108", "torch is not installed", Loc(file, file), _INSTALL) from error
    inputs = _tensors(torch, example_input)
    with _evaluating(module), torch.no_grad():
        results = _run(torch, module, inputs, file)
        proto = _export(torch, module, inputs, file)
    walked = read_onnx(proto, file)
    feeds = dict(zip([value.name for value in user_inputs(proto)], inputs, strict=True))
    names = [walked.outputs[value.name] for value in proto.graph.output]
    have = _outputs(walked.graph, feeds)
    source = f"module '{file}' in torch"
    compare(walked.graph, names, [have[name] for name in names], results, tolerance_of(proto), source)
    return walked.graph


def _run(torch: Any, module: Any, inputs: tuple[Any, ...], file: str) -> list[Numbers]:
    """Return what the module gives for the example input."""
    try:
        return _flat(torch, module(*inputs))
    except Exception as error:  # whatever the user's code raises
        message = f"the module cannot run on the example input: {_sentence(error)}"
        hint = "give an example input of the shape [batch, ...] that the module takes"
        raise fail("SNN107", message, _where(file, error), hint) from error


def _tensors(torch: Any, example: Any) -> tuple[Any, ...]:
    items = example if isinstance(example, (tuple, list)) else (example,)
    return tuple(item if isinstance(item, torch.Tensor) else torch.as_tensor(item) for item in items)


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Switch all submodules to evaluation, and back to what each was."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def _flat(torch: Any, result: Any) -> list[Numbers]:
    if isinstance(result, torch.Tensor):
        return [np.asarray(result.detach().cpu().numpy())]
    items = result.values() if isinstance(result, dict) else result
    return [array for item in items for array in _flat(torch, item)]


def _export(torch: Any, module: Any, inputs: tuple[Any, ...], file: str) -> onnx.ModelProto:
    """Return the module as ONNX, its batch axis left open where torch can."""
    open_batch = tuple({0: torch.export.Dim.AUTO} if item.dim() else None for item in inputs)
    silent = io.StringIO()
    with quiet(), contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
        for shapes in (open_batch, None):
            try:
                fresh = tuple(item.clone() for item in inputs)  # exporting marks the axes of what it is given
                program = torch.onnx.export(
                    module, fresh, dynamo=True, optimize=False, verbose=False, dynamic_shapes=shapes,
                    custom_translation_table=translations(torch),
                )  # fmt: skip
            except Exception as error:  # torch's exporter raises many kinds
                failure = error
            else:
                proto: onnx.ModelProto = program.model_proto
                return proto
    raise _export_error(failure, file) from failure


def _export_error(error: BaseException, file: str) -> SnnccError:
    reason, text = _sentence(error), str(error)
    hint = next((advice for mark, advice in _REWRITES if mark in text), _REWRITE)
    return fail("SNN107", f"torch cannot export the module: {reason}", _where(file, error), hint)


def _innermost(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _sentence(error: BaseException) -> str:
    """Return the first line of the innermost cause."""
    cause = _innermost(error)
    text = _COLOUR.sub("", str(cause)).strip()
    return text.splitlines()[0].strip() if text else type(cause).__name__


def _where(file: str, error: BaseException) -> Loc:
    """Return the user's source line, from the message of torch's report or from the traceback."""
    frames, trace = [], _innermost(error).__traceback__
    while trace is not None:
        frames.append(f'File "{trace.tb_frame.f_code.co_filename}", line {trace.tb_lineno}')
        trace = trace.tb_next
    own = [frame for frame in frames if "torch_reader.py" not in frame and "snncc" not in frame]
    return Loc(file, file, line=source_line(str(error)) or source_line("\n".join(own)))


def _outputs(graph: Graph, tensors: dict[str, Any]) -> dict[str, Numbers]:
    """Return what the graph gives for the example input, by IR name."""
    feeds = {i.name: tensors[i.loc.name].detach().cpu().numpy().astype(np.float32) for i in graph.inputs}
    return dict(zip(graph.outputs, Runner(to_onnx(graph)).run(feeds), strict=True))
