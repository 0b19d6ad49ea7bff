"""One ONNX node as the converting functions see it, and the graph they build."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from snncc.compiler.diagnostics import InternalError, Loc
from snncc.compiler.frontend.naming import NameTable, Origin, clean_name
from snncc.compiler.ir.graph import Array, Node, constant_type
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.types import FLOAT, TensorType

Floats = npt.NDArray[np.float32]


class Refusal(Exception):  # noqa: N818  not an error of the program: a finding about one node
    """A node that cannot be converted; becomes one diagnostic."""

    def __init__(self, reason: str, hint: str = "", code: str = "SNN103") -> None:
        super().__init__(reason)
        self.reason, self.hint, self.code = reason, hint, code


@dataclass(frozen=True, slots=True)
class Flow:
    """An activation.

    Attributes:
        name: name in the IR.
        shape: sizes of one sample, without batch; None where an unsupported node made it.
    """

    name: str
    shape: tuple[int, ...] | None


class Builder:
    """The IR graph under construction."""

    def __init__(self, file: str, batch: int) -> None:
        self.file, self.batch = file, batch
        self.names = NameTable()
        self.types: dict[str, TensorType] = {}
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}

    def add_constant(self, array: Floats, base: str) -> str:
        """Return the name of a float32 constant; an equal one of the same base name is shared."""
        array = np.ascontiguousarray(array, dtype=np.float32)
        known = self.constants.get(base)
        if known is not None and known.shape == array.shape and known.tobytes() == array.tobytes():
            return base
        name = self.names.unique(base)
        self.constants[name] = array
        self.types[name] = constant_type(array)
        return name

    def add_node(self, op: Op, inputs: tuple[str, ...], base: str, loc: Loc) -> Flow:
        """Append a node.

        Raises:
            Refusal: the inputs do not fit the op.
        """
        try:
            kind = op.infer(tuple(self.types[name] for name in inputs))
        except ValueError as error:
            raise Refusal(str(error)) from error
        name = self.names.unique(base)
        self.types[name] = kind
        self.nodes.append(Node(name, op, inputs, kind, loc))
        return Flow(name, kind.shape)

    def add_unknown(self, shape: tuple[int, ...] | None) -> Flow:
        """Return a stand-in for what an unsupported node makes."""
        name = self.names.unique("unknown")
        if shape is not None:
            self.types[name] = TensorType(FLOAT, shape)
        return Flow(name, shape)


class Context:
    """One ONNX node with typed access to its attributes and operands.

    Attributes:
        node: the ONNX node.
        origin: where it came from.
        batch: batch size of every activation of the model.
    """

    def __init__(self, builder: Builder, flows: dict[ir.Value, Flow], node: ir.Node, origin: Origin) -> None:
        self._builder, self._flows = builder, flows
        self.node, self.origin, self.batch = node, origin, builder.batch

    @property
    def opset(self) -> int:
        """Return the opset of the cleaned model, 18 for all that is older."""
        return self.node.graph.opset_imports.get("", 0) if self.node.graph is not None else 0

    def value(self, index: int) -> ir.Value | None:
        """Return an operand, None if it is left out."""
        return self.node.inputs[index] if index < len(self.node.inputs) else None

    @property
    def wanted(self) -> tuple[bool, ...]:
        """Return for each result whether the model reads it."""
        return tuple(bool(value.uses()) or value.is_graph_output() for value in self.node.outputs)

    def is_constant(self, index: int) -> bool:
        """Return whether an operand is there and constant."""
        value = self.value(index)
        return value is not None and value not in self._flows and value.const_value is not None

    def flow(self, index: int = 0) -> Flow:
        """Return an operand that must be an activation.

        Raises:
            Refusal: it is a constant or left out.
        """
        value = self.value(index)
        if value is None or value not in self._flows:
            raise Refusal(f"its input {index} is a constant, not an activation", "fold it into a weight")
        return self._flows[value]

    def shape(self, index: int = 0) -> tuple[int, ...]:
        """Return the sizes of one sample of an activation.

        Raises:
            Refusal: the operand is no activation.
        """
        shape = self.flow(index).shape
        if shape is None:  # the walk never converts a node that reads an unknown shape
            raise InternalError(f"{self.origin.name} reads an activation of unknown shape")
        return shape

    def array(self, index: int, role: str) -> Array:
        """Return a constant operand of any dtype.

        Raises:
            Refusal: it is left out, or the model computes it.
        """
        value = self.value(index)
        if value is None:
            raise Refusal(f"its {role} is left out")
        if not self.is_constant(index) or value.const_value is None:
            what = "an input of the model" if value.is_graph_input() else "computed by the model"
            raise Refusal(f"its {role} '{value.name}' is {what}, not a constant", "make it a constant weight")
        return value.const_value.numpy()

    def floats(self, index: int, role: str) -> Floats:
        """Return a constant operand as float32.

        Raises:
            Refusal: it is no constant (SNN103), or holds NaN or infinity (SNN105).
        """
        return self.finite(self.array(index, role), index, role)

    def finite(self, array: Array, index: int, role: str) -> Floats:
        """Return the array as float32 if every element is a finite number."""
        with np.errstate(over="ignore", invalid="ignore"):
            result = array.astype(np.float32)
        if not np.isfinite(result).all():
            value = self.value(index)
            name = value.name if value is not None else role
            count = int(np.count_nonzero(~np.isfinite(result)))
            raise Refusal(
                f"its {role} '{name}' holds {count} of {result.size} values that are no finite float32",
                "look for a diverged training run, and export the model again",
                "SNN105",
            )
        return result

    def integers(self, name: str, index: int) -> tuple[int, ...] | None:
        """Return integers given as an attribute or, in newer opsets, as a constant operand; None if absent.

        Raises:
            Refusal: the model computes the operand.
        """
        if name in self.node.attributes:
            return tuple(self.node.attributes[name].as_ints())
        if self.value(index) is None:
            return None
        return tuple(int(item) for item in self.array(index, name).ravel())

    def ints(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return an attribute that lists integers."""
        found = self.node.attributes.get(name)
        return tuple(found.as_ints()) if found is not None else default

    def integer(self, name: str, default: int) -> int:
        """Return an integer attribute."""
        found = self.node.attributes.get(name)
        return found.as_int() if found is not None else default

    def number(self, name: str, default: float) -> float:
        """Return a float attribute, as the shortest decimal of its float32."""
        found = self.node.attributes.get(name)
        return shortest(found.as_float()) if found is not None else default

    def text(self, name: str, default: str) -> str:
        """Return a string attribute."""
        found = self.node.attributes.get(name)
        return found.as_string() if found is not None else default

    def constant(self, array: Floats, role: str, index: int | None = None) -> str:
        """Enter a constant; named after the operand it came from, else after the node and its role."""
        value = self.value(index) if index is not None else None
        given = clean_name(value.name or "") if value is not None else ""
        return self._builder.add_constant(array, given or f"{self.origin.base}.{role}")

    def emit(self, op: Op, *inputs: Flow | str, part: str = "") -> Flow:
        """Append an IR node; ``part`` names a step before the last one of this ONNX node."""
        names = tuple(item if isinstance(item, str) else item.name for item in inputs)
        base = f"{self.origin.base}.{part}" if part else self.origin.base
        return self._builder.add_node(op, names, base, self.origin.loc(self._builder.file))


def shortest(value: float) -> float:
    """Return the shortest decimal that is the same float32, so that 1e-05 prints as such."""
    return float(str(np.float32(value)))
