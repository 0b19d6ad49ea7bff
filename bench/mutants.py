"""Put faults into small programs and print who rejects them: ``python -m bench.mutants --each 100 --list``.

A mutant that the checker accepts is run on every input that its network has. Where it sends a spike or shows an output
that the right program does not, the fault was not found by the checker, and the exit status is 1.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.runtime.judge import CHECKER, EQUAL, INSIDE, MISSED, READER, WITNESSES, Trial
from tests.runtime.mutants import mutants
from tests.runtime.mutated_nets import subjects
from tests.runtime.sealed import FAULTS

VERDICTS = {  # column of the table by verdict; a fault "inside" shows in a membrane that nobody reads, nowhere else
    CHECKER: "checker",
    READER: "reader",
    WITNESSES: "witnesses",
    MISSED: "nobody",
    INSIDE: "inside",
    EQUAL: "no change",
}


def main(
    each: Annotated[int, typer.Option(help="Mutants of each program.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the choice of faults.")] = 1000,
    listed: Annotated[bool, typer.Option("--list", help="Name the mutants that the checker accepts.")] = False,
) -> None:
    """Print a table of faults by kind, and who rejects them."""
    counts: Counter[tuple[str, str]] = Counter()
    for number, subject in enumerate(subjects()):
        trial = Trial.of(subject.network, subject.program)
        for mutant in mutants(subject.data, each, seed + number):
            verdict = trial.judge(mutant)
            counts[mutant.kind, verdict] += 1
            if verdict in (MISSED, WITNESSES) or (listed and verdict != CHECKER):
                sys.stdout.write(f"{VERDICTS[verdict]}: {subject.name}: {mutant.kind}: {mutant.what}\n")
    Console().print(table(counts))
    sys.exit(int(any(verdict in (MISSED, WITNESSES) for _, verdict in counts)))


def table(counts: Counter[tuple[str, str]]) -> Table:
    """Return the table: a row for each kind of fault, and their sums."""
    made = Table("part", "fault", *VERDICTS.values(), title="mutants")
    for kind, (part, _) in sorted(FAULTS.items(), key=lambda item: item[1][0]):
        made.add_row(part, kind, *(str(counts[kind, verdict]) for verdict in VERDICTS))
    sums = [sum(n for (_, found), n in counts.items() if found == verdict) for verdict in VERDICTS]
    made.add_row("all", "", *map(str, sums))
    return made


if __name__ == "__main__":
    typer.run(main)
