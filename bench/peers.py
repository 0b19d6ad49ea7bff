"""SpikingJelly's conversion beside our programs: accuracy against steps, interval and synaptic events.

``python -m bench.peers`` takes the five examples of ``bench.accuracy``, the same calibration inputs and the same test
inputs for both, and prints every point of both. ``bench.points`` says what a point is, when it dominates another and
how ours are counted, ``bench.spikingjelly_peer`` how the peer is run and counted. Of the peer's recipes each number of
steps shows the one that does best on the test inputs, a choice in its favour.

SpikingJelly is no dependency of snncc. Where it is missing a line says so and nothing is measured. It needs neither
torchvision nor torchaudio for this:

    pip install loguru requests tqdm && pip install --no-deps spikingjelly==2.0.0
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from bench.points import DEPTH, Point, dominates, matches, our_points
from bench.subjects import FIVE, Subject, example
from snncc.terminal import console, progress, table, write_json, write_table

SHOWN = (4, 8, 16, 32)
NEEDED = ("spikingjelly", "torch", "loguru", "requests", "tqdm")
PEER = "SpikingJelly"


@dataclass(frozen=True)
class Comparison:
    """One way of comparing.

    Attributes:
        name: what is compared.
        one_bit: whether ours are those with one-bit spikes alone.
        input_once: whether the peer's input events are counted once instead of in every step, as on a chip that holds
            the first layer's input currents.
    """

    name: str
    one_bit: bool
    input_once: bool


COMPARISONS = (
    Comparison("all codings", False, False),
    Comparison("all codings, the peer's input counted once", False, True),
    Comparison("one-bit spikes alone", True, False),
    Comparison("one-bit spikes alone, the peer's input counted once", True, True),
)


def missing() -> str:
    """Return the packages that the peer needs and that are not installed, empty if none."""
    return ", ".join(name for name in NEEDED if find_spec(name) is None)


def peer_points(subject: Subject, counted: int, shown: Sequence[int] = SHOWN) -> Iterator[Point]:
    """Yield for each number of steps the peer's point with the recipe that classifies most test inputs rightly."""
    from bench.spikingjelly_peer import peers

    found = peers(subject.name, subject.model, subject.calibration, subject.x, counted, shown)
    for shows in shown:
        best = max((p for p in found if p.shows == shows), key=lambda p: int((p.classes == subject.y).sum()))
        right, steps = best.classes == subject.y, shows + best.layers - 1
        how, counts = f"T = {shows}, {best.recipe}", (best.events, best.input_events)
        yield Point(subject.name, PEER, how, steps, shows, *counts, best.one_bit, right)


@dataclass(frozen=True)
class Verdict:
    """What becomes of one of the peer's points.

    Attributes:
        network: its network.
        how: what tells it from the others.
        dominated_by: those of ours that dominate it.
        matched_by: those of ours that cost no more in any account and whose accuracy is not significantly less.
        dominates: those of ours that it dominates.
    """

    network: str
    how: str
    dominated_by: tuple[str, ...]
    matched_by: tuple[str, ...]
    dominates: tuple[str, ...]


def verdicts_on(points: Sequence[Point], how: Comparison) -> list[Verdict]:
    """Return the verdict on each of the peer's points."""
    ours = [point for point in points if point.tool != PEER and (point.one_bit or not how.one_bit)]
    theirs = [point for point in points if point.tool == PEER]
    return [
        _verdict(_shown_once(peer) if how.input_once else peer, [p for p in ours if p.network == peer.network])
        for peer in theirs
    ]


def _shown_once(peer: Point) -> Point:
    """Return a point of the peer, shown its input in each of ``interval`` steps, with one step's input events."""
    return replace(peer, events=peer.events - peer.input_events * (1 - 1 / peer.interval))


def _verdict(peer: Point, ours: Sequence[Point]) -> Verdict:
    dominating = tuple(point.how for point in ours if dominates(point, peer))
    matching = tuple(point.how for point in ours if matches(point, peer))
    return Verdict(peer.network, peer.how, dominating, matching, tuple(p.how for p in ours if dominates(peer, p)))


def note(points: Sequence[Point], how: Comparison) -> str:
    """Return in sentences how many of the peer's points are dominated, which are not, and which dominate ours."""
    verdicts = verdicts_on(points, how)
    dominated = sum(bool(one.dominated_by) for one in verdicts)
    matched = sum(bool(one.dominated_by or one.matched_by) for one in verdicts)
    lines = [f"{how.name}: of {len(verdicts)} points of {PEER} ours dominate {dominated}, dominate or match {matched}."]
    for one in verdicts:
        if not one.dominated_by:
            near = f"matched by {one.matched_by[0]}" if one.matched_by else "not matched"
            lines.append(f"  not dominated, {near}: {one.network}, {one.how}")
        if one.dominates:
            lines.append(f"  dominates ours: {one.network}, {one.how}: {'; '.join(one.dominates)}")
    if not any(one.dominates for one in verdicts):
        lines.append("  No peer point dominates ours.")
    return "\n".join(lines)


def print_points(points: Sequence[Point]) -> None:
    """Print all points, then what became of the peer's."""
    heads = ("network", "tool", "how", "accuracy %", "steps", "interval", "synaptic events", "of the input", "spikes")
    rows = [
        (
            p.network, p.tool, p.how, f"{100 * p.accuracy:.2f}", p.steps, p.interval, f"{p.events:,.0f}",
            f"{p.input_events:,.0f}", "one-bit" if p.one_bit else "graded",
        )
        for p in points
    ]  # fmt: skip
    write_table(table(heads, rows, heads[3:8]))
    for how in COMPARISONS:
        console().print("\n" + note(points, how))


def as_data(points: Sequence[Point], images: int, counted: int) -> dict[str, Any]:
    """Return everything as JSON has it, without the single samples."""
    rows = [
        {name: value for name, value in vars(p).items() if name != "right"} | {"accuracy": p.accuracy} for p in points
    ]
    verdicts = {how.name: [asdict(one) for one in verdicts_on(points, how)] for how in COMPARISONS}
    notes = [note(points, how) for how in COMPARISONS]
    return {"images": images, "counted": counted, "points": rows, "verdicts": verdicts, "notes": notes}


def main(
    networks: Annotated[list[str] | None, typer.Argument(help="Examples; five by default.")] = None,
    images: Annotated[int, typer.Option(help="Test samples to classify, the first ones.")] = 1000,
    counted: Annotated[int, typer.Option(help="Test samples to count events on, a multiple of 5.")] = 20,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure SpikingJelly's conversion and our programs on the same networks and data."""
    if lacking := missing():
        console(to_stderr=as_json).print(f"{PEER}: skipped, not installed: {lacking}")
        return
    if counted % DEPTH:
        raise typer.BadParameter(f"counted samples are no multiple of {DEPTH}")
    points: list[Point] = []
    names = networks or FIVE
    with progress(as_json) as bar:
        for done, name in enumerate(names):
            bar(name, done, len(names))
            subject = example(name).head(images)
            points += [*our_points(subject, counted), *peer_points(subject, counted)]
    if as_json:
        write_json(as_data(points, images, counted))
    else:
        print_points(points)


if __name__ == "__main__":
    typer.run(main)
