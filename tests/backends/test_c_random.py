"""Random programs, which need not make sense, do in C what they do in the emulator, 64-bit wrapping included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from snncc.backends.artifact import read_manifest, write_artifact
from snncc.backends.c.build import build
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.program_check import check_program
from snncc.compiler.trace import Arrivals, Feed, Sent, Trace
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.neurons import StateOverflow
from tests.backends.c_support import C, called
from tests.strategies_program import programs

STEPS = 10


@st.composite
def fed_programs(draw: st.DrawFn) -> tuple[Program, Feed]:
    """Return a random program, sped up so that things happen within a few steps, and something to feed it."""
    program = draw(programs())
    cells = [replace(p, start=p.start % 5, window=min(p.window, program.interval or 3)) for p in program.populations]
    wires = [replace(c, delay=c.delay % 6 + 1) for c in program.connections]
    program = replace(program, populations=tuple(cells), connections=tuple(wires))
    arrivals = {}
    for source in program.inputs:
        fed = program.population[source.population]
        low, high = (source.lo, source.hi) if isinstance(source, TensorInput) else (1 - 2**31, 2**31 - 1)
        low, high = max(low, 1 - 2**31), min(high, 2**31 - 1)
        values = st.integers(low, high) | st.integers(max(low, -3), min(high, 3))
        steps = range(fed.start, STEPS, program.interval) if isinstance(source, TensorInput) else range(STEPS)
        places = st.tuples(st.sampled_from(steps), st.integers(0, fed.size - 1))
        events = draw(st.dictionaries(places, values, max_size=15))
        arrivals[source.name] = Arrivals.of((*place, value) for place, value in events.items())
    return program, Feed(STEPS, arrivals)


@given(fed_programs())
@settings(max_examples=15, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
def test_random_programs_are_exact_or_stop_where_the_emulator_does(fed: tuple[Program, Feed]) -> None:
    program, feed = fed
    assert check_program(program) == []
    assert C.check(program) == []
    with TemporaryDirectory() as folder:
        artifact = Path(folder) / "c"
        write_artifact(C, program, artifact)
        found, stopped = until_stopped(C.run(artifact, feed))
        wanted, expected = until_stopped(run_feed(Emulator(program), feed))
        assert stopped == expected
        assert len(found) == len(wanted)
        for mine, theirs in zip(found, wanted, strict=True):
            for name, sent in theirs.items():
                assert np.array_equal(mine[name].spikes, sent.spikes), name
                assert np.array_equal(mine[name].membrane, sent.membrane), name
        facts = read_manifest(artifact)["facts"]
        sizes = called(build(artifact), "--size").stdout.split()
        assert (int(sizes[1]), int(sizes[3])) == (facts["flash_bytes"], facts["ram_bytes"])


def until_stopped(ran: Trace) -> tuple[list[Mapping[str, Sent]], str]:
    """Return all steps, and the population in which a value left its width, empty if none did."""
    steps: list[Mapping[str, Sent]] = []
    try:
        for step in ran:
            steps.append(step)
    except StateOverflow as overflow:
        return steps, overflow.population
    except SnnccError as error:
        (problem,) = error.diagnostics
        return steps, problem.loc.name if "left its declared width" in problem.message else problem.message
    return steps, ""
