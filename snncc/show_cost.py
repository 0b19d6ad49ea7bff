"""What ``snncc cost`` prints: the verdict, the ANN beside it, where energy and time go; the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from snncc.compiler.targets.target import PRICED
from snncc.runtime.cost.energy import PartCost
from snncc.runtime.cost.report import AtRate, CostReport, Side
from snncc.runtime.cost.timing import Bottleneck, Timing
from snncc.terminal import console, counted, plain, table, write_json, write_table

ABSENT = "absent"
ONE_CORE = "one core without limits"
PATHS = {"static power": "static_watts", "io": "host.events_per_second"}
MOST_CORES = 10  # cores that are listed; --json has all
PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p"))


def costed(report: CostReport, as_json: bool) -> None:
    """Print a report: verdict first, then kinds of events, layers, cores, bounds and NeuroBench's metrics."""
    if as_json:
        return write_json(report.to_json())
    spiking, frames = report.spiking, report.frames
    where = "" if report.placed else f", on {ONE_CORE}"
    _say(f"modelled{where}: {_figures(spiking)}", "bold")
    for line in (*_head(report), *_rate("program", spiking.at_rate), *_rate("ANN", frames.at_rate)):
        _say(line)
    write_table(_kinds(report))
    write_table(_layers(report))
    write_table(_cores(report))
    write_table(_bounds(report))
    for line in (*_neurobench(report), *report.notes):
        _say(line)
    return None


def _figures(side: Side) -> str:
    """Return energy, times and bound of an inference in one line."""
    energy, times = side.energy.dynamic_pj, side.timing
    parts = [f"{_pj(energy if side.total_pj is None else side.total_pj)} an inference"]
    if side.total_pj is not None:
        parts[0] += f" ({_pj(energy)} in events, {_pj(side.static_pj)} static)"
    if times.interval_ns is None:
        return f"{parts[0]}; times are {ABSENT}"
    parts += [f"one every {_ns(times.interval_ns)} ({times.throughput:,.0f} a second)"]
    parts += [f"latency {_ns(times.latency_ns)}", f"bound by {_bound(times.bottlenecks[0])}"]
    return ", ".join(parts)


def _head(report: CostReport) -> Iterator[str]:
    where = f"{counted(report.cores, 'core', ',')}, {counted(report.chips, 'chip', ',')}" if report.placed else ONE_CORE
    yield f"table {report.table} of {report.target}: {report.table_source}"
    yield f"events: exact, {_mean(report.samples)} back to back, on {where}"
    yield f"8-bit ANN, the same network frame by frame: {_figures(report.frames)}"
    yield from _lacks(report)
    ratios = {"with static energy": report.ratio, "events alone": report.event_ratio}
    told = [f"{ratio:.2f} {what}" for what, ratio in ratios.items() if ratio is not None]
    if told:
        yield f"energy of the ANN / energy of the program: {', '.join(told)}"


def _lacks(report: CostReport) -> Iterator[str]:
    """Yield what energies and times lack on either side, and why."""
    for what in ("energy", "time"):
        missing = dict.fromkeys(report.spiking.without[what] + report.frames.without[what])
        told = [_why(name, report.absent.get(PATHS.get(name, f"{what}.{name}"))) for name in missing]
        if told:
            yield f"  {what} without: {', '.join(told)}"


def _why(name: str, reason: str | None) -> str:
    return name.replace("_", " ") + (f" ({reason})" if reason else "")


def _rate(name: str, at: AtRate | None) -> Iterator[str]:
    if at is None:
        return
    told = f"at {at.rate:g} inferences a second the {name}"
    if not at.reached:
        yield f"{told} is OUT OF REACH: it would step {_share(at.duty_cycle)} of the time"
        return
    times = f"steps {_share(at.duty_cycle)} of the time, an answer comes after {_ns(at.answer_ns)}"
    if at.duty_cycle is None:
        times = f"has no known duty cycle: times are {ABSENT}"
    yield f"{told} {times}; {_taken(at)}"


def _taken(at: AtRate) -> str:
    """Return what an inference takes at a rate, as far as the table knows."""
    if at.total_pj is not None and at.average_watts is not None:
        power = _unit(at.average_watts, "W")
        return f"an inference takes {_pj(at.total_pj)} (static {_pj(at.static_pj)}), average power {power}"
    if at.dynamic_pj is not None:
        return f"an inference takes {_pj(at.dynamic_pj)} in events; average power is absent, as static power is"
    if at.static_pj is not None:
        return f"an inference takes {_pj(at.static_pj)} of static energy; the table states no energy of events"
    return "the table states no energies, so no average power"


def _kinds(report: CostReport) -> Table:
    numbers = ("one, pJ", "events", "energy", "events as ANN", "energy as ANN")
    rows = []
    for kind, beside in zip(report.spiking.energy.kinds, report.frames.energy.kinds, strict=True):
        cells = [_count(kind.events), _pj(kind.energy_pj), _count(beside.events), _pj(beside.energy_pj)]
        each = ABSENT if kind.each_pj is None else f"{kind.each_pj:g}"
        rows.append((kind.kind.replace("_", " "), PRICED[kind.kind], each, *cells))
    return table(("event", "what it is", *numbers), rows, numbers)


def _layers(report: CostReport) -> Table:
    numbers = ("neurons", "updates", "spikes", "synaptic events", "energy", "share", "energy as ANN")
    beside = {part.name: part.energy_pj for part in report.frames.energy.layers}
    total = report.spiking.energy.dynamic_pj or 1.0
    rows = [
        (
            part.name,
            f"{part.neurons:,}",
            *(_count(part.events[kind]) for kind in ("update", "spike", "synaptic_event")),
            _pj(part.energy_pj),
            _share(None if part.energy_pj is None else part.energy_pj / total),
            _pj(beside.get(part.name)),
        )
        for part in report.spiking.energy.layers
    ]
    return table(("layer", *numbers), rows, numbers)


def _cores(report: CostReport) -> Table:
    numbers = ("core", "neurons", "updates", "spikes", "synaptic events", "messages", "energy", "busy")
    kinds = ("update", "spike", "synaptic_event", "message")
    costly = sorted(report.spiking.energy.cores, key=lambda part: -(part.energy_pj or 0.0))
    rows: list[Sequence[str]] = [
        (
            part.name,
            f"{part.neurons:,}",
            *(_count(part.events[kind]) for kind in kinds),
            _pj(part.energy_pj),
            _share(_busy(part, report.spiking.timing)),
        )
        for part in costly[:MOST_CORES]
    ]
    left = [part.energy_pj for part in costly[MOST_CORES:]]
    if left:
        total = None if left[0] is None else sum(energy or 0.0 for energy in left)
        rows.append((f"{len(left)} more", *[""] * (len(numbers) - 3), _pj(total), ""))
    return table(numbers, rows, numbers)


def _busy(part: PartCost, timing: Timing) -> float | None:
    """Return the share of the time in which a core computes."""
    return None if part.core_ns is None or not timing.interval_ns else part.core_ns / timing.interval_ns


def _bounds(report: CostReport) -> Table:
    rows = []
    for name, side in (("program", report.spiking), ("ANN", report.frames)):
        for one in side.timing.bottlenecks:
            steps = f"{side.timing.bound.count(one.bound)} of {len(side.timing.bound)}"
            core = "" if one.core is None else str(one.core)
            rows.append((name, one.bound, _share(one.share), steps, core, one.layer))
    numbers = ("of the time", "steps", "core")
    return table(("side", "bound by", *numbers, "layer"), rows, numbers)


def _neurobench(report: CostReport) -> Iterator[str]:
    found = report.neurobench
    operations, pools = found.synaptic_operations, found.pooling
    sparse = f"connection {_ratio(found.connection_sparsity)}, activation {_ratio(found.activation_sparsity)}"
    yield f"NeuroBench: footprint {found.footprint_bytes:,} bytes, sparsity: {sparse}"
    yield (
        f"  synaptic operations: {_count(operations.effective_macs)} effective MACs, "
        f"{_count(operations.effective_acs)} effective ACs, {_count(operations.dense)} dense"
    )
    if pools.dense:
        pooled = pools.effective_macs + pools.effective_acs
        yield f"  of pools, which it does not count: {_count(pooled)} effective, {_count(pools.dense)} dense"


def _bound(one: Bottleneck) -> str:
    where = "" if one.core is None else f", core {one.core}, {one.layer}"
    return f"{one.bound} ({_share(one.share)} of the time{where})"


def _count(value: float | None) -> str:
    if value is None:
        return "not counted"
    return f"{value:,.1f}".removesuffix(".0")


def _mean(samples: int) -> str:
    return "of 1 sample" if samples == 1 else f"mean of {samples} samples"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _share(value: float | None) -> str:
    return ABSENT if value is None else f"{100 * value:.1f}%"


def _pj(value: float | None) -> str:
    return ABSENT if value is None else _unit(value * 1e-12, "J")


def _ns(value: float | None) -> str:
    return ABSENT if value is None else _unit(value * 1e-9, "s")


def _unit(value: float, unit: str) -> str:
    """Return a value with three digits and a prefix."""
    size, prefix = next((pair for pair in PREFIXES if abs(value) >= pair[0]), PREFIXES[-1])
    return f"{float(f'{value / size:.3g}'):g} {prefix}{unit}"


def _say(line: object, style: str | None = None) -> None:
    console().print(plain(line), style=style)
