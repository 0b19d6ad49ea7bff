"""Run a program on data: on the fast integer executor, or step by step on the emulator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from snncc.compiler.data import as_inputs, check_data
from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.ir.graph import Array
from snncc.compiler.ir.types import FLOAT, TensorType
from snncc.compiler.program import Program, TensorInput
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.emulator import Emulator, run_levels
from snncc.runtime.neurons import StateOverflow

Ints = npt.NDArray[np.int64]
ENGINES = ("levels", "emulator")
BACK_TO_BACK = 20


def run(program: Program, x: Array | Mapping[str, Array], engine: str | None = None) -> dict[str, Ints]:
    """Return the integer outputs, int64 [samples, *shape] by output name; times ``Output.scale`` they are real values.

    Args:
        program: any program with tensor inputs.
        x: float inputs [samples, *shape], or a mapping by input name.
        engine: ``levels``, the fast integer executor (the default where the program holds its network), or
            ``emulator``, which steps every neuron.

    Raises:
        SnnccError: SNN507 no such engine (exit code 2); SNN340 no network for ``levels``; SNN341 a state
            overflows; SNN403..SNN405 bad data.
    """
    engine = engine or ("levels" if program.origin else "emulator")
    if engine not in ENGINES:
        raise fail("SNN507", f"there is no engine '{engine}'", hint=f"engines are: {', '.join(ENGINES)}", exit_code=2)
    inputs = _checked(program, x)
    if engine == "emulator":
        return _emulated(program, _encoded(program, inputs))
    if program.origin is None:
        raise fail("SNN340", f"program '{program.name}' holds no network", hint="use --engine emulator")
    network = program.origin.network
    values = Collapsed(network).run(inputs)
    return {output.name: values[network.named_outputs[output.name]] for output in program.outputs}


def input_levels(program: Program, x: Array | Mapping[str, Array]) -> dict[str, Ints]:
    """Return the levels of float inputs [samples, *shape], int64 of the same shape, by tensor input.

    Raises:
        SnnccError: SNN403..SNN405, the data do not fit the program.
    """
    return _encoded(program, _checked(program, x))


def _checked(program: Program, x: Array | Mapping[str, Array]) -> Mapping[str, Array]:
    kinds = {i.name: TensorType(FLOAT, i.shape) for i in program.inputs if isinstance(i, TensorInput)}
    return check_data(as_inputs(x, kinds), kinds)


def _encoded(program: Program, inputs: Mapping[str, Array]) -> dict[str, Ints]:
    return {i.name: to_levels(i, inputs[i.name]) for i in program.inputs if isinstance(i, TensorInput)}


def _emulated(program: Program, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    try:
        return emulate(program, levels)
    except StateOverflow as error:
        hint = "snncc proves that compiled programs cannot: compile it again, or widen the state"
        raise fail("SNN341", f"program '{program.name}' overflows: {error}", Loc(program.name, ""), hint) from error


def to_levels(tensor: TensorInput, x: Array) -> Ints:
    """Return clip(floor(x / scale + 1/2), lo, hi), in float64; or rounded to even in float32, see ``TensorInput``."""
    if tensor.rounding == "half_even":
        steps = np.rint(np.asarray(x, dtype=np.float32) / np.float32(tensor.scale))
    else:
        steps = np.floor(np.asarray(x, dtype=np.float64) / float(tensor.scale) + 0.5)
    return np.clip(steps, tensor.lo, tensor.hi).astype(np.int64)


def emulate(program: Program, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    """Return the outputs of every sample, int64 [samples, *shape] by name, stepping samples back to back.

    Args:
        program: a program with tensor inputs.
        levels: int64 [samples, *shape] by input name.
    """
    total = len(next(iter(levels.values())))
    found: dict[str, list[Ints]] = {o.name: [] for o in program.outputs}
    for begin in range(0, total, BACK_TO_BACK):
        part = {name: array[begin : begin + BACK_TO_BACK, None] for name, array in levels.items()}
        for name, values in _read(program, part).items():
            found[name].extend(values)
    return {output.name: program.shown(output, np.stack(found[output.name])) for output in program.outputs}


def _read(program: Program, levels: Mapping[str, Ints]) -> dict[str, list[Ints]]:
    samples = len(next(iter(levels.values())))
    populations = program.population
    read: dict[str, list[Ints]] = {o.name: [] for o in program.outputs}
    for step, sent in enumerate(run_levels(Emulator(program), levels, samples)):
        for output in program.outputs:
            sample, phase = divmod(step - populations[output.population].start, program.interval)
            if phase == 0 and 0 <= sample < samples:
                read[output.name].append(sent[output.population].membrane[:, 0].copy())
    return read
