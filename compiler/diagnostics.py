"""Where a problem is, what it is, and what the user can do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loc:
    """Where a node came from in the user's model.

    Attributes:
        file: file the model was read from, or the class name of a torch module.
        name: name of the node in that file.
        op: operator as the file calls it, for example ``Conv``.
        module: torch module path such as ``features.0``, empty where unknown.
        line: source line such as ``net.py:12``, empty where unknown.
    """

    file: str = "?"
    name: str = "?"
    op: str = ""
    module: str = ""
    line: str = ""

    def __str__(self) -> str:
        """Return ``file:name``, or the file alone where that is meant, followed by what else is known."""
        extra = [part for part in (self.op, self.module, self.line) if part]
        where = self.file if self.name in ("", self.file) else f"{self.file}:{self.name}"
        return where + (f" ({', '.join(extra)})" if extra else "")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, stated for the user.

    Attributes:
        code: key of ``catalogue.CATALOGUE``, printed by ``snncc explain CODE``.
        message: one sentence that names the object.
        loc: where in the user's model or files.
        hint: the nearest fix.
        severity: ``error``, or ``warning`` for what does not stop the compiler.
    """

    code: str
    message: str
    loc: Loc = Loc()
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        """Return the diagnostic as one or two lines of text."""
        where = f"{self.loc}: " if self.loc != Loc() else ""
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{where}{self.severity}[{self.code}]: {self.message}{hint}"


class SnnccError(Exception):
    """The user's model, data or options are at fault; carries every diagnostic found.

    Attributes:
        diagnostics: all problems, in the order of the user's model.
        exit_code: 2 for a bad option or name on the command line, else 1.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], exit_code: int = 1) -> None:
        """Keep the diagnostics and join them into the message."""
        self.diagnostics = tuple(diagnostics)
        self.exit_code = exit_code
        super().__init__("\n".join(map(str, self.diagnostics)))


class InternalError(Exception):
    """The compiler itself broke a promise; never the user's fault."""


def fail(code: str, message: str, loc: Loc | None = None, hint: str = "", exit_code: int = 1) -> SnnccError:
    """Return an error that carries a single diagnostic."""
    return SnnccError([Diagnostic(code, message, loc or Loc(), hint)], exit_code)
