"""Artifacts: what ``snncc emit`` writes, and how a program is run on a backend's own runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc import __version__
from snncc.backends.artifact import write_artifact
from snncc.backends.base import Backend
from snncc.backends.golden import write_golden, write_golden_levels
from snncc.backends.registry import BUNDLED, get_backend, list_backends
from snncc.compiler.diagnostics import Loc, SnnccError, fail
from snncc.compiler.placement.sliced import cut_levels, sliced
from snncc.compiler.program import EventInput, Program, TensorInput
from snncc.compiler.program_check import check_program
from snncc.compiler.trace import Arrivals, Feed, Trace, feed_levels
from snncc.runtime.cross_check import Device
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.neurons import StateOverflow
from snncc.runtime.reference import execute
from snncc.runtime.witness import witnesses

Ints = npt.NDArray[np.int64]
SAMPLES = 4  # of the golden vectors, back to back
EVENT_STEPS = 64  # of the golden vectors of a program that is fed with events
EVENT_RATE = 0.2  # share of neurons that get an event in a step of those


def emit(
    program: Program, backend: Backend, folder: Path, levels: Mapping[str, Ints] | None = None, slices: bool = False
) -> dict[str, Any]:
    """Write a program as an artifact of a backend, with golden vectors; return its manifest.

    Args:
        program: any program.
        backend: see ``get_backend``.
        folder: new, empty, or an artifact that is replaced.
        levels: samples for the golden vectors besides generated ones, int64 [samples, neurons] by tensor input.
        slices: whether every slice of the placement becomes a population of its own, see ``placement.sliced``.

    Raises:
        SnnccError: what is wrong with the program, or what the backend cannot express, all of it; SNN603; SNN729 the
            program is not placed and slices are asked for.
    """
    _check(program)
    if slices:
        levels = {name: array[:, 0] for name, array in cut_levels(program, _in_one_stream(levels or {})).items()}
        program = sliced(program)
    golden = _golden_levels if backend.gives == "levels" else _golden_spikes
    with blamed(backend):
        return write_artifact(backend, program, folder, partial(golden, program, levels or {}), __version__)


def _in_one_stream(levels: Mapping[str, Ints]) -> dict[str, Ints]:
    return {name: array[:, None] for name, array in levels.items()}


@contextmanager
def on_device(program: Program, name: str) -> Iterator[Device]:
    """Emit a program into a folder that lasts as long as the context; give where it runs.

    Args:
        program: any program.
        name: of a backend.

    Raises:
        SnnccError: see ``get_backend`` and ``emit``; SNN605 the backend's runtime is missing.
    """
    backend = get_backend(name)
    _check(program)
    with blamed(backend):
        reason = backend.missing()
    if reason:
        raise fail("SNN605", f"backend '{name}' cannot run here: {reason}", Loc("backends", name))
    with tempfile.TemporaryDirectory(prefix="snncc-") as folder:
        artifact = Path(folder) / "artifact"
        with blamed(backend):
            write_artifact(backend, program, artifact)  # no golden vectors: all that it does is compared
        yield Device(name, backend.gives, partial(_run, backend, artifact))


def _check(program: Program) -> None:
    if problems := check_program(program):
        raise SnnccError(problems)


def _run(backend: Backend, artifact: Path, feed: Feed) -> Trace:
    with blamed(backend):
        yield from backend.run(artifact, feed)


@contextmanager
def blamed(backend: Backend) -> Iterator[None]:
    """Let errors of a backend that is not ours be told as such.

    Raises:
        SnnccError: SNN607.
    """
    try:
        yield
    except SnnccError:
        raise
    except Exception as error:  # whatever another package raises
        if backend.name in BUNDLED:
            raise
        reason = f"backend '{backend.name}' failed: {type(error).__name__}: {error}"
        raise fail("SNN607", reason, Loc("backends", backend.name)) from error


def backend_summary() -> list[dict[str, Any]]:
    """Return what is known of every backend: name, about, gives, runs (here), problem."""
    found = []
    for listed in list_backends():
        backend = listed.backend
        missing = _missing(backend) if backend else ""
        found.append(
            {
                "name": listed.name,
                "about": backend.about if backend else "",
                "gives": backend.gives if backend else None,
                "runs": backend is not None and not missing,
                "problem": str(listed.problem) if listed.problem else missing,
                "offers": list(listed.offers),
            }
        )
    return found


def _missing(backend: Backend) -> str:
    try:
        with blamed(backend):
            return backend.missing()
    except SnnccError as error:
        return str(error)


def _golden_spikes(program: Program, levels: Mapping[str, Ints], folder: Path) -> None:
    feed = golden_feed(program, levels)
    write_golden(program, feed, run_feed(Emulator(program), feed), folder)


def _golden_levels(program: Program, levels: Mapping[str, Ints], folder: Path) -> None:
    assert program.origin is not None
    network = program.origin.network
    samples = golden_samples(program, levels)
    claims = {i.name: program.population[i.population].claim for i in program.inputs}
    by_node = {claim.node: samples[name] for name, claim in claims.items() if claim is not None}
    shaped = {name: a.reshape(len(a), *network.node[name].type.shape) for name, a in by_node.items()}
    write_golden_levels(network, execute(network, shaped), folder)


def golden_feed(program: Program, levels: Mapping[str, Ints]) -> Feed:
    """Return what golden vectors are fed: samples back to back and random events, up to where a state overflows."""
    samples = golden_samples(program, levels)
    feed = feed_levels(program, samples) if samples else Feed(EVENT_STEPS, {})
    rng = np.random.default_rng(0)
    arrivals = dict(feed.arrivals)
    for source in program.inputs:
        if isinstance(source, EventInput):
            size = program.population[source.population].size
            step, neuron = np.nonzero(rng.random((feed.steps, size)) < EVENT_RATE)
            arrivals[source.name] = Arrivals(step, neuron, rng.integers(1, 4, len(step)))
    feed = Feed(feed.steps, arrivals, feed.levels)
    steps = 0
    try:
        for _ in run_feed(Emulator(program), feed):
            steps += 1
    except StateOverflow:  # only a program made by hand can; what comes before is golden all the same
        return feed.until(steps)
    return feed


def golden_samples(program: Program, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    """Return samples for golden vectors, int64 [samples, neurons] by tensor input: the user's first, then ours.

    Ours are all greatest levels, an extreme of a first-layer neuron, and inputs with rounding ties where the program
    holds its network; random levels elsewhere.
    """
    tensors = [i for i in program.inputs if isinstance(i, TensorInput)]
    made = _witnesses(program) if program.origin else _random(tensors, np.random.default_rng(0))
    joined = {}
    for tensor in tensors:
        given = levels.get(tensor.name, np.zeros((0,), dtype=np.int64))
        own = made[tensor.name].reshape(SAMPLES, -1)
        joined[tensor.name] = np.concatenate([given.reshape(-1, own.shape[1]), own])
    return joined


def _witnesses(program: Program) -> dict[str, Ints]:
    assert program.origin is not None
    found = witnesses(program.origin.network).levels
    chosen = [1, -1, 9, -2]  # all greatest, most ties, an extreme, more ties; extremes stand from 9 on
    claims = {i.name: program.population[i.population].claim for i in program.inputs}
    return {name: found[claim.node][chosen] for name, claim in claims.items() if claim is not None}


def _random(tensors: list[TensorInput], rng: np.random.Generator) -> dict[str, Ints]:
    return {t.name: rng.integers(t.lo, t.hi + 1, (SAMPLES, *t.shape)) for t in tensors}
