"""Pieces of a float graph, run in batches, give what the whole graph gives, evaluated op by op."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from snncc.compiler.ir import Graph
from snncc.compiler.quantize.calibrate import BATCH, batches, charge_means, piece, run, sources_of
from tests.compiler.passes.evaluate import evaluate
from tests.compiler.quantize.graphs import data, residual

Float = npt.NDArray[np.float64]
CHARGES = ["c1", "sum", "score", "map"]


def direct(graph: Graph, inputs: dict[str, npt.NDArray[np.float32]], *names: str) -> list[Float]:
    """Return values of a graph, each sample by itself: float64 [samples, *shape]."""
    whole = replace(graph, outputs=names)
    samples = len(next(iter(inputs.values())))
    each = [evaluate(whole, {k: a[i].astype(np.float64) for k, a in inputs.items()}) for i in range(samples)]
    return [np.stack(values) for values in zip(*each, strict=True)]


@pytest.mark.parametrize("samples", [0, 1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH])
def test_batches_take_every_sample_once(samples: int) -> None:
    taken = [i for part in batches(samples) for i in range(samples)[part]]
    assert taken == list(range(samples))
    assert all(part.stop - part.start <= BATCH for part in batches(samples))


def test_a_run_gives_every_value_of_every_sample() -> None:
    graph = residual()
    x = data(graph, BATCH + 3)
    names = ["score", "stem", "mean", "pool"]
    found = run(graph, x, names)
    assert list(found) == names
    for name, wanted in zip(names, direct(graph, x, *names), strict=True):
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], wanted, rtol=1e-4, atol=1e-4)


def test_a_run_gives_the_outputs_where_nothing_is_named() -> None:
    graph = residual()
    assert list(run(graph, data(graph, 2))) == ["score", "map"]


@pytest.mark.parametrize(
    ("target", "sources"),
    [
        ("c1", ("x",)), ("sum", ("stem", "x")), ("score", ("joined", "mean")), ("mean", ("stem",)),
        ("map", ("joined",)), ("d1", ("joined",)),
    ],
)  # fmt: skip
def test_a_charge_is_computed_from_the_fired_values_behind_it(target: str, sources: tuple[str, ...]) -> None:
    assert sources_of(residual(), target) == sources


@pytest.mark.parametrize("target", [*CHARGES, "mean", "d2"])
def test_a_piece_gives_what_the_whole_gives(target: str) -> None:
    graph = residual()
    part = piece(graph, target, {})
    assert tuple(i.name for i in part.inputs) == sources_of(graph, target)
    x = data(graph, 5)
    *fed, wanted = direct(graph, x, *sources_of(graph, target), target)
    inputs = {i.name: value.astype(np.float32) for i, value in zip(part.inputs, fed, strict=True)}
    np.testing.assert_allclose(run(part, inputs)[target], wanted, rtol=1e-4, atol=1e-4)


def test_a_piece_holds_no_node_before_its_sources() -> None:
    part = piece(residual(), "score", {})
    assert [node.name for node in part.nodes if node.op.name != "reshape"] == ["pool", "d1", "d2", "score"]
    assert "c1.w" not in part.constants


def test_a_piece_takes_other_weights() -> None:
    graph = residual()
    zero = {"c2.b": np.zeros_like(graph.constants["c2.b"]), "c2.w": 2 * graph.constants["c2.w"]}
    changed = replace(graph, constants={**graph.constants, **zero})
    x = data(graph, 4)
    stem, wanted = direct(changed, x, "stem", "sum")
    found = run(piece(graph, "sum", zero), {"stem": stem.astype(np.float32), "x": x["x"]})["sum"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_means_are_taken_over_samples_and_positions() -> None:
    graph = residual()
    x = data(graph, BATCH + 5)
    found = charge_means(graph, x, CHARGES)
    for name, value in zip(CHARGES, direct(graph, x, *CHARGES), strict=True):
        axes = (0, *range(2, value.ndim))
        assert found[name].dtype == np.float64
        np.testing.assert_allclose(found[name], value.mean(axis=axes), rtol=1e-4, atol=1e-5)
