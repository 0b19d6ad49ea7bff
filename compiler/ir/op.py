"""What an operation is, and the table of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.types import CHARGE, FLOAT, TensorType

OPS: dict[str, type[Op]] = {}


@dataclass(frozen=True)
class Op:
    """An operation and its attributes; a subclass is one kind of op.

    Attributes of a subclass are ints, floats, strings, None or tuples of them, so that the text form can hold them.
    """

    name: ClassVar[str] = ""
    linear: ClassVar[bool] = False  # a weighted sum
    view: ClassVar[bool] = False  # every element moves
    selects: ClassVar[bool] = False  # elements move, repeat or vanish, and zeros may appear

    def __init_subclass__(cls) -> None:
        """Enter the kind into the table that the parser reads."""
        if cls.name:
            OPS[cls.name] = cls

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the type of the result.

        Raises:
            ValueError: the inputs do not fit; the message says why.
        """
        raise NotImplementedError


def want(inputs: tuple[TensorType, ...], least: int, most: int | None = None) -> None:
    """Raise ValueError unless the number of inputs lies in least..most."""
    most = least if most is None else most
    if not least <= len(inputs) <= most:
        raise ValueError(f"wants {least} to {most} inputs, got {len(inputs)}")


def charge_of(source: TensorType) -> str:
    """Return the dtype of a weighted sum over a source: charge for levels, float for float."""
    return FLOAT if source.dtype == FLOAT else CHARGE
