"""What of a program is structure, not numbers: a draft has it from the model alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

import snncc
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.mapping.mantissas import exponents
from snncc.compiler.options import make_options
from snncc.compiler.passes.base import run_passes
from snncc.compiler.pipeline import integer_passes
from snncc.compiler.program import Connection, ConvSynapses, DenseSynapses, Population, Program, TensorInput

CODINGS = ("graded", "bitplane", "rate", "ttfs")


@dataclass(frozen=True)
class Calibrated:
    """A graph, and the program it was compiled to in the default coding on loihi2."""

    graph: Graph
    program: Program

    def sent(self, coding: str, levels: int) -> Program:
        """Return the program that sends the same integer network in another coding."""
        assert self.program.origin is not None
        network, options = self.program.origin.network, make_options(coding=coding, levels=levels)
        choice = choose(coding, options.target)
        suited = run_passes(network, integer_passes(options, choice.unary(network)))
        return lower(suited, choice, options.target, options.schedule, options.recipes.weight_bits)


def calibrated(model: object, x: npt.NDArray[np.float32], levels: int) -> Calibrated:
    """Compile a model; how weights are rounded changes no structure, so they are rounded the quick way."""
    graph = snncc.import_model(model)
    return Calibrated(graph, snncc.compile(graph, x, levels=levels, rounding="nearest"))


def structure(program: Program, rungs: bool = True) -> dict[str, object]:
    """Return all of a program but weights, parameters and scales.

    Args:
        program: any program.
        rungs: whether the neuron programs of ladders count, which hold one line for every threshold.
    """
    inputs = [i for i in program.inputs if isinstance(i, TensorInput)]
    return {
        "interval": program.interval,
        "populations": {p.name: _population(p, rungs) for p in program.populations},
        "connections": {c.name: _connection(c) for c in program.connections},
        "inputs": [replace(i, scale=0) for i in inputs],  # type: ignore[arg-type]
        "outputs": [
            (o.name, o.population, o.shape, None if o.gather is None else o.gather.tolist()) for o in program.outputs
        ],
    }


def widths(program: Program) -> dict[str, int]:
    """Return the width of each connection's stored weights, sign included."""
    return {c.name: _width(np.asarray(c.synapses.weight)) for c in program.connections}


def _width(weight: npt.NDArray[np.int64]) -> int:
    most = np.abs(weight).reshape(len(weight), -1).max(axis=1, initial=0) >> exponents(weight)
    return int(most.max()).bit_length() + 1


def _population(population: Population, rungs: bool) -> tuple[object, ...]:
    claim = population.claim
    neuron = None if claim and claim.kind == "ladder" and not rungs else population.neuron
    when = (population.start, population.window)
    return (population.shape, *when, population.payload_bits, population.signed, claim, neuron, population.loc)


def _connection(wire: Connection) -> tuple[object, ...]:
    gather = None if wire.gather is None else wire.gather.tolist()
    return (wire.source, wire.target, wire.port, wire.delay, gather, wire.loc, *_geometry(wire))


def _geometry(wire: Connection) -> tuple[object, ...]:
    synapses = wire.synapses
    if isinstance(synapses, ConvSynapses):
        shapes = (synapses.weight.shape, synapses.in_shape, synapses.groups)
        return (*shapes, synapses.strides, synapses.pads, synapses.dilations)
    assert isinstance(synapses, DenseSynapses)
    return (synapses.weight.shape,)
