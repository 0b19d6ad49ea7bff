"""What a person reads, and the same as JSON: everything the ``snncc`` command prints is printed here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from snncc.terminal import console, counted, plain, table, write_json, write_table

if TYPE_CHECKING:
    from snncc.compiler.diagnostics import Diagnostic
    from snncc.runtime.divergence import Divergence
    from snncc.runtime.report import Report

GOOD, BAD = "bold green", "bold red"


def _say(line: object, style: str | None = None) -> None:
    console().print(plain(line), style=style)


def compiled(summary: Mapping[str, Any], as_json: bool) -> None:
    """Say what was compiled and what the compiler noted; ``summary`` is a program's, with the file's name."""
    if as_json:
        return write_json(summary)
    _say(
        f"{summary['file']}: {summary['populations']} populations, {summary['neurons']} neurons, "
        f"coding {summary['coding']}, levels 0..{summary['levels']}, "
        f"latency {counted(summary['latency_steps'], 'step')}, interval {summary['initiation_interval']}"
    )
    for line in (*_certificate(summary), *_placement(summary)):
        _say(line)
    for note in summary["notes"]:
        _say(note)
    return None


def _certificate(summary: Mapping[str, Any]) -> Iterator[str]:
    proved = summary["certificate"]
    if proved:
        yield (
            f"certificate: {proved['populations']} populations, {proved['neuron_programs']} neuron programs proved on "
            f"{proved['classes']} classes"
        )


def _placement(summary: Mapping[str, Any]) -> Iterator[str]:
    placed = summary["placement"]
    if placed:
        cores = f"{placed['cores']} of {placed['of_cores']} cores" if placed["of_cores"] else f"{placed['cores']} cores"
        yield f"placed on {placed['target']}: {cores}, {placed['slices']} slices"


def place_done(summary: Mapping[str, Any], as_json: bool) -> None:
    """Say where a program is now; ``summary`` is its own, with the file's name."""
    if as_json:
        return write_json(summary)
    for line in _placement(summary):
        _say(f"{summary['file']}: {line}")
    return None


def printed(name: str, text: str) -> None:
    """Print the graph after a pass."""
    sys.stdout.write(f"# after {plain(name)}\n{plain(text)}\n")


def timed(times: Sequence[tuple[str, float]]) -> None:
    """Print how long each pass took, to stderr."""
    for name, seconds in times:
        sys.stderr.write(f"{seconds * 1000:9.1f} ms  {name}\n")


def verified(report: Report, as_json: bool) -> None:
    """Print a verification report: verdict first, then evidence."""
    if as_json:
        return write_json({"verdict": report.verdict, **report.to_json()})
    _say(report.verdict, GOOD if report.exact else BAD)
    for line in (*_divergence(report.first_divergence), *_evidence(report)):
        _say(line)
    if report.layers:
        write_table(_layer_table(report))
    for note in report.notes:
        _say(note)
    return None


def _divergence(first: Divergence | None) -> Iterator[str]:
    if first is None:
        return
    where = f"in step {first.step} (sample {first.sample})"
    where += "" if first.core is None else f", {'on the host' if first.core < 0 else f'on core {first.core}'}"
    if first.what not in ("spike", "membrane"):
        yield f"first: {first.what} {where}"
        return
    yield (
        f"first: {first.what} of {first.population}[{first.neuron}] {where}: expected {first.expected}, "
        f"found {first.found}; {first.loc}"
    )
    for source, neuron, payload, weight in first.inputs[:10]:
        yield f"  arrived: {source}[{neuron}] payload {payload} x weight {weight}"
    if len(first.inputs) > 10:
        yield f"  and {len(first.inputs) - 10} more; --json lists them"


def _evidence(report: Report) -> Iterator[str]:
    if report.executor_mismatches:
        yield f"the fast and the plain integer executor differ in {report.executor_mismatches} output values"
    if report.float_accuracy is not None:
        yield (
            f"accuracy: float {report.float_accuracy:.4f}, integer {report.integer_accuracy:.4f} on {report.samples} "
            f"samples; they agree on {report.agreement:.4f}"
        )
    elif report.agreement is not None:
        yield f"float and integer network predict the same class on {report.agreement:.4f} of {report.samples} samples"
    if report.float_mae is not None:
        yield f"mean absolute error against y: float {report.float_mae:.6g}, integer {report.integer_mae:.6g}"
        yield f"PSNR against y in dB: float {_db(report.float_psnr_db)}, integer {_db(report.integer_psnr_db)}"
    yield f"mean absolute difference of float and integer outputs: {report.output_mae:.6g}"
    yield (
        f"coding {report.coding}, levels 0..{report.levels}: latency {counted(report.latency_steps, 'step')}, "
        f"initiation interval {report.initiation_interval}, longest window {report.window_steps}"
    )
    if report.samples_stepped:
        yield (
            f"an inference: {report.spikes_per_inference:.1f} spikes, {report.synops_per_inference:.0f} synaptic "
            f"events, {report.payload_bits_per_inference:.0f} payload bits"
        )
    if report.board and not report.placed_samples:
        yield f"placed on {report.board}: not stepped slice by slice, which --slices asks for"
    elif report.board and not report.placed_mismatches:
        yield f"placed on {report.board}: {report.placed_samples} samples slice by slice, same spikes"
    if report.clipped_inputs:
        yield f"{report.clipped_inputs} input values lie outside the calibrated range and were clipped"


def _db(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _layer_table(report: Report) -> Any:
    rows = []
    for layer in report.layers:
        sqnr = "-" if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}"
        cosine = "-" if layer.cosine is None else f"{layer.cosine:.5f}"
        rows.append((layer.name, layer.op, layer.module, layer.levels or "-", sqnr, cosine, f"{layer.max_error:.4g}"))
    numbers = ("levels", "SQNR dB", "cosine", "max error")
    return table(("layer", "op", "in the model", *numbers), rows, numbers)


def ran(result: Mapping[str, Any], as_json: bool) -> None:
    """Say what was written: keys file, samples, outputs (shapes by array name) and clipped_inputs."""
    if as_json:
        return write_json(result)
    listed = ", ".join(f"{name} {shape}" for name, shape in result["outputs"].items())
    _say(f"{result['file']}: {listed}")
    if result["clipped_inputs"]:
        _say(f"{result['clipped_inputs']} input values lie outside the calibrated range and were clipped")
    return None


def emitted(manifest: Mapping[str, Any], as_json: bool) -> None:
    """Say what was emitted; ``manifest`` is the artifact's, with the folder's name."""
    if as_json:
        return write_json(manifest)
    told = "; README.md says how to run it" if "README.md" in manifest["files"] else ""
    _say(f"{manifest['folder']}: {len(manifest['files']) + 1} files for {manifest['backend']}{told}")
    for name, value in manifest["facts"].items():
        if isinstance(value, (int, float, str)):  # --json has the tables, too
            _say(f"{name}: {value}")
    return None


def backends(found: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """List backends, and whether they run here."""
    if as_json:
        return write_json({"backends": found})
    rows = [(b["name"], b["gives"] or "-", "yes" if b["runs"] else "no", b["about"]) for b in found]
    write_table(table(("backend", "compared in", "runs here", "what it is"), rows))
    for backend in found:
        if backend["problem"]:
            _say(f"{backend['name']}: {backend['problem']}")
    return None


def inspected(found: dict[str, Any], as_json: bool, text: bool) -> None:
    """Print what ``inspection.inspect_file`` found."""
    if as_json:
        return write_json({key: value for key, value in found.items() if text or key != "text"})
    for line in _heading(found):
        _say(line)
    write_table(_populations(found) if found["kind"] == "program" else _operators(found))
    for problem in found["diagnostics"]:
        _say(problem["text"])
    for note in found.get("notes", ()):
        _say(note)
    if text:
        _say(found["text"])
    return None


def _heading(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['kind']} {found['name']}: {found['parameters']} parameters, {len(found['nodes'])} nodes"
    if found["kind"] == "program":
        yield (
            f"target {found['target']}, coding {found['coding']}, levels 0..{found['levels']}, {found['neurons']} "
            f"neurons, latency {counted(found['latency_steps'], 'step')}, interval {found['initiation_interval']}"
        )
        yield from _certificate(found)
    else:
        verdict = "every operator is supported" if found["supported"] else "CANNOT BE COMPILED, see below"
        yield f"{verdict}; targets: {', '.join(found['targets'])}; codings: {', '.join(found['codings'])}"
    for item in found["inputs"]:
        yield f"input {item['name']}: {item['dtype']}{_samples(item['shape'])}{_span(item)}"
    for item in found["outputs"]:
        scale = f", in units of {item['scale']:.6g}" if item.get("scale") else ""
        yield f"output {item['name']}: float32{_samples(item['shape'])}{scale}"


def _samples(shape: Sequence[object] | None) -> str:
    return "" if shape is None else f" [{', '.join(('samples', *map(str, shape)))}]"


def _span(item: Mapping[str, Any]) -> str:
    if item["scale"] is None:
        return ""
    low, high = item["range"]
    levels = f"levels {item['lo']}..{item['hi']} of {item['scale']:.6g}"
    return f" from {low:.6g} to {high:.6g}, {levels}; beyond that it is clipped"


def _populations(found: Mapping[str, Any]) -> Any:
    numbers = ("start", "window", "weights")
    rows = [
        (r["name"], r["op"], r["shape"], r["start"], r["window"], r["parameters"], r["loc"].partition(":")[2])
        for r in found["nodes"]
    ]
    return table(("population", "coding", "shape", *numbers, "in the model"), rows, numbers)


def _operators(found: Mapping[str, Any]) -> Any:
    rows = [
        (
            r["name"],
            r["op"],
            r["shape"] or "?",
            r["parameters"],
            ", ".join(r["support"]) or "yes",
            r["loc"].partition(":")[2],
        )
        for r in found["nodes"]
    ]
    return table(("node", "op", "shape", "parameters", "support", "in the model"), rows, ("parameters",))


def explained(code: str | None, as_json: bool) -> None:
    """Print the catalogue's entry of a code, or list all codes.

    Raises:
        SnnccError: SNN508 with exit code 2, no such code.
    """
    from snncc.compiler.catalogue import CATALOGUE
    from snncc.compiler.diagnostics import Loc, fail

    if code is None:
        if as_json:
            return write_json({"codes": [{"code": key, **asdict(entry)} for key, entry in CATALOGUE.items()]})
        return write_table(table(("code", "title"), [(key, entry.title) for key, entry in CATALOGUE.items()]))
    code = f"SNN{code}" if code.isdigit() else code.upper()
    if code not in CATALOGUE:
        hint = "codes look like SNN102; snncc explain lists all"
        raise fail("SNN508", f"there is no diagnostic '{code}'", Loc("options", "code"), hint, 2)
    entry = CATALOGUE[code]
    if as_json:
        return write_json({"code": code, **asdict(entry)})
    return _say(f"{code}: {entry.title}\n\n{entry.meaning}\n\nWhat to do: {entry.fix}")


def demonstrated(reports: Sequence[Report], as_json: bool) -> None:
    """Print the table of the demonstration, verdict first."""
    exact = all(report.exact for report in reports)
    verdict = "EXACT in every coding" if exact else "NOT EXACT"
    if as_json:
        several = [{"verdict": report.verdict, **report.to_json()} for report in reports]
        return write_json({"verdict": verdict, "exact": exact, "reports": several})
    first = reports[0]
    _say(verdict, GOOD if exact else BAD)
    _say(
        f"float accuracy {first.float_accuracy:.4f} on {first.samples} test images; {first.samples_stepped} of them "
        f"and {first.witnesses} witnesses stepped in each coding"
    )
    rows = [
        (
            r.coding,
            f"{r.integer_accuracy:.4f}",
            "yes" if r.exact else "NO",
            r.latency_steps,
            r.initiation_interval,
            f"{r.spikes_per_inference:.0f}",
            f"{r.synops_per_inference:.0f}",
            f"{r.payload_bits_per_inference:.0f}",
        )
        for r in reports
    ]
    numbers = ("accuracy", "steps", "interval", "spikes", "synaptic events", "payload bits")
    write_table(table(("coding", "accuracy", "exact", *numbers[1:]), rows, numbers))
    return None


def failed(diagnostics: Sequence[Diagnostic], as_json: bool) -> None:
    """Print every diagnostic to stderr; as JSON to stdout where JSON was asked for."""
    if as_json:
        return write_json({"diagnostics": [asdict(diagnostic) for diagnostic in diagnostics]})
    for diagnostic in diagnostics:
        sys.stderr.write(f"{plain(diagnostic)}\n")
    return None
