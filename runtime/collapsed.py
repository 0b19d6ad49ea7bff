"""The fast integer executor: the integer network as float operations in onnxruntime, exact by the range proof.

``float_sums`` tells why no sum is rounded, ``integer_onnx`` which operations are used. A network with a layer whose
sums even float64 may not hold runs on the plain executor instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph
from snncc.runtime.float_sums import fits_float32, fits_float64, is_sum
from snncc.runtime.integer_onnx import build
from snncc.runtime.reference import encode, execute, samples_at_once

Ints = npt.NDArray[np.int64]
MOST_VALUES = 1 << 25  # of one tensor


class Collapsed:
    """A compiled integer network.

    Attributes:
        fast: whether it runs in onnxruntime; otherwise on the plain integer executor.
    """

    def __init__(self, graph: Graph, threads: int = 0) -> None:
        """Compile a QUANTIZED graph; ``threads`` as onnxruntime's intra-op threads, 0 for all cores."""
        self.graph = graph
        self.fast = all(fits_float32(graph, n) or fits_float64(graph, n) for n in graph.nodes if is_sum(n))
        self.session: Any = _session(build(graph), threads) if self.fast else None

    def run(self, inputs: Mapping[str, Array], batch: int = 128) -> dict[str, Ints]:
        """Return the integer outputs, int64 [samples, *shape] by output name, of float inputs [samples, *shape]."""
        samples = len(next(iter(inputs.values())))
        batch = self._at_once(batch)
        parts: dict[str, list[Ints]] = {name: [] for name in self.graph.outputs}
        for begin in range(0, samples, batch):
            piece = {name: array[begin : begin + batch] for name, array in inputs.items()}
            for name, value in self._batch(piece).items():
                parts[name].append(value)
        return {name: np.concatenate(values) for name, values in parts.items()}

    def _at_once(self, most: int) -> int:
        if self.session is None:
            return samples_at_once(self.graph, most)
        return max(1, min(most, MOST_VALUES // max(node.type.size for node in self.graph.nodes)))

    def _batch(self, inputs: Mapping[str, Array]) -> dict[str, Ints]:
        names = list(dict.fromkeys(self.graph.outputs))
        if self.session is None:
            values = execute(self.graph, encode(self.graph, inputs), keep=names)
            return {name: values[name] for name in names}
        feed = {name: np.asarray(array, dtype=np.float32) for name, array in inputs.items()}
        outputs = self.session.run(names, feed)
        return {name: v.astype(np.int64) for name, v in zip(names, outputs, strict=True)}


def _session(model: bytes, threads: int) -> object:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
