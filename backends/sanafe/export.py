"""Export: a folder with the network, what it must do, and a script that runs SANA-FE and compares.

The program itself runs there: input neurons are fed from outside, gate lines keep the windows, and every other spike
comes from a neuron of SANA-FE's that integrates and fires. Nothing here needs SANA-FE.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.backends.artifact import write_folder
from snncc.backends.sanafe.events import events_of
from snncc.backends.sanafe.expected import expected_of, rasters_of
from snncc.backends.sanafe.network import Network, network_lines, network_of
from snncc.backends.sanafe.problems import problems, too_wide
from snncc.backends.sanafe.roles import INPUT
from snncc.backends.sanafe.trains import LEAD, steps_of, trains_of
from snncc.compiler.diagnostics import Diagnostic, InternalError, SnnccError
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Trace, feed_levels

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
EXACT = 1 << 25  # SANA-FE 2.2.9 truncates 64 times a potential to 32 bits in every step
NAME = "sanafe"


def export(
    program: Program,
    levels: Mapping[str, Ints],
    run: Callable[[Feed], Trace],
    folder: Path,
    modelled: Mapping[str, Any] | None = None,
    version: str = "unknown",
) -> dict[str, Any]:
    """Write a placed program, and samples, for SANA-FE's own model of Loihi; return the manifest.

    Args:
        program: placed; in rate code, one sample in the chip at a time.
        levels: samples, int64 [samples, ...] by name of the tensor input.
        run: gives what the program does when it is fed; the export compares its inputs with it, and SANA-FE all.
        folder: must not exist, or be empty, or hold an earlier export, which is replaced.
        modelled: what an inference costs by a table of our own, for run.py to show beside: ``table``, its name,
            ``energy_pj`` by kind of event, ``interval_ns``.
        version: of snncc, for the manifest.

    Raises:
        SnnccError: SNN740 to SNN746, all of them: what SANA-FE's Loihi cannot be; SNN603 the folder cannot be written.
    """
    if found := problems(program):
        raise SnnccError(found)
    network = network_of(program)
    if wide := _too_wide(program, network):
        raise SnnccError(wide)
    feed = feed_levels(program, levels)
    samples = len(next(iter(feed.levels.values())))
    steps = steps_of(program, samples)
    trains = trains_of(program, network.groups, feed.levels)
    trace = run(replace(feed, steps=steps - LEAD))
    expected = _expected(program, network, trains, trace, samples) | {"modelled": dict(modelled) if modelled else None}

    def fill(part: Path) -> Mapping[str, Any]:
        _write(part, network_lines(network, trains), expected)
        return {"samples": samples, "steps": steps, "self_test": "python run.py"}

    return write_folder(NAME, program, folder, fill, version)


def _expected(
    program: Program, network: Network, trains: Mapping[str, Bools], trace: Trace, samples: int
) -> dict[str, Any]:
    """Return what SANA-FE must do, once the program's inputs have sent what SANA-FE's are to be fed."""
    spikes, read = rasters_of(program, network.groups, trains, trace, steps_of(program, samples))
    _compare_inputs(network, trains, spikes)
    return expected_of(program, network.groups, spikes, read, samples) | {"events": events_of(network, spikes)}


def _write(folder: Path, lines: Iterable[str], expected: Mapping[str, Any]) -> None:
    """Write the files of an export."""
    with open(folder / "network.yaml", "w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
    (folder / "expected.json").write_text(json.dumps(expected) + "\n", encoding="ascii", newline="\n")
    for name in ("run.py", "README.md"):
        (folder / name).write_text(_template(name), encoding="ascii", newline="\n")


def _too_wide(program: Program, network: Network) -> list[Diagnostic]:
    """Return populations whose potentials SANA-FE would not hold exactly."""
    wide = {name: w for name, w in network.windows.items() if w.least <= -EXACT or w.most >= EXACT}
    return [too_wide(program.population[name], w.least, w.most, EXACT) for name, w in wide.items()]


def _compare_inputs(network: Network, trains: Mapping[str, Bools], spikes: Mapping[str, Bools]) -> None:
    """Raise where the program's inputs do not send what SANA-FE's are to be fed."""
    for group in network.groups:
        if group.role == INPUT and not np.array_equal(trains[group.name], spikes[group.name]):
            raise InternalError(f"input population '{group.population}' does not send its thermometers")


def _template(name: str) -> str:
    """Return the text of a file that is the same in every export."""
    stored = f"{name}.txt" if name.endswith(".py") else name
    return resources.files(__package__).joinpath("templates").joinpath(stored).read_text(encoding="ascii")
