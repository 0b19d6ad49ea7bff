"""Fine-tuning computes each canonical operation as onnxruntime does, and rounds as it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph, Input, Node, Stage, rebuild
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Add, AveragePool, Concat, Conv, Dense, MaxPool, Pad, Reshape, Transpose
from snncc.compiler.ir.types import FLOAT, TensorType
from snncc.compiler.ir.verify import LEGAL
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample
from snncc.compiler.quantize.calibrate import run

torch: Any = pytest.importorskip("torch")
operations: Any = pytest.importorskip("snncc.finetuning.operations")
quantizers: Any = pytest.importorskip("snncc.finetuning.quantizers")

IMAGE, SERIES, FLAT = (4, 6, 5), (4, 7), (9,)
CASES: list[tuple[Op, tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]] = [
    (Dense(), (FLAT,), ((3, 9), (3,))),
    (Conv((1, 2), (1, 0, 1, 0), (1, 1)), (IMAGE,), ((6, 4, 3, 2), (6,))),
    (Conv((2, 1), (0, 1, 2, 1), (1, 2), 2), (IMAGE,), ((6, 2, 3, 2),)),
    (Conv((1, 1), (0, 0, 0, 0), (1, 1)), (IMAGE,), ((2, 4, 1, 1), (2, 6, 5))),
    (Conv((1,), (2, 0), (1,), 4), (SERIES,), ((4, 1, 3), (4,))),
    (MaxPool((2, 2), (2, 2), (0, 0, 0, 0), (1, 1)), (IMAGE,), ()),
    (MaxPool((3, 2), (1, 2), (1, 0, 1, 1), (1, 1)), (IMAGE,), ()),
    (MaxPool((3, 3), (1, 1), (2, 2, 2, 2), (1, 1)), (IMAGE,), ()),
    (MaxPool((2,), (2,), (1, 0), (2,)), (SERIES,), ()),
    (AveragePool((2, 2), (2, 1), (0, 0, 0, 0)), (IMAGE,), ()),
    (AveragePool((3, 3), (2, 2), (1, 1, 1, 1)), (IMAGE,), ()),
    (AveragePool((3, 3), (2, 2), (1, 0, 1, 1), True), (IMAGE,), ()),
    (AveragePool((2,), (1,), (1, 1), True), (SERIES,), ()),
    (Reshape((5, 24)), (IMAGE,), ()),
    (Transpose((2, 0, 1)), (IMAGE,), ()),
    (Pad((1, 0, 2, 0, 1, 0)), (IMAGE,), ()),
    (Slice((0, 1, 0), (4, 6, 5), (2, 3, 1)), (IMAGE,), ()),
    (Upsample((2, 3)), (IMAGE,), ()),
    (Dilate((2, 3)), (IMAGE,), ()),
    (Dilate((2,)), (SERIES,), ()),
    (Add(), (IMAGE, IMAGE, IMAGE), ()),
    (Concat(1), (IMAGE, (4, 2, 5)), ()),
]


def test_every_operation_of_a_canonical_graph_is_here() -> None:
    known = {type(op) for op, _, _ in CASES} | {Curve}
    assert {op.__name__ for op in LEGAL[Stage.CANONICAL] - known} == {"Relu"}


@pytest.mark.parametrize(("op", "shapes", "constants"), CASES, ids=lambda case: str(getattr(case, "name", "")))
def test_an_operation_gives_what_onnxruntime_gives(op: Op, shapes: Any, constants: Any) -> None:
    rng = np.random.default_rng(0)
    inputs = tuple(Input(f"x{i}", TensorType(FLOAT, shape)) for i, shape in enumerate(shapes))
    fixed = {f"c{i}": rng.normal(size=shape).astype(np.float32) for i, shape in enumerate(constants)}
    node = Node("y", op, (*(i.name for i in inputs), *fixed), TensorType(FLOAT, ()))
    graph = rebuild(Graph("one", Stage.CANONICAL, inputs, (), ("y",)), [node], fixed)
    data = {i.name: rng.normal(size=(3, *i.type.shape)).astype(np.float32) for i in inputs}
    tensors = [torch.from_numpy(array) for array in data.values()]
    extra = [torch.from_numpy(array) for array in fixed.values()]
    if op.linear:
        made = operations.weighted_sum(op, tensors[0], extra[0], extra[1] if len(extra) > 1 else None)
    else:
        made = operations.apply(op, tensors)
    np.testing.assert_allclose(made.numpy(), run(graph, data)["y"], rtol=1e-5, atol=1e-5)


def test_levels_round_half_up_and_learn_their_step_size() -> None:
    x = torch.tensor([-1.0, 0.4, 0.75, 1.25, 9.0], requires_grad=True)
    scale = torch.tensor(0.5, requires_grad=True)
    made = quantizers.as_levels(x, scale, 0, 3)
    assert made.tolist() == [0.0, 0.5, 1.0, 1.5, 1.5]
    made.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]
    # Esser et al. (2020), equation 3: round(x / s) - x / s inside, the bound outside
    assert scale.grad.item() == pytest.approx((1 - 0.8) + (2 - 1.5) + (3 - 2.5) + 3)


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_weights_are_whole_numbers_in_units_that_make_thresholds_powers_of_two(bits: int) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 3, 3, 3, generator=generator) * torch.tensor([1e-9, 0.01, 0.1, 1.0, 0.0]).reshape(
        5, 1, 1, 1
    )
    ratio = torch.tensor(0.37)
    power = quantizers.exponents(weight, bits, ratio, inner=True)
    logarithm = torch.log2(power)
    assert torch.equal(logarithm, logarithm.round())
    assert 2.0**-quantizers.FINEST <= float(power.min()) <= float(power.max()) <= 1
    whole = quantizers.integers(weight, bits, power * ratio)
    assert torch.equal(whole, whole.round())
    assert float(whole.abs().max()) <= (1 << (bits - 1)) - 1
    wide = quantizers.exponents(weight, bits, ratio, inner=False)
    assert len(wide.unique()) == 1
