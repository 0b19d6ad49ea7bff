"""A program's spikes, replayed through torch layers that hold its weights, for NeuroBench's harness to count.

Every connection is an nn.Linear or an nn.Conv with the integers of the program as weights, in float64, which holds
every count exactly. A sample is one tensor [steps, neurons]: what all populations send in the interval of that sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from snncc.compiler.program import SILENCE, Connection, ConvSynapses, Population, Program, SparseSynapses
from snncc.runtime.cost.circle import circle
from snncc.runtime.cost.neurobench import activation_layers

Ints = npt.NDArray[np.int64]
Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


def windows(program: Program, levels: Mapping[str, Ints]) -> torch.Tensor:
    """Return what populations send for each sample, float64 [samples, interval, neurons of all populations]."""
    samples, interval = len(next(iter(levels.values()))), program.interval
    places = offsets(program)
    total = sum(p.size for p in program.populations)
    found = np.zeros((samples * interval, total))
    starts = {p.name: p.start for p in program.populations}
    for step, sent in circle(program, levels):
        for name, payloads in sent.items():
            found[(step - starts[name]) % len(found), places[name]] = payloads
    return torch.from_numpy(found.reshape(samples, interval, total))


def offsets(program: Program) -> dict[str, slice]:
    """Return where each population stands among all neurons."""
    found, begin = {}, 0
    for population in program.populations:
        found[population.name] = slice(begin, begin + population.size)
        begin += population.size
    return found


class Sends(nn.Module):
    """Passes on what a population sends; NeuroBench counts it as an activation layer."""

    def forward(self, spikes: torch.Tensor) -> torch.Tensor:
        """Return the spikes."""
        return spikes


class Wire(nn.Module):
    """A connection: gathers what it reads, and multiplies by its weights."""

    gather: torch.Tensor

    def __init__(self, connection: Connection, source: Population) -> None:
        """Hold the weights."""
        super().__init__()
        self.shape, self.layer = _layer(connection)
        gather = np.arange(source.size) if connection.gather is None else connection.gather
        self.register_buffer("gather", torch.from_numpy(np.where(gather == SILENCE, source.size, gather)))

    def forward(self, spikes: torch.Tensor) -> torch.Tensor:
        """Return what arrives, for spikes [batch, neurons]."""
        silent = torch.zeros(len(spikes), 1, dtype=spikes.dtype)
        read = torch.cat([spikes, silent], dim=1)[:, self.gather]
        arrived: torch.Tensor = self.layer(read.reshape(len(spikes), *self.shape))
        return arrived


class Replay(nn.Module):
    """Plays samples through some connections, a step after the other."""

    def __init__(self, program: Program, connections: Sequence[Connection]) -> None:
        """Make a layer of each connection, and of each population that sends."""
        super().__init__()
        populations = program.population
        self.places = offsets(program)
        self.sources = [connection.source for connection in connections]
        self.wires = nn.ModuleList(Wire(c, populations[c.source]) for c in connections)
        self.names = activation_layers(program)
        self.sends = nn.ModuleList(Sends() for _ in self.names)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the last step, for samples [batch, steps, neurons]."""
        for step in samples.unbind(1):
            for name, sends in zip(self.names, self.sends, strict=True):
                sends(step[:, self.places[name]])
            for source, wire in zip(self.sources, self.wires, strict=True):
                wire(step[:, self.places[source]])
        return samples[:, -1]


def _layer(connection: Connection) -> tuple[tuple[int, ...], nn.Module]:
    """Return the shape of a connection's input, and a layer without bias."""
    synapses = connection.synapses
    if isinstance(synapses, SparseSynapses):
        raise ValueError(f"connection {connection.name} lists its synapses, which no layer of NeuroBench's does")
    weight = torch.from_numpy(synapses.weight.astype(np.float64))
    if isinstance(synapses, ConvSynapses):
        layer: Layer = _conv(synapses)
        shape = synapses.in_shape
    else:
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        shape = (weight.shape[1],)
    layer.weight = nn.Parameter(weight)
    return shape, layer


def _conv(synapses: ConvSynapses) -> nn.Conv1d | nn.Conv2d | nn.Conv3d:
    """Return the convolution; its padding must be that of torch, the same at both ends of an axis."""
    rank = len(synapses.in_shape) - 1
    before, after = synapses.pads[:rank], synapses.pads[rank:]
    if before != after:
        raise ValueError("padding that differs between the ends of an axis has no form in torch")
    make: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    outs, ins, *kernel = synapses.weight.shape
    made: nn.Conv1d | nn.Conv2d | nn.Conv3d = make(
        ins * synapses.groups,
        outs,
        tuple(kernel),
        stride=tuple(synapses.strides),
        padding=tuple(before),
        dilation=tuple(synapses.dilations),
        groups=synapses.groups,
        bias=False,
    )
    return made
