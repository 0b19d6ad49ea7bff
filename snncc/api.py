"""The whole system in one page: data flows forward, each arrow is one call.

    model --import_model--> Graph --compile--> Program --save/load--> .snnp
    model --fit--> Fit, what it needs of a chip, before anything is calibrated
    Program --place--> Program on the cores of another board (compile has placed it on its target where it fits)
    Program --verify--> Report        Program --run--> outputs        Program --emit--> artifact, a folder

A float network is imported, quantized once into an integer network, and lowered to a spiking program that reproduces
the integer network bit for bit; ``verify`` measures both steps. ``emit`` writes the program as code for a simulator or
a processor, which ``verify(..., on=...)`` runs and compares.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snncc.backends.registry import get_backend
from snncc.compiler.container import load_program
from snncc.compiler.frontend.door import import_model as _import_model
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.draft import draft
from snncc.compiler.options import make_options
from snncc.compiler.passes.base import Observer
from snncc.compiler.pipeline import compile_graph
from snncc.compiler.placement.fit import Fit
from snncc.compiler.placement.fit import fit as _fit
from snncc.compiler.placement.place import place as _place
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from snncc.emission import emit as write
from snncc.emission import on_device
from snncc.engines import run_integers
from snncc.runtime.report import Report
from snncc.runtime.run import input_levels
from snncc.runtime.tuning.samples import samples
from snncc.runtime.verify import Progress
from snncc.runtime.verify import verify as _verify

if TYPE_CHECKING:
    import onnx

Floats = npt.ArrayLike | Mapping[str, npt.ArrayLike]


def import_model(model: str | os.PathLike[str] | bytes | onnx.ModelProto | Any, example_input: Any = None) -> Graph:
    """Read a trained network into a graph.

    Args:
        model: path or bytes of an ONNX model, an ``onnx.ModelProto``, or a ``torch.nn.Module``.
        example_input: for a torch module: a tensor (or tuple of tensors) as it takes them, batch included.

    Returns:
        The network as the user wrote it: stage IMPORTED, float32, types without batch dimension.

    Raises:
        SnnccError: what cannot be imported, every reason at once.
    """
    return _import_model(model, example_input)


def compile(
    model: Any,
    calibration: Floats | None = None,
    target: str = "loihi2",
    coding: str | Mapping[str, str] | None = None,
    bits: int | str | Mapping[str, int] | None = None,
    levels: int | str | Mapping[str, int] | None = None,
    weight_bits: int | str | Mapping[str, int] | None = None,
    schedule: str | None = None,
    scales: str | Mapping[str, str] = "mse",
    rounding: str | Mapping[str, str] = "adaptive",
    observe: Observer = lambda step, graph: None,
    progress: Callable[[str], None] = lambda layer: None,
) -> Program:
    """Compile a trained network into a verified spiking program for a chip.

    Coding, bits, levels, weight bits, scales and rounding may differ between layers: ``"rate,relu1=ttfs"`` is rate in
    all but relu1, as is the mapping ``{"": "rate", "relu1": "ttfs"}``; ``str(program)`` shows the names of layers.

    Args:
        model: as ``import_model`` takes it, or a Graph it gave. A torch module is exported with one calibration sample.
        calibration: representative float inputs [samples, *shape]; a mapping by input name where there are several.
            A network that was quantized elsewhere needs none, unless an input of it has no quantizer.
        target: name of the chip.
        coding: ``graded``, ``bitplane``, ``rate`` or ``ttfs``; ``auto`` for the cheapest of each layer by a model;
            the target's default if None. The integer network is the same in all.
        bits: activations take 2^bits levels, Q = 2^bits - 1; 4 where neither bits nor levels is given.
        levels: Q, the greatest level, instead of bits.
        weight_bits: width of a synaptic weight, sign included, 2..8; 8, or what the target stores if that is less, if
            None.
        schedule: ``pipelined`` or ``sequential``; the target's default if None.
        scales: how the real value of a level is found: ``mse`` loses least in the mean square, ``max`` clips nothing
            that was seen, ``percentile:99.9`` clips the rest, ``kl`` keeps the distribution.
        rounding: of weights: ``adaptive``, those that reproduce each layer's charges best, ``adaptive:0.5``, half of
            them zero, which saves their synapses, or ``nearest``.
        observe: called after each pass with the pass and its graph.
        progress: called with the name of each layer as it is quantized.

    Raises:
        SnnccError: model, data or options at fault; every reason found.
    """
    options = make_options(target, coding, bits, levels, weight_bits, schedule, scales, rounding)
    graph = model if isinstance(model, Graph) else _import_model(model, example(calibration))
    data = {} if calibration is None else samples(graph, calibration).inputs
    return compile_graph(graph, data, options, observe, progress)


def load(path: str | os.PathLike[str]) -> Program:
    """Return a program from a .snnp file, fully validated.

    Raises:
        SnnccError: the file is missing, broken or of a newer version.
    """
    return load_program(path)


def verify(
    program: Program,
    x: Floats,
    y: npt.ArrayLike | None = None,
    limit: int | None = None,
    progress: Progress = lambda what, done, total: None,
    on: str | None = None,
    slices: int | None = None,
) -> Report:
    """Measure float network against integer network, and prove by stepping that the program equals the latter.

    Args:
        program: a compiled program.
        x: float inputs [samples, *shape], or a mapping by input name.
        y: class indices [samples], or target values of the output's shape; None where unknown.
        limit: samples the emulator steps, 100 by default; accuracies always use all.
        progress: called with what is being done, how much is done, and the whole.
        on: name of a backend: its artifact is emitted and run on the same samples back to back, too, and everything
            it does is compared.
        slices: how many of the samples are stepped slice by slice, too, where the program is placed; up to 4 by
            default, none where that takes long.
    """
    labels = None if y is None else np.asarray(y)
    with nullcontext() if on is None else on_device(program, on) as device:
        return _verify(program, arrays(x), labels, limit, progress, device, slices)


def fit(
    model: Any,
    target: str = "loihi2",
    coding: str | Mapping[str, str] | None = None,
    bits: int | str | Mapping[str, int] | None = None,
    weight_bits: int | str | Mapping[str, int] | None = None,
    signed: bool = False,
) -> Fit:
    """Return what a network needs of a chip or board, and every limit that does not hold, before it is calibrated.

    Args:
        model: as ``compile`` takes it, but for a torch module, which needs a sample: give the Graph; or a program.
        target: name or file of the target.
        coding: as ``compile`` takes it, and so the next two; they say nothing of a program.
        bits: see ``compile``.
        weight_bits: see ``compile``.
        signed: whether inputs have negative values, which only data can tell.

    Raises:
        SnnccError: the model cannot be compiled for the target whatever the data.
    """
    chip = load_target(target)
    if isinstance(model, Program):
        return _fit(model, chip)
    graph = model if isinstance(model, Graph) else _import_model(model, None)
    return _fit(draft(graph, make_options(target, coding, bits, None, weight_bits), signed), chip)


def place(program: Program, target: str) -> Program:
    """Return a program with every neuron on a core of a chip or board; ``compile`` does so for its own target.

    Args:
        program: any program; its spikes do not change.
        target: name or file of the target.

    Raises:
        SnnccError: SNN501 no such target; SNN710 to SNN716, everything that does not fit.
    """
    return _place(program, load_target(target))


def emit(
    program: Program, backend: str, folder: str | os.PathLike[str], data: Floats | None = None, slices: bool = False
) -> dict[str, Any]:
    """Write a program as code that runs without snncc; return the manifest of what was written.

    Args:
        program: any program.
        backend: ``c``, ``lava``, ``onnx``, or what an installed package adds.
        folder: new, empty, or an artifact of snncc, which is replaced.
        data: float inputs [samples, *shape] to include in the artifact's golden vectors; some are always generated.
        slices: whether every slice of a placed program becomes a population of its own.

    Raises:
        SnnccError: everything the backend cannot express; or the folder cannot be written.
    """
    levels = {} if data is None else input_levels(program, arrays(data))
    return write(program, get_backend(backend), Path(folder), levels, slices)


def run(program: Program, x: Floats, engine: str | None = None) -> dict[str, npt.NDArray[np.float64]]:
    """Return the program's outputs in real units, float64 [samples, *shape] by output name.

    Args:
        program: a compiled program.
        x: float inputs [samples, *shape], or a mapping by input name.
        engine: ``levels``, the fast integer executor (default), ``emulator``, which steps every neuron, or ``c``, which
            does so in C.
    """
    integers = run_integers(program, arrays(x), engine)
    scales = {output.name: float(output.scale) for output in program.outputs}
    return {name: values.astype(np.float64) * scales[name] for name, values in integers.items()}


def arrays(x: Floats) -> Any:
    """Return an array, or a dict of arrays by input name."""
    return {name: np.asarray(a) for name, a in x.items()} if isinstance(x, Mapping) else np.asarray(x)


def example(x: Floats | None) -> Any:
    """Return one calibration sample, batch included, for exporting a torch module; None where there is none."""
    if x is None:
        return None
    given = arrays(x)
    if isinstance(given, dict):
        return tuple(a[:1].astype(np.float32) for a in given.values())
    return given[:1].astype(np.float32) if given.ndim and given.dtype.kind in "fiu" else given
