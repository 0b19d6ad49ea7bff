"""What a person reads, and the same as JSON: everything the ``snncc`` command prints is printed here."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from snncc.compiler.diagnostics import SnnccError
    from snncc.compiler.program import Program
    from snncc.runtime.report import Report

Bar = Callable[[str, int, int], None]


def _out() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


@contextmanager
def progress(quiet: bool) -> Iterator[Bar]:
    """Give a function (what, done, total) that shows progress on a terminal, and is silent elsewhere."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda what, done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("working", total=None)
        yield lambda what, done, total: bars.update(task, description=what, completed=done, total=total or None)


def compiled(program: Program, path: Path, as_json: bool) -> None:
    """Say what was compiled and what the compiler noted."""
    summary = program_summary(program) | {"file": str(path)}
    if as_json:
        return _json(summary)
    out = _out()
    out.print(
        f"{path}: {summary['populations']} populations, {summary['neurons']} neurons, coding {summary['coding']}, "
        f"levels 0..{summary['levels']}, latency {summary['latency_steps']} steps, "
        f"interval {summary['initiation_interval']}"
    )
    for note in summary["notes"]:
        out.print(note, markup=False)
    return None


def program_summary(program: Program) -> dict[str, Any]:
    """Return the figures of a program that need no data."""
    settings = dict(program.origin.settings) if program.origin else {}
    return {
        "program": program.name, "target": program.target, "coding": settings.get("coding"),
        "levels": settings.get("levels"), "bits": settings.get("bits"), "weight_bits": settings.get("weight_bits"),
        "populations": len(program.populations), "connections": len(program.connections),
        "neurons": sum(p.size for p in program.populations), "window_steps": program.max_window,
        "latency_steps": program.latency, "initiation_interval": program.interval,
        "notes": [str(note) for note in program.origin.notes] if program.origin else [],
    }


def verified(report: Report, as_json: bool) -> None:
    """Print a verification report: verdict first, then evidence."""
    if as_json:
        return _json(report.to_json())
    out = _out()
    out.print(f"[bold {'green' if report.exact else 'red'}]{report.verdict}[/]")
    if report.first_divergence is not None:
        _divergence(out, report)
    for line in _evidence(report):
        out.print(line, markup=False)
    out.print(_layer_table(report))
    for note in report.notes:
        out.print(note, markup=False)
    return None


def _divergence(out: Console, report: Report) -> None:
    first = report.first_divergence
    assert first is not None
    out.print(
        f"first: {first.what} of {first.population}[{first.neuron}] in step {first.step} (sample {first.sample}): "
        f"expected {first.expected}, found {first.found}; {first.loc}", markup=False,
    )
    for source, neuron, payload, weight in first.inputs[:10]:
        out.print(f"  arrived: {source}[{neuron}] payload {payload} x weight {weight}", markup=False)


def _evidence(report: Report) -> Iterator[str]:
    if report.float_accuracy is not None:
        yield (
            f"accuracy: float {report.float_accuracy:.4f}, integer {report.integer_accuracy:.4f} on {report.samples} "
            f"samples; they agree on {report.agreement:.4f}"
        )
    elif report.agreement is not None:
        yield f"float and integer network predict the same class on {report.agreement:.4f} of {report.samples} samples"
    if report.float_mae is not None:
        yield f"mean absolute error against y: float {report.float_mae:.6g}, integer {report.integer_mae:.6g}"
        yield f"PSNR against y in dB: float {report.float_psnr_db}, integer {report.integer_psnr_db}"
    yield (
        f"coding {report.coding}, levels 0..{report.levels}: latency {report.latency_steps} steps, "
        f"initiation interval {report.initiation_interval}, longest window {report.window_steps}"
    )
    yield (
        f"an inference: {report.spikes_per_inference:.1f} spikes, {report.synops_per_inference:.0f} synaptic events, "
        f"{report.payload_bits_per_inference:.0f} payload bits"
    )
    if report.clipped_inputs:
        yield f"{report.clipped_inputs} input values lie outside the calibrated range and were clipped"


def _layer_table(report: Report) -> Table:
    table = Table("layer", "op", "in the model", "levels", "SQNR dB", "cosine", "max error")
    for layer in report.layers:
        sqnr = "-" if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}"
        cosine = "-" if layer.cosine is None else f"{layer.cosine:.5f}"
        table.add_row(
            layer.name, layer.op, layer.module, str(layer.levels), sqnr, cosine, f"{layer.max_error:.4g}"
        )
    return table


def named_outputs(program: Program, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return arrays for a result file: ``y`` in real units and ``y_integer``, by output name if there are several."""
    scales = {o.name: float(o.scale) for o in program.outputs}
    named = {}
    for name, values in outputs.items():
        key = "y" if len(outputs) == 1 else name
        named[key] = values.astype("float32")
        named[f"{key}_integer"] = (values / scales[name]).round().astype("int64")
    return named


def ran(program: Program, outputs: Mapping[str, Any], path: Path, as_json: bool) -> None:
    """Say what was written."""
    shapes = {name: list(values.shape) for name, values in outputs.items()}
    if as_json:
        return _json({"file": str(path), "outputs": shapes})
    listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    _out().print(f"{path}: {listed}", markup=False)
    return None


def inspected(found: dict[str, Any], as_json: bool, text: bool) -> None:
    """Print what ``inspection.inspect_file`` found."""
    if as_json:
        return _json({key: value for key, value in found.items() if key != "text"})
    out = _out()
    out.print(f"{found['kind']} {found['name']}: {found['parameters']} parameters", markup=False)
    for item in found["inputs"]:
        span = f", levels {item['lo']}..{item['hi']} of {item['scale']:.6g}" if item.get("scale") else ""
        out.print(f"input {item['name']}: float32 [samples, {', '.join(map(str, item['shape']))}]{span}", markup=False)
    table = Table("node", "op", "shape", "parameters", "in the model")
    for row in found["nodes"]:
        table.add_row(row["name"], row["op"], str(row["shape"]), str(row["parameters"]), row["loc"])
    out.print(table)
    for problem in found.get("problems", []):
        out.print(problem["text"], markup=False)
    if text:
        out.print(found["text"], markup=False)
    return None


def explained(code: str, as_json: bool) -> None:
    """Print the catalogue's entry of a code.

    Raises:
        SnnccError: SNN508 with exit code 2, no such code.
    """
    from dataclasses import asdict

    from snncc.compiler.catalogue import CATALOGUE
    from snncc.compiler.diagnostics import fail

    if code not in CATALOGUE:
        raise fail("SNN508", f"there is no diagnostic '{code}'", hint="codes look like SNN102", exit_code=2)
    entry = CATALOGUE[code]
    if as_json:
        return _json({"code": code, **asdict(entry)})
    _out().print(f"{code}: {entry.title}\n\n{entry.meaning}\n\nWhat to do: {entry.fix}", markup=False)
    return None


def demonstrated(reports: Sequence[Report], as_json: bool) -> None:
    """Print the table of the demonstration, verdict first."""
    if as_json:
        return _json([report.to_json() for report in reports])
    out = _out()
    exact = all(report.exact for report in reports)
    first = reports[0]
    verdict = "EXACT in every coding" if exact else "NOT EXACT"
    out.print(f"[bold {'green' if exact else 'red'}]{verdict}[/]: float accuracy {first.float_accuracy:.4f}, "
              f"{first.samples} test images, {first.samples_stepped} stepped and {first.witnesses} witnesses in each")
    table = Table("coding", "accuracy", "exact", "end-to-end steps", "interval", "spikes", "synaptic events", "payload bits")
    for r in reports:
        table.add_row(
            r.coding, f"{r.integer_accuracy:.4f}", "yes" if r.exact else "NO", str(r.latency_steps),
            str(r.initiation_interval), f"{r.spikes_per_inference:.1f}", f"{r.synops_per_inference:.0f}",
            f"{r.payload_bits_per_inference:.0f}",
        )
    out.print(table)
    return None


def failed(error: SnnccError, as_json: bool) -> None:
    """Print every diagnostic of an error, to stderr; as JSON to stdout where JSON was asked for."""
    if as_json:
        from dataclasses import asdict

        return _json({"diagnostics": [asdict(diagnostic) for diagnostic in error.diagnostics]})
    for diagnostic in error.diagnostics:
        sys.stderr.write(f"{diagnostic}\n")
    return None


def crashed(error: BaseException) -> None:
    """Say that the compiler is at fault, and leave a folder with what is needed to find out why."""
    folder = Path(tempfile.mkdtemp(prefix="snncc-bug-"))
    (folder / "traceback.txt").write_text("".join(traceback.format_exception(type(error), error, error.__traceback__)), encoding="utf-8")
    (folder / "command.txt").write_text(" ".join(sys.argv), encoding="utf-8")
    sys.stderr.write(f"internal error: {str(error).splitlines()[0] if str(error) else type(error).__name__}\n")
    sys.stderr.write(f"This is a bug in snncc. What is needed to find it is in {folder}\n")
