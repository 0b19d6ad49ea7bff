"""Whether the stored statistics of batch norms are those of the calibration data.

The network runs as in training, each batch norm by the statistics of what it reads. So one that is wrong does not make
the next ones look wrong, and the scale of the input matters to the first ones only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.ops import BatchNorm
from snncc.compiler.ir.to_onnx import to_onnx
from snncc.runtime.diagnosis.float_model import Editor, FloatModel
from snncc.runtime.floats import FloatNetwork

Floats = npt.NDArray[np.float64]
MOST_SAMPLES = 256
MOST_VALUES = 1 << 24  # of the largest value in one batch, 64 MB


@dataclass(frozen=True, eq=False)
class Statistics:
    """What a batch norm has stored, and what it reads, float64 [channels] each.

    Attributes:
        node: the batch norm.
        mean: stored.
        variance: stored.
        seen_mean: of the calibration data.
        seen_variance: of the calibration data.
    """

    node: Node
    mean: Floats
    variance: Floats
    seen_mean: Floats
    seen_variance: Floats

    @property
    def shift(self) -> Floats:
        """Return how far the means lie apart, in standard deviations."""
        spread = np.sqrt(np.maximum(np.maximum(self.variance, self.seen_variance), self._least))
        return np.abs(self.mean - self.seen_mean) / spread

    @property
    def ratio(self) -> Floats:
        """Return stored over seen standard deviation."""
        return np.sqrt(np.maximum(self.variance, self._least) / np.maximum(self.seen_variance, self._least))

    @property
    def alive(self) -> npt.NDArray[np.bool_]:
        """Return which channels change with the input; the others tell of a dead layer, not of the batch norm."""
        return self.seen_variance > self._least * 1e-3

    @property
    def untrained(self) -> bool:
        """Return whether mean 0 and variance 1 are stored everywhere, as before the first training step."""
        return not self.mean.any() and bool((self.variance == 1).all())

    @property
    def _least(self) -> float:
        """Return a variance that epsilon hides: smaller ones are not compared."""
        assert isinstance(self.node.op, BatchNorm)
        return self.node.op.epsilon


def statistics(imported: Graph, inputs: Mapping[str, Array]) -> list[Statistics]:
    """Return the statistics of all batch norms of an IMPORTED graph, in data-flow order."""
    norms = [node for node in imported.nodes if isinstance(node.op, BatchNorm)]
    if not norms:
        return []
    editor = FloatModel(to_onnx(imported).SerializeToString()).editor()
    read: dict[str, tuple[str, str]] = {}
    for node in norms:
        read[node.name] = _as_in_training(editor, node, imported)
    network = FloatNetwork(editor.finish([name for names in read.values() for name in names]))
    largest = max(node.type.size for node in imported.nodes)
    most = max(2, min(MOST_SAMPLES, MOST_VALUES // max(largest, 1)))
    found = network.run({name: array[:most] for name, array in inputs.items()})
    return [_statistics(node, imported, *(found[name] for name in read[node.name])) for node in norms]


def _as_in_training(editor: Editor, node: Node, graph: Graph) -> tuple[str, str]:
    """Replace a batch norm by one that takes the statistics of its batch; return the names of these."""
    assert isinstance(node.op, BatchNorm)
    _, target = editor.replace_value(node.name)
    rank = len(node.type.shape) + 1
    axes = [0, *range(2, rank)]
    x = node.inputs[0]
    mean = editor.reduce("ReduceMean", x, axes, keep=True)
    apart = editor.node("Sub", [x, mean])
    variance = editor.reduce("ReduceMean", editor.node("Mul", [apart, apart]), axes, keep=True)
    safe = editor.node("Add", [variance, editor.constant(node.op.epsilon)])
    scaled = editor.node("Div", [apart, editor.node("Sqrt", [safe])])
    wide = (1, -1, *(1,) * (rank - 2))
    gamma, beta = (editor.constant(graph.constants[name].reshape(wide)) for name in node.inputs[1:3])
    editor.node("Add", [editor.node("Mul", [scaled, gamma]), beta], target)
    return mean, variance


def _statistics(node: Node, graph: Graph, mean: Array, variance: Array) -> Statistics:
    stored = [graph.constants[name].astype(np.float64) for name in node.inputs[3:5]]
    seen = [array.astype(np.float64).reshape(-1) for array in (mean, variance)]
    return Statistics(node, stored[0], stored[1], seen[0], seen[1])
