"""Ring 3: the IMPORTED graph computes what the user's own model computes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from snncc.compiler.diagnostics import InternalError, Loc, fail
from snncc.compiler.frontend.onnx_clean import quiet, user_inputs
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.ops import Tail
from snncc.compiler.ir.to_onnx import to_onnx

Numbers = npt.NDArray[np.generic]
_TOLERANCE = 1e-4
_TOLERANCE_HALF = 2e-2
_HALF: set[int] = {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
_STEPS = frozenset({"QuantizeLinear", "Quant", "IntQuant", "BipolarQuant", "Floor", "Round", "Ceil"})
_SEEDS = (0, 1)
MOST_WORK = 1 << 37  # multiplications that a check may take, some seconds; larger networks are checked on fewer inputs
MOST_ELEMENTS = 1 << 26  # of one value: 256 MB, of which a runtime holds several
_ERROR_HEAD = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


class Runner:
    """Runs an ONNX model: onnxruntime, or ONNX's reference where float64 operators have no kernel."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        """Load the model; onnxruntime's exceptions pass through."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._session: onnxruntime.InferenceSession | ReferenceEvaluator
        try:
            self._session = onnxruntime.InferenceSession(
                proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception:  # onnxruntime has one class per error, none of them public
            if not _has_type(proto, {onnx.TensorProto.DOUBLE}):
                raise
            self._session = ReferenceEvaluator(proto)

    def run(self, feeds: Mapping[str, Numbers]) -> list[Numbers]:
        """Return the outputs in model order."""
        with quiet():
            return [np.asarray(output) for output in self._session.run(None, dict(feeds))]


def tolerance_of(proto: onnx.ModelProto) -> float:
    """Return how far outputs may differ, relative to their largest magnitude; more for 16-bit floats and quantizers.

    A value within float32 rounding of a tie may fall to either level, and the two networks add in different orders.
    """
    steps = any(node.op_type in _STEPS for node in proto.graph.node)
    return _TOLERANCE_HALF if steps or _has_type(proto, _HALF) else _TOLERANCE


def _has_type(proto: onnx.ModelProto, kinds: set[int]) -> bool:
    values = [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]
    return bool(
        kinds & {value.type.tensor_type.elem_type for value in values}
        or kinds & {tensor.data_type for tensor in proto.graph.initializer}
        or any(kinds & {attr.i, attr.t.data_type} for node in proto.graph.node for attr in node.attribute
               if attr.name in ("to", "value"))
    )  # fmt: skip


def check_against_model(
    proto: onnx.ModelProto, graph: Graph, outputs: Mapping[str, str], batch: int, file: str
) -> None:
    """Compare the graph with the user's model on random inputs of fixed seed.

    A network that would take too long or too much memory (MOST_WORK, MOST_ELEMENTS) is not run: what it means is then
    first compared when it is compiled, on calibration data, and only after this reading of it.

    Args:
        proto: the user's model, as it was read.
        graph: the IMPORTED graph.
        outputs: IR name of each output by the user's name.
        batch: batch size the model wants.
        file: name for messages.

    Raises:
        SnnccError: SNN101 onnxruntime cannot load or run the user's model.
        InternalError: the results differ.
    """
    seeds = _SEEDS[: _affordable(graph, batch)]
    if not seeds:
        return
    feeds = [_random_feeds(proto, graph, batch, seed) for seed in seeds]
    wanted = _run_theirs(proto, feeds, file)
    ours = Runner(to_onnx(graph))
    names = [outputs[value.name] for value in proto.graph.output]
    tolerance, source = tolerance_of(proto), f"'{file}' in onnxruntime"
    for feed, want in zip(feeds, wanted, strict=True):
        have = dict(zip(graph.outputs, ours.run(_as_ours(feed, graph)), strict=True))
        compare(graph, names, [have[name] for name in names], want, tolerance, source)


def _affordable(graph: Graph, batch: int) -> int:
    """Return on how many inputs both networks can be run."""
    if batch * max((node.type.size for node in graph.nodes), default=0) > MOST_ELEMENTS:
        return 0
    weights = {node.name: graph.types[node.inputs[1]] for node in graph.nodes if node.op.linear}
    work = sum(node.type.size * prod(weights[node.name].shape[1:]) for node in graph.nodes if node.op.linear)
    return MOST_WORK // max(1, 2 * batch * work)


def _run_theirs(proto: onnx.ModelProto, feeds: Sequence[dict[str, Numbers]], file: str) -> list[list[Numbers]]:
    try:
        theirs = Runner(proto)
        return [theirs.run(feed) for feed in feeds]
    except Exception as error:  # onnxruntime has one class per error, none of them public
        reason = _ERROR_HEAD.sub("", str(error)).strip().partition("\n")[0] or type(error).__name__
        version = onnxruntime.__version__
        hint = f"check that the file runs in onnxruntime {version}, or export with an older opset"
        message = f"'{file}' cannot be run by onnxruntime: {reason}"
        raise fail("SNN101", message, Loc(file, file), hint) from error


def _random_feeds(proto: onnx.ModelProto, graph: Graph, batch: int, seed: int) -> dict[str, Numbers]:
    """Return random values by the user's input names: standard normal floats, or any integers."""
    rng = np.random.default_rng(seed)
    shapes = {i.loc.name: i.type.shape for i in graph.inputs}
    feeds: dict[str, Numbers] = {}
    for value in user_inputs(proto):
        kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        if value.name in shapes:
            shape = (batch, *shapes[value.name])
        else:  # nothing reads it
            shape = tuple(dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim)
        if np.issubdtype(kind, np.integer):
            limits = np.iinfo(kind)
            feeds[value.name] = rng.integers(limits.min, limits.max, shape, kind, endpoint=True)
        else:
            feeds[value.name] = rng.standard_normal(shape).astype(kind)
    return feeds


def _as_ours(feed: Mapping[str, Numbers], graph: Graph) -> dict[str, Numbers]:
    return {i.name: feed[i.loc.name].astype(np.float32) for i in graph.inputs}


def compare(
    graph: Graph, names: Sequence[str], have: Sequence[Numbers], want: Sequence[Numbers], tolerance: float, source: str
) -> None:
    """Raise InternalError unless outputs agree within a tolerance relative to their largest magnitude.

    An output that ends in argmax is compared by the position it names.
    """
    for name, ours, theirs in zip(names, have, want, strict=True):
        op = graph.node[name].op
        if isinstance(op, Tail) and op.kind == "argmax":
            same = _same_position(ours, theirs, op.axis + 1, tolerance)
        else:
            same = _close(ours.reshape(theirs.shape), theirs, tolerance)
        if not same:
            raise InternalError(f"import: output %{name} differs from that of {source}\non:\n{graph}")


def _close(ours: Numbers, theirs: Numbers, tolerance: float) -> bool:
    wanted = theirs.astype(np.float64)
    finite = np.abs(wanted[np.isfinite(wanted)])
    bound = tolerance * float(finite.max(initial=0.0)) + 1e-6
    return bool(np.allclose(ours.astype(np.float64), wanted, rtol=0.0, atol=bound, equal_nan=True))


def _same_position(logits: Numbers, positions: Numbers, axis: int, tolerance: float) -> bool:
    """Return whether the logits at the positions are the largest, up to rounding."""
    values = logits.astype(np.float64)
    best = values.max(axis=axis)
    chosen = np.take_along_axis(values, np.expand_dims(positions.reshape(best.shape), axis), axis)
    return _close(chosen.reshape(best.shape), best, tolerance)
