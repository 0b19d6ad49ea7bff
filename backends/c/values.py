"""What single assignments are made of."""

from __future__ import annotations

from dataclasses import dataclass

from snncc.compiler.bounds import Bounds


@dataclass(frozen=True, slots=True)
class Value:
    """An operand: a literal, or a C variable by its name.

    Attributes:
        text: name of the variable; empty for a literal.
        bounds: least and greatest value.
    """

    text: str
    bounds: Bounds

    @property
    def constant(self) -> int | None:
        """Return the literal, None for a variable."""
        return None if self.text else self.bounds[0]


@dataclass(frozen=True, slots=True)
class Assignment:
    """``value = op args``."""

    value: Value
    op: str
    args: tuple[Value, ...]

    @property
    def read(self) -> set[str]:
        """Return the variables that are read."""
        return {arg.text for arg in self.args}


@dataclass(frozen=True)
class Loop:
    """``value = begin``, then in each round the assignments of a body, of which the last one is to ``value``.

    Attributes:
        value: what the rounds pass on, and what the last one leaves.
        begin: what the first round finds in it.
        rounds: how often the body is run.
        body: the assignments of a round.
        lists: by variable of the body that stands for another parameter in each round, the numbers of these.
    """

    value: Value
    begin: Value
    rounds: int
    body: tuple[Assignment, ...]
    lists: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def read(self) -> set[str]:
        """Return the variables that are read from outside."""
        own = {line.value.text for line in self.body} | {name for name, _ in self.lists}
        return {arg.text for line in self.body for arg in line.args if arg.text not in own} | {self.begin.text}
