"""Random placements: every axis of every population cut at random places, every box on a random core.

They keep no limit of any chip; they are for what must hold of every placement.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

from hypothesis import strategies as st

from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Program

MOST_CUTS = 3


@st.composite
def placements(draw: st.DrawFn, program: Program, cores: int = 12, board: str = "test") -> Program:
    """Return a program with random slices on cores 0..cores-1; populations that an input feeds may be on the host."""
    fed = {source.population for source in program.inputs}
    slices: list[Slice] = []
    for population in program.populations:
        axes = [_parts(draw, size) for size in population.shape]
        hosted = population.name in fed and draw(st.booleans())
        for number, box in enumerate(product(*axes)):
            core = HOST if hosted else draw(st.integers(0, cores - 1))
            lo, hi = tuple(a for a, _ in box), tuple(b for _, b in box)
            slices.append(Slice(f"{population.name}.{number}", population.name, lo, hi, core))
    return replace(program, board=board, slices=tuple(slices))


def _parts(draw: st.DrawFn, size: int) -> list[tuple[int, int]]:
    inner = st.lists(st.integers(1, size - 1), max_size=MOST_CUTS, unique=True) if size > 1 else st.just([])
    return list(pairwise([0, *sorted(draw(inner)), size]))
