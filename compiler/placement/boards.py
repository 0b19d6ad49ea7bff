"""Which bundled boards have the same chip, and more of them."""

from __future__ import annotations

from snncc.compiler.targets import load_target, target_names
from snncc.compiler.targets.target import Target


def board_with(target: Target, cores: int) -> str:
    """Return the name of the smallest bundled target with the same cores and at least so many; empty if none has."""
    boards = (load_target(name) for name in target_names())
    alike = [b for b in boards if (b.core, b.packing, b.codings) == (target.core, target.packing, target.codings)]
    enough = [b for b in alike if b.board.all_cores >= cores]
    return min(enough, key=lambda b: (b.board.all_cores, b.name)).name if enough else ""
