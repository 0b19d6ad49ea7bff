"""What is supported: each case compiled in every coding for every target and checked. docs/support.md shows it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

import snncc
from snncc.compiler.mapping.choice import sendable, senders
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from snncc.runtime.checker import check
from snncc.runtime.reference import encode
from snncc.runtime.stepped import Tally, step_and_compare
from tests.recoded import sent_in
from tests.support_cases import CASES, VALUES, Case

LEVELS, CALIBRATED, STEPPED, CLASSES = 6, 12, 3, 3
EXACT = "exact"
TARGETS = ("loihi2", "loihi1")  # of each kind of neuron one; boards have the neurons of their chips


@dataclass(frozen=True)
class Found:
    """What became of a case on a target.

    Attributes:
        by_coding: ``exact``, perhaps how, or the codes of what stands in the way.
        neuron: name of the op of the last neurons that fire, empty where the case is refused.
    """

    by_coding: dict[str, str]
    neuron: str = ""


def support() -> dict[tuple[Case, str], Found]:
    """Return what became of every case on every target."""
    return {(case, target): found_on(case, target) for case in CASES for target in TARGETS}


@cache
def found_on(case: Case, target: str) -> Found:
    """Compile a case in every coding and check it."""
    codings = sendable(load_target(target))
    x = np.random.default_rng(1).normal(size=(CALIBRATED, 2, *case.sizes)).astype(np.float32)
    x = x if load_target(target).signed else np.abs(x)
    try:
        origin = snncc.compile(model_of(case), x, target, levels=LEVELS).origin
    except snncc.SnnccError as error:
        codes = ", ".join(dict.fromkeys(d.code for d in error.diagnostics))
        return Found(dict.fromkeys(codings, codes))
    assert origin is not None
    levels = encode(origin.network, {"x": x[:STEPPED]})
    by_coding = {coding: _checked(sent_in(origin, coding, target, levels=LEVELS), coding, levels) for coding in codings}
    return Found(by_coding, senders(origin.network)[-1].op.name)


def _checked(program: Program, coding: str, levels: Mapping[str, npt.NDArray[np.int64]]) -> str:
    """Return that a program is exact and which codings are in it; or what is wrong."""
    assert program.origin is not None
    tally = Tally()
    step_and_compare(program, program.origin.network, levels, tally)
    with tempfile.TemporaryDirectory() as folder:
        program.save(Path(folder, "case.snnp"))
        problems = check(Path(folder, "case.snnp"))
    if tally.mismatches or problems:
        return f"WRONG: {tally.first} {problems}"
    inputs = {tensor.population for tensor in program.inputs}
    claims = [p.claim for p in program.populations if p.claim and p.name not in inputs]
    others = sorted({claim.coding for claim in claims} - {coding, ""})
    return f"{EXACT}, signed levels in `{'`, `'.join(others)}`" if others else EXACT


def model_of(case: Case) -> onnx.ModelProto:
    """Return a case's network, with random weights."""
    random = np.random.default_rng(0)
    rank = len(case.sizes)
    source = f"float[{', '.join(map(str, ('N', 2, *case.sizes)))}] x"
    lines = f"a0 = Conv <pads = {[1] * 2 * rank}> (x, first) r = Relu (a0) {case.lines}"
    shapes = {"first": (4, 2, *[3] * rank), **case.weights}
    arrays = {name: random.normal(scale=0.4, size=shape).astype(np.float32) for name, shape in shapes.items()}
    arrays |= {name: value for name, value in VALUES.items() if re.search(rf"\b{name}\b", lines)}
    size = _size(_parsed(case, f"net ({source}) => (float[] o) {{ {lines} }}", arrays))
    arrays |= {"last": random.normal(size=(CLASSES, size)).astype(np.float32), "bias": np.zeros(CLASSES, np.float32)}
    result = "int64[N] y" if case.operator == "ArgMax" else f"float[N, {CLASSES}] y"
    lines = f"{lines} f0 = Flatten (o) g = Gemm <transB = 1> (f0, last, bias) {case.tail}"
    return _parsed(case, f"net ({source}) => ({result}) {{ {lines} }}", arrays)


def _parsed(case: Case, graph: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> onnx.ModelProto:
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {case.opset}]> {graph}')
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in arrays.items())
    return model


def _size(model: onnx.ModelProto) -> int:
    """Return how many elements a sample of the output has."""
    model.graph.output[0].type.tensor_type.ClearField("shape")
    found = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph.output[0]
    return int(np.prod([axis.dim_value for axis in found.type.tensor_type.shape.dim[1:]]))
