"""What is said about a diagnostic code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One code.

    Attributes:
        title: a few words.
        meaning: when it is reported and why it is a problem.
        fix: what the user can do.
    """

    title: str
    meaning: str
    fix: str
