"""What writing the integer network as ONNX nodes needs: the names of its values, and their 8-bit digits, made once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from snncc.backends.onnx.digits import RADIX, WEIGHT_ZERO, Span, weight_digits
from snncc.backends.onnx.writer import Writer
from snncc.compiler.frontend.naming import NameTable
from snncc.compiler.ir.graph import Array, Graph, Node


class Core(Writer):
    """The network under construction.

    Attributes:
        graph: the quantized graph.
        named: ONNX name of each of its nodes.
    """

    def __init__(self, graph: Graph, names: NameTable, named: dict[str, str]) -> None:
        """Begin with nothing written.

        Args:
            graph: a QUANTIZED graph.
            names: where the names of ``named`` are taken already.
            named: a name for each node of the graph.
        """
        super().__init__(names)
        self.graph, self.named = graph, named
        self._codes: dict[str, str] = {}
        self._digits: dict[str, list[str]] = {}
        self._weights: dict[str, dict[int, str]] = {}

    def read(self, node: Node) -> list[str]:
        """Return the ONNX names of the nodes that a node reads."""
        return [self.named[name] for name in node.inputs if name in self.named]

    def integer(self, name: str, values: Array | int) -> str:
        """Add an int32 constant and return its name."""
        return self.constant(name, np.asarray(values, dtype=np.int32))

    def code(self, source: str, span: Span) -> str:
        """Return the value q - base, 0..top - base, of a node."""
        if source not in self._codes:
            name = self.named[source]
            base = self.integer(f"{name}.base", span.base) if span.base else ""
            self._codes[source] = self.value("Sub", [name, base], f"{name}.code") if base else name
        return self._codes[source]

    def digits(self, source: str, span: Span) -> list[str]:
        """Return the 8-bit digits of a node's levels, uint8 each, least significant first."""
        if source not in self._digits:
            rest, name = self.code(source, span), self.named[source]
            radix = self.integer(f"{name}.radix", RADIX) if len(span.zeros) > 1 else ""
            parts = []
            for number in range(len(span.zeros)):
                digit = self.value("Mod", [rest, radix], f"{name}.rest") if radix else rest
                parts.append(self.value("Cast", [digit], f"{name}.digit{number}", to=TensorProto.UINT8))
                if number + 1 < len(span.zeros):
                    rest = self.value("Div", [rest, radix], f"{name}.rest")
            self._digits[source] = parts
        return self._digits[source]

    def weights(self, name: str, turned: bool) -> dict[int, str]:
        """Return the digits of a weight by number, uint8 with 128 for 0; turned to [sources, targets] if asked for."""
        if name not in self._weights:
            parts = weight_digits(self.graph.constants[name])
            stored = {k: ((part.T if turned else part) + WEIGHT_ZERO).astype(np.uint8) for k, part in parts.items()}
            names = {k: f"{name}.digit{k}" if len(parts) > 1 else name for k in parts}
            self._weights[name] = {k: self.constant(names[k], array) for k, array in stored.items()}
        return self._weights[name]

    def total(self, terms: Sequence[str], output: str) -> str:
        """Add terms one by one, the last sum under the name given."""
        first, *rest = terms
        for number, term in enumerate(rest):
            last = number + 1 == len(rest)
            first = self.emit("Add", [first, term], output if last else self.names.unique(f"{output}.part"))
        return first
