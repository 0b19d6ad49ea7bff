"""The arrays of an artifact: integers in .npy files, the same bytes on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.backends.lava.plan import Wiring
from snncc.backends.lava.synapses import Ints, lava_kernel
from snncc.compiler.program import Program

Named = tuple[str, npt.NDArray[Any]]


def write_arrays(program: Program, wirings: Sequence[Wiring], folder: Path) -> dict[str, str]:
    """Write weights, delay lines, parameters and orders of outputs; return the checksum of each array by its name."""
    folder.mkdir()
    digests = {}
    for name, array in [*_weights(program, wirings), *_parameters(program), *_outputs(program)]:
        stored = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        with open(folder / f"{name}.npy", "wb") as file:
            np.lib.format.write_array(file, stored, version=(1, 0), allow_pickle=False)
        digests[name] = array_digest(stored)
    return digests


def array_digest(array: npt.NDArray[Any]) -> str:
    """Return the checksum of an array's type, shape and numbers, as the emitted self-test computes it."""
    head = f"{array.dtype.str} {array.shape} ".encode("ascii")
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def _weights(program: Program, wirings: Sequence[Wiring]) -> Iterator[Named]:
    for wiring in wirings:
        if wiring.line and wiring.planes and wiring.gather is not None:
            yield f"d{wiring.number}", wiring.gather.astype(np.int32)
        for plane in wiring.planes:
            name = f"{wiring.name}_{plane.number}"
            if wiring.ends is not None:
                yield from _sparse(name, wiring, plane.weight, program.population[wiring.connection.target].size)
            else:
                yield name, (lava_kernel(plane.weight) if wiring.conv else plane.weight).astype(np.int8)


def _sparse(name: str, wiring: Wiring, weight: Ints, targets: int) -> Iterator[Named]:
    """Yield a sparse matrix in compressed rows; its entries stand in the order of their targets."""
    assert wiring.ends is not None
    kept = np.flatnonzero(weight)
    yield f"{name}_data", weight[kept].astype(np.int8)
    yield f"{name}_indices", wiring.ends.source[kept].astype(np.int32)
    yield f"{name}_indptr", np.searchsorted(wiring.ends.target[kept], np.arange(targets + 1)).astype(np.int32)


def _parameters(program: Program) -> Iterator[Named]:
    for k, population in enumerate(program.populations):
        for j, name in enumerate(population.neuron.params):
            value = np.asarray(population.params[name])
            yield f"p{k}_{j}", _column(value, population.shape)


def _outputs(program: Program) -> Iterator[Named]:
    for k, output in enumerate(program.outputs):
        if output.gather is not None:
            yield f"o{k}", output.gather.astype(np.int32)


def _column(value: Ints, shape: tuple[int, ...]) -> Ints:
    """Return one value, one a channel, or one a neuron."""
    by_channel = (shape[0], *(1,) * (len(shape) - 1)) if shape else ()
    if value.size == 1 or value.shape == by_channel:
        return value.reshape(-1)
    return np.ascontiguousarray(np.broadcast_to(value, shape)).reshape(-1)
