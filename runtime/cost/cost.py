"""Count what real samples cause in a program, and price it; the same network as an ANN beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError, fail
from snncc.compiler.ir.graph import Array
from snncc.compiler.placement.place import place
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.program_check import check_program
from snncc.compiler.targets.target import Board, CostTable, Host, Packing, Target
from snncc.runtime.cost.circle import circle, host_values
from snncc.runtime.cost.counting import Counting, one_core
from snncc.runtime.cost.energy import energy
from snncc.runtime.cost.events import Events
from snncc.runtime.cost.frames import depth, frame_events
from snncc.runtime.cost.neurobench import Workload
from snncc.runtime.cost.reach import reaches
from snncc.runtime.cost.report import AtRate, CostReport, Side
from snncc.runtime.cost.timing import Timing, timing
from snncc.runtime.run import input_levels

Ints = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]
LIMIT = 20
MOST_PROBLEMS = 3  # of a placement that are told
PJ_PER_J = 1e12
IO = "host.events_per_second"
PJ_PER_W_NS = 1e3
NO_TABLE = CostTable("none", "no public source gives energies or times of this chip", {}, {}, {})


def cost(
    program: Program,
    x: Array | Mapping[str, Array],
    target: Target,
    table: str | None = None,
    rate: float | None = None,
    limit: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> CostReport:
    """Return what an inference costs on a target, modelled by one of its tables.

    Args:
        program: fed by tensors; where it is not placed on the target, it is placed first, if it fits.
        x: float inputs [samples, *shape], or a mapping by input name.
        target: chip or board.
        table: name of a cost table of the target; its first if None.
        rate: inferences in a second, for duty cycle and average power.
        limit: samples to count, 20 by default.
        progress: called with what is being done, how much is done, and the whole.

    Raises:
        SnnccError: SNN730 and SNN731 with exit code 2, a table, rate or limit that makes no sense; SNN732, a program
            without inferences; SNN341, a state overflows; SNN403 to SNN405, the data do not fit.
    """
    priced = chosen_table(target, table)
    wrong = list(_wrong_options(rate, limit))
    if problems := [*wrong, *_problems(program), *check_program(program)]:
        raise SnnccError(problems, 2 if wrong else 1)
    levels = {name: array[: limit or LIMIT] for name, array in input_levels(program, x).items()}
    placed, notes = on_cores(program, target)
    board, packing = (target.board, target.packing) if placed.board else (Board(), None)
    spikes, workload = _counted(placed, board, packing, levels, progress)
    frames = frame_events(placed, board, packing)
    spiking = side(spikes, priced, target.host, program.latency, rate)
    return CostReport(
        program.name,
        target.name,
        bool(placed.board),
        len(spikes.cores),
        spikes.tiles,
        spikes.chips,
        priced.name,
        priced.description,
        _sources(target, priced),
        _absent(target, priced),
        spikes.inferences,
        spiking,
        side(frames, priced, target.host, depth(program), rate, idles=False),
        workload.metrics(program, spikes.inferences),
        (*notes, *_beyond(spiking.timing, spikes), *_update_note(target, priced)),
    )


def chosen_table(target: Target, name: str | None) -> CostTable:
    """Return a cost table of a target by name, its first if None; an empty one where it has none.

    Raises:
        SnnccError: SNN730 with exit code 2, the target has no such table.
    """
    if name is None:
        return next(iter(target.tables.values()), NO_TABLE)
    if name not in target.tables:
        message = f"target '{target.name}' has no cost table '{name}'"
        known = ", ".join(target.tables) or "none; a file of your own may have a section [tables.NAME]"
        raise fail("SNN730", message, Loc("options", "table"), f"its tables are: {known}", exit_code=2)
    return target.tables[name]


def on_cores(program: Program, target: Target) -> tuple[Program, tuple[str, ...]]:
    """Return a program placed on a target, or where it does not fit, on one core; with notes that tell so."""
    if program.board == target.name and program.slices:
        return program, ()
    moved = f", not on {program.board} as the program is" if program.board else ""
    try:
        return place(program, target), (f"placed on {target.name} for this report{moved}",)
    except SnnccError as error:
        return one_core(program), tuple(_why_not(target, error.diagnostics))


def _why_not(target: Target, problems: Sequence[Diagnostic]) -> Iterator[str]:
    yield (
        f"the program does not fit {target.name}: events are counted on one core without limits, and words of synapse "
        "memory are not counted"
    )
    for problem in problems[:MOST_PROBLEMS]:
        yield f"  {problem.code}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
    if len(problems) > MOST_PROBLEMS:
        yield f"  and {len(problems) - MOST_PROBLEMS} more; snncc place tells all"


def side(events: Events, table: CostTable, host: Host, latency: int, rate: float | None, idles: bool = True) -> Side:
    """Return what events cost by a table; see ``Side``.

    Args:
        events: counted events.
        table: energies and times.
        host: events that it can send.
        latency: steps from the first spike of an inference to its answer.
        rate: inferences in a second; None for none in particular.
        idles: whether every neuron is updated in every step, as on a spiking chip; else where a frame passes it.
    """
    spent, times = energy(events, table), timing(events, table, host, latency)
    watts = None if table.static_watts is None else table.static_watts * events.chips
    static = None if watts is None or times.interval_ns is None else watts * times.interval_ns * PJ_PER_W_NS
    total = None if static is None or spent.dynamic_pj is None else static + spent.dynamic_pj
    extra = max(latency + 1 - events.interval, 0) if idles else 0
    each = table.energy.get("update", 0.0) * float(events.means()["update"].sum()) / events.interval
    slow = None if rate is None else at_rate(rate, spent.dynamic_pj, watts, times, extra * each)
    return Side(spent, times, watts, static, total, events.interval, latency, slow)


def at_rate(rate: float, dynamic_pj: float | None, watts: float | None, times: Timing, flush_pj: float) -> AtRate:
    """Return what inferences cost that come at a rate: chips step until the answer is out, and rest.

    Where the next inference comes before that, it takes the place of the empty steps, and chips never rest.

    Args:
        rate: inferences in a second.
        dynamic_pj: of an inference back to back.
        watts: static power.
        times: of the steps.
        flush_pj: energy of the updates in steps beyond an interval, if none of them is another inference's.
    """
    duty = None
    if times.interval_ns is not None and times.latency_ns is not None:
        busy, flushed = times.interval_ns * 1e-9 * rate, times.latency_ns * 1e-9 * rate
        duty = max(busy, min(flushed, 1.0))
        flush_pj *= (duty - busy) / (flushed - busy) if flushed > busy else 0.0
    spent = None if dynamic_pj is None else dynamic_pj + flush_pj
    static = None if watts is None else watts / rate * PJ_PER_J
    total = None if static is None or spent is None else static + spent
    power = None if total is None else total / PJ_PER_J * rate
    return AtRate(rate, duty, spent, static, total, power, times.latency_ns)


def _wrong_options(rate: float | None, limit: int | None) -> Iterator[Diagnostic]:
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        message = f"{rate:g} is no rate: inferences in a second are more than 0"
        yield Diagnostic("SNN731", message, Loc("options", "rate"), "give a number above 0")
    if limit is not None and limit < 1:
        message = f"{limit} samples cannot be counted"
        yield Diagnostic("SNN731", message, Loc("options", "limit"), "give a number of 1 or above")


def _problems(program: Program) -> Iterator[Diagnostic]:
    tensors = [i for i in program.inputs if isinstance(i, TensorInput)]
    if not program.interval or len(tensors) < len(program.inputs) or not tensors:
        message = f"program '{program.name}' has no inferences: it is fed by events, or runs without an interval"
        hint = "give a program that takes tensors, as compiled ones do"
        yield Diagnostic("SNN732", message, Loc(program.name, ""), hint)


def _counted(
    program: Program, board: Board, packing: Packing | None, levels: Mapping[str, Ints], progress: Progress
) -> tuple[Events, Workload]:
    """Step samples once, and count what they cause on cores and by NeuroBench's definitions."""
    samples = len(next(iter(levels.values())))
    counting = Counting(program, board, packing, samples * program.interval)
    workload = Workload(reaches(program))
    for step, sent in circle(program, levels, progress):
        counting.add(step, sent)
        workload.add(sent)
    return counting.events(host_values(program, levels), samples), workload


def _sources(target: Target, table: CostTable) -> dict[str, str]:
    """Return the sources of a table's figures, by key."""
    prefix = f"tables.{table.name}."
    keys = {figure.source for path, figure in target.figures.items() if path.startswith(prefix)}
    return {key: target.sources[key] for key in sorted(keys) if key in target.sources}


def _absent(target: Target, table: CostTable) -> dict[str, str]:
    """Return why a table, or the host, does not state a figure, by the figure's path."""
    prefix = f"tables.{table.name}."
    paths = {path.removeprefix(prefix): figure for path, figure in target.figures.items() if path.startswith(prefix)}
    paths |= {IO: target.figures[IO]} if IO in target.figures else {}
    return {path: figure.note for path, figure in paths.items() if figure.value is None and figure.note}


def _beyond(times: Timing, events: Events) -> tuple[str, ...]:
    """Return a note where more tiles are in use than the table knows a barrier for."""
    if times.barrier_ns is None or events.tiles <= times.barrier_tiles:
        return ()
    note = f"{events.tiles} tiles are in use, and the table knows the barrier of {times.barrier_tiles} at most"
    return (f"{note}: it is taken, and may be longer",)


def _update_note(target: Target, table: CostTable) -> tuple[str, ...]:
    """Return what the table says of the energy of an update, which every neuron takes in every step."""
    figure = target.figures.get(f"tables.{table.name}.energy.update")
    if figure is None or figure.value is None or not figure.note:
        return ()
    return (f"every update is priced at {figure.value:g} pJ, which by the table is: {figure.note}",)
