"""Walk through a cleaned ONNX model in order and build the IMPORTED graph, or every diagnostic at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.frontend.hints import HINTS, hint_for
from snncc.compiler.frontend.naming import NameTable, Origin, clean_name, origin_of
from snncc.compiler.frontend.onnx_context import Builder, Context, Flow, Refusal
from snncc.compiler.frontend.onnx_ops import ANY_TYPE, CONVERT
from snncc.compiler.ir.graph import Graph, Input, Stage
from snncc.compiler.ir.types import FLOAT, TensorType

_FLOATS = {ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.FLOAT16, ir.DataType.BFLOAT16}
_EXACT_IN_FLOAT = {ir.DataType.UINT8, ir.DataType.INT8, ir.DataType.UINT16, ir.DataType.INT16}
_FLOAT_INPUT = "give the model float inputs; feed embedded vectors instead of token ids"
_ADD_BATCH = "give it a batch axis and at least one more: [N, features] or [N, channels, height, width]"
_FIX_SIZE = "export the model with a fixed size there; only the batch axis 0 may stay open"


@dataclass(frozen=True)
class Walked:
    """What a walk gives.

    Attributes:
        graph: the IMPORTED graph, not yet checked.
        outputs: the IR name of each of the model's outputs, by the user's name.
    """

    graph: Graph
    outputs: dict[str, str]


def walk(model: ir.Model, batch: int, file: str, name: str) -> Walked:
    """Return the graph of a cleaned model.

    Args:
        model: what ``onnx_clean.clean`` gave.
        batch: size of axis 0 of every activation.
        file: name for locations.
        name: name of the graph.

    Raises:
        SnnccError: one diagnostic per input, node and output that cannot be converted, in model order.
    """
    walker = _Walker(file, batch)
    inputs = tuple(filter(None, map(walker.enter, model.graph.inputs)))
    for node in model.graph:
        walker.visit(node)
    outputs = {value.name or "": walker.leave(value) for value in model.graph.outputs}
    if not walker.problems:
        walker.require_weights()
    if walker.problems:
        raise SnnccError(walker.problems)
    builder, names = walker.builder, tuple(dict.fromkeys(outputs.values()))
    table = NameTable()
    labels = {value: table.unique(label) for label, value in reversed(outputs.items())}
    shown = tuple(labels[value] for value in names)
    graph = Graph(name, Stage.IMPORTED, inputs, tuple(builder.nodes), names, builder.constants, shown)
    return Walked(graph, outputs)


class _Walker:
    def __init__(self, file: str, batch: int) -> None:
        self.builder = Builder(file, batch)
        self.flows: dict[ir.Value, Flow] = {}
        self.problems: list[Diagnostic] = []
        self._told: set[str] = set()

    def enter(self, value: ir.Value) -> Input | None:
        """Take a graph input in; None if nothing reads it or it cannot be converted."""
        if not value.uses() and not value.is_graph_output():
            return None
        name = self.builder.names.unique(value.name or "input")
        loc = Loc(self.builder.file, value.name or "input")
        shape = known_shape(value, self.builder.batch)
        self.flows[value] = Flow(name, shape)
        problem = self._input_problem(value, loc)
        if problem is not None or shape is None:
            self.flows[value] = self.builder.add_unknown(shape)
            self.problems += [problem] if problem else []
            return None
        self.builder.types[name] = TensorType(FLOAT, shape)
        return Input(name, self.builder.types[name], loc)

    def _input_problem(self, value: ir.Value, loc: Loc) -> Diagnostic | None:
        kind, dims = value.dtype, list(value.shape) if value.shape is not None else []
        if kind is not None and kind not in _FLOATS | _EXACT_IN_FLOAT:
            message = f"input '{value.name}' holds {kind.name.lower()}, not floats"
            return Diagnostic("SNN109", message, loc, _FLOAT_INPUT)
        if len(dims) < 2:
            message = f"input '{value.name}' has {len(dims)} axes, none is a batch"
            return Diagnostic("SNN104", message, loc, _ADD_BATCH)
        loose = [f"axis {i} ('{dim}')" for i, dim in enumerate(dims) if not isinstance(dim, int) or dim < 1]
        if loose:
            message = f"input '{value.name}' has no fixed size at {', '.join(loose)}"
            return Diagnostic("SNN104", message, loc, _FIX_SIZE)
        if dims[0] != self.builder.batch:
            message = f"input '{value.name}' has batch size {dims[0]}, another input has {self.builder.batch}"
            return Diagnostic("SNN104", message, loc, "give all inputs the same batch axis")
        return None

    def visit(self, node: ir.Node) -> None:
        """Convert a node, or note why not and let unknown values stand for its results."""
        if all(value.const_value is not None for value in node.outputs):
            return
        origin = origin_of(node)
        try:
            for value, flow in zip(node.outputs, self._convert(node, origin), strict=True):
                self.flows[value] = self._unknown(value) if flow is None else flow
        except Refusal as refusal:
            self._tell(refusal, node, origin)
            for value in node.outputs:
                self.flows[value] = self._unknown(value)

    def _unknown(self, value: ir.Value) -> Flow:
        return self.builder.add_unknown(known_shape(value, self.builder.batch))

    def _convert(self, node: ir.Node, origin: Origin) -> Sequence[Flow | None]:
        """Return the flows of the results, None where a shape they depend on is unknown or nothing reads them."""
        unknown = (None,) * len(node.outputs)
        sources = [value for value in node.inputs if value is not None and value in self.flows]
        if sources and all(self.flows[value].shape is None and is_integer(value) for value in sources):
            return unknown  # computes with the shape or the indices of something unknown
        domain = "" if node.domain == "ai.onnx" else node.domain
        convert = CONVERT.get((domain, node.op_type))
        if convert is None:
            raise Refusal(*hint_for(node.op_type, domain), "SNN102")
        if any(self.flows[value].shape is None for value in sources):
            return unknown
        if node.op_type not in ANY_TYPE and any(is_integer(value) for value in sources):
            raise Refusal("it computes with integers", "cast the activation to float before it")
        context = Context(self.builder, self.flows, node, origin)
        result = convert(context)
        if not isinstance(result, Flow):
            return result
        if any(context.wanted[1:]):
            raise Refusal("the model reads its second result", "use the first result only")
        return (result, *unknown[1:])

    def _tell(self, refusal: Refusal, node: ir.Node, origin: Origin) -> None:
        """Note a finding; one for each of torch's own modules, however many operators it became."""
        where = f" in module '{origin.module}'" if origin.module else ""
        if origin.builtin:
            if origin.module in self._told:
                return
            self._told.add(origin.module)
            where += f" (nn.{origin.builtin})"
        if origin.builtin in HINTS:
            refusal = Refusal(*HINTS[origin.builtin], "SNN102")
        verb = "is not supported" if refusal.code == "SNN102" else "cannot be converted"
        message = f"operator {_op_name(node, origin)} of node '{origin.name}'{where} {verb}: {refusal.reason}"
        loc = origin.loc(self.builder.file)
        self.problems.append(Diagnostic(refusal.code, message, loc, refusal.hint))

    def leave(self, value: ir.Value) -> str:
        """Return the IR name of a graph output."""
        flow = self.flows.get(value)
        loc = Loc(self.builder.file, value.name or "output")
        problem = ""
        if flow is None:
            problem = "is a constant"
        elif not self.problems and flow.name not in {node.name for node in self.builder.nodes}:
            problem = "is an input, unchanged"
        if problem:
            message = f"output '{value.name}' {problem}"
            self.problems.append(Diagnostic("SNN103", message, loc, "leave it out of the outputs"))
        return flow.name if flow is not None else ""

    def require_weights(self) -> None:
        """Note if the model computes nothing with weights."""
        if not self.builder.nodes or not self.builder.constants:
            what = "weights" if self.builder.nodes else "operators"
            hint = "export the trained model with its parameters"
            file = self.builder.file
            self.problems.append(Diagnostic("SNN106", f"the model holds no {what}", Loc(file, file), hint))


def known_shape(value: ir.Value, batch: int) -> tuple[int, ...] | None:
    """Return the sizes of one sample if all are known and axis 0 is the batch, else None."""
    dims = list(value.shape) if value.shape is not None else []
    sizes = tuple(dim for dim in dims if isinstance(dim, int) and dim > 0)
    return sizes[1:] if len(sizes) == len(dims) > 1 and sizes[0] == batch else None


def is_integer(value: ir.Value) -> bool:
    """Return whether an activation is known to hold integers."""
    return value.dtype is not None and value.dtype not in _FLOATS


def graph_name(file: str, inner: str) -> str:
    """Return an identifier for the graph: the file's stem, else the name the file gives it."""
    stem = "" if file.startswith("<") else file.rsplit(".", 1)[0]
    return clean_name(stem) or clean_name(f"{inner}") or "model"  # bytes if it is no UTF-8


def _op_name(node: ir.Node, origin: Origin) -> str:
    return origin.op if node.domain in ("", "ai.onnx") else f"{node.domain}::{origin.op}"
