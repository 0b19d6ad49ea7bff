"""What a backend is: it says what it cannot express, writes an artifact, and runs one.

A backend knows programs (``snncc.compiler``) and its own runtime, nothing else of snncc. Objects in what it writes are
called by number: population k of the program is ``p<k>``, connection ``c<k>``, input ``i<k>``, output ``o<k>``. Names
from the user's model are never code: they stand in manifest.json, which the frame around the backend writes, and
escaped in what a self-test reads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Trace


class Backend(ABC):
    """A target language or simulator; a subclass, named in the entry-point group ``snncc.backends``, is all it takes.

    Attributes:
        name: what users call it, letters, digits, ``_`` and ``-``.
        about: one line for people.
        gives: ``spikes``: a trace has one entry a timestep, by population; ``levels``: one entry a sample, by node of
            the quantized network, levels (charges at the outputs) standing in both fields of ``Sent``.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    gives: ClassVar[str] = "spikes"

    @abstractmethod
    def check(self, program: Program) -> list[Diagnostic]:
        """Return everything in a program that the backend cannot express, at once; empty if it can be emitted."""

    @abstractmethod
    def emit(self, program: Program, folder: Path) -> Mapping[str, Any]:
        """Write code, weights, a README.md and a self-test into an empty folder; return facts for the manifest.

        The same program must give the same bytes. The frame adds manifest.json and the golden vectors, which the
        self-test reads (see ``snncc.backends.golden``).

        Args:
            program: one for which ``check`` finds nothing.
            folder: exists, is empty.
        """

    @abstractmethod
    def run(self, artifact: Path, feed: Feed) -> Trace:
        """Run an artifact on its own runtime, from step 0, and yield what each population did.

        Args:
            artifact: a folder that ``emit`` and the frame wrote; nothing else of the program is needed.
            feed: what arrives; for a backend that gives levels, its ``levels`` count.

        Raises:
            SnnccError: SNN605 the runtime is not there; SNN606 it failed or took too long.
        """

    def missing(self) -> str:
        """Return what ``run`` lacks on this machine, in a sentence; empty if it can be run."""
        return ""
