"""What ``snncc diagnose`` prints: the verdict, the findings, the whole budget; the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from snncc.runtime.diagnosis.findings import Diagnosis, Finding
from snncc.terminal import console, plain, table, write_json, write_table

SMALL = 0.002  # share of the noise below which a row of the budget is left to --json
UNITS = {"points": "points", "changed": "% changed", "error": "% error"}


def diagnosed(diagnosis: Diagnosis, as_json: bool) -> None:
    """Print a diagnosis: verdict first, then findings, worst first, then the budget in data-flow order."""
    if as_json:
        return write_json(diagnosis.to_json())
    _say(diagnosis.verdict, "bold red" if diagnosis.significant else "bold")
    for number, finding in enumerate(diagnosis.findings, 1):
        for line in _finding(number, finding, diagnosis.measure):
            _say(line)
    shown = [row for row in diagnosis.budget if (row.share or 0.0) >= SMALL]
    if shown:
        write_table(_budget(shown, UNITS[diagnosis.measure]))
    left = len(diagnosis.budget) - len(shown)
    if left:
        _say(f"{left} causes below {100 * SMALL:g}% of the noise are left out; --json has them")
    for note in diagnosis.notes:
        _say(note)
    return None


def _finding(number: int, finding: Finding, measure: str) -> Iterator[str]:
    yield f"{number}. {finding.layer} ({finding.module}): {finding.cause}{_costs(finding, measure)}"
    yield f"   {finding.evidence}"
    yield f"   to do: {finding.knob}"


def _costs(finding: Finding, measure: str) -> str:
    if not finding.measured or finding.points is None:
        return ""
    share = f", {100 * (finding.share or 0.0):.0f}% of the noise"
    if finding.screened:
        return share
    unit = UNITS[measure]
    certain = "" if (finding.points_low or 0.0) > 0 else ", which may be chance"
    return f"{share}; alone {finding.points:.2f} {unit}{_interval(finding)}{certain}"


def _interval(finding: Finding) -> str:
    return f" [{finding.points_low:.2f}, {finding.points_high:.2f}]"


def _budget(rows: Sequence[Finding], unit: str) -> Table:
    alone, together = f"alone, {unit}", f"so far, {unit}"
    numbers = ("noise", "layer dB", "output dB", alone, "95% interval", together, "so far dB")
    cells = [
        (
            row.layer,
            row.cause,
            f"{100 * (row.share or 0.0):.1f}%",
            _db(row.local_sqnr_db),
            _db(row.sqnr_db),
            "-" if row.screened else f"{row.points:.2f}",
            "-" if row.screened else _interval(row).strip(),
            f"{row.cumulative_points:.2f}",
            _db(row.cumulative_sqnr_db),
        )
        for row in rows
    ]
    return table(("layer", "cause", *numbers), cells, numbers)


def _db(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _say(line: object, style: str | None = None) -> None:
    console().print(plain(line), style=style)
