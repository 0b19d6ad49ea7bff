"""Which case of the kit which backend takes: the table in docs/backends.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snncc.backends.base import Backend
from snncc.backends.conformance import cases

EXACT = "exact"


def support(backends: Iterable[Backend]) -> Iterator[tuple[str, ...]]:
    """Yield for each case its name, what it shows, and what each backend makes of it.

    That is ``exact``, or the codes of the diagnostics with which the backend refuses the case.
    """
    asked = tuple(backends)
    for case in cases():
        codes = [sorted({problem.code for problem in backend.check(case.program)}) for backend in asked]
        yield case.name, case.about, *(", ".join(found) or EXACT for found in codes)
