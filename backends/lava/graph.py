"""The network as Lava: a module that makes the processes and connects them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from snncc.backends.lava.neurons import Variant, input_port, plane_port
from snncc.backends.lava.plan import Wiring
from snncc.compiler.bounds import payload_bounds
from snncc.compiler.program import Population, Program

_HEAD = '''"""The network: its processes and connections.

p<k>: population k; c<k>_<d>: digit plane d of connection k; d<k>: the delay line in front of it; i<k>: input k.
manifest.json has their names.
"""

from lava.proc.io.source import RingBuffer

from network import neurons
from network.synapses import conv, dense, line, load, sparse


def build(fed, trace):
    """Make the network.

    Args:
        fed: for each input what arrives, int32 [neurons, steps].
        trace: gives (file, type of payloads, type of membranes) of a population that writes a trace, else None.

    Returns:
        One process of each connected part; running it runs the part.
    """
'''
_FOOT = "    return [{}]\n"


def message_type(population: Population) -> str:
    """Return the numpy type that holds a population's payloads in a trace."""
    low, high = payload_bounds(population)
    return next(f"<i{size}" for size in (1, 2, 4) if -(1 << (8 * size - 1)) <= low and high < 1 << (8 * size - 1))


def membrane_type(population: Population) -> str:
    """Return the numpy type that holds a population's membranes in a trace."""
    bits = next(s.bits for s in population.neuron.states if s.name == population.neuron.membrane)
    return next(f"<i{size}" for size in (1, 2, 4) if bits <= 8 * size)


def graph_text(program: Program, wirings: Sequence[Wiring], variants: Mapping[str, tuple[int, Variant]]) -> str:
    """Return the text of the emitted network/graph.py.

    Args:
        program: what is emitted.
        wirings: how its connections are made.
        variants: by population, the number and content of the neuron program it runs.
    """
    number = {p.name: k for k, p in enumerate(program.populations)}
    lines = [
        *(_population(k, program, p, *variants[p.name]) for k, p in enumerate(program.populations)),
        *(text for wiring in wirings for text in _connection(program, number, wiring)),
        *(text for k in range(len(program.inputs)) for text in _input(program, number, k)),
    ]
    parts = ", ".join(f"p{k}" for k in _parts(program, number, wirings))
    return _HEAD + "".join(f"    {text}\n" for text in lines) + _FOOT.format(parts)


def _population(k: int, program: Program, population: Population, number: int, made: Variant) -> str:
    params = [f'k{j}=load("p{k}_{j}")' for j in range(len(made.neuron.params))]
    settings = [
        f'label="p{k}"',
        f"size={population.size}",
        f"start={population.start}",
        f"interval={program.interval}",
        f"payload={payload_bounds(population)}",
        f'trace=trace("p{k}")',
    ]
    return f"p{k} = neurons.N{number}({', '.join([*settings, *params])})"


def _connection(program: Program, number: Mapping[str, int], wiring: Wiring) -> Iterator[str]:
    connection, populations = wiring.connection, program.population
    source, target = populations[connection.source], populations[connection.target]
    start, shape = f"p{number[connection.source]}.s_out", source.shape
    port = target.neuron.ports.index(connection.port)
    ends = f"p{number[source.name]} to in-port {port} of p{number[target.name]}"
    yield f"# {wiring.name}: {ends}, delay {connection.delay}"
    if wiring.line and wiring.planes:
        start, shape = f"d{wiring.number}.a_out", _read(wiring, source)
        gather = f', gather="d{wiring.number}"' if wiring.gather is not None else ""
        yield f"d{wiring.number} = line({source.size}, {max(wiring.message_bits, 1)}, {wiring.line - 1}{gather})"
        yield f"p{number[source.name]}.s_out.connect(d{wiring.number}.s_in)"
    for plane in wiring.planes:
        name = f"{wiring.name}_{plane.number}"
        end = f"p{number[target.name]}.{plane_port(port, plane.number)}"
        yield f"{name} = {_synapses(name, wiring, target.size, source.size)}"
        if wiring.kind == "Conv":
            yield f"{start}{_to_conv(wiring, shape)}.connect({name}.s_in)"
            yield f"{name}.a_out.transpose((2, 1, 0)).flatten().connect({end})"
        else:
            yield f"{start}.connect({name}.s_in)"
            yield f"{name}.a_out.connect({end})"


def _read(wiring: Wiring, source: Population) -> tuple[int, ...]:
    """Return the shape of what a delay line sends on."""
    return (source.size if wiring.gather is None else int(wiring.gather.size),)


def _to_conv(wiring: Wiring, shape: tuple[int, ...]) -> str:
    """Return the virtual ports from neurons in order to Conv's (width, height, channels)."""
    assert wiring.conv is not None
    view = "" if wiring.view == tuple(sorted(wiring.view)) else f".reshape({shape}).transpose({wiring.view})"
    return f"{view}.reshape({wiring.conv.in_shape}).transpose((2, 1, 0))"


def _synapses(name: str, wiring: Wiring, targets: int, sources: int) -> str:
    bits, delay = wiring.message_bits, f", {wiring.delay}" if wiring.delay else ""
    if wiring.kind in ("Dense", "DelayDense"):
        return f'dense("{name}", {bits}{delay})'
    if wiring.conv is None:
        read = sources if not wiring.line or wiring.gather is None else wiring.gather.size
        return f'sparse("{name}", ({targets}, {read}), {bits}{delay})'
    conv = wiring.conv
    geometry = {
        "input_shape": conv.in_shape[::-1],
        "stride": conv.strides[::-1],
        "padding": conv.pads[1::-1],
        "dilation": conv.dilations[::-1],
        "groups": conv.groups,
        "num_message_bits": bits,
    }
    return f'conv("{name}", {", ".join(f"{key}={value}" for key, value in geometry.items())})'


def _input(program: Program, number: Mapping[str, int], k: int) -> Iterator[str]:
    source = program.inputs[k]
    port = program.population[source.population].neuron.ports.index(source.port)
    alike = [i.name for i in program.inputs if (i.population, i.port) == (source.population, source.port)]
    yield f"i{k} = RingBuffer(data=fed[{k}])"
    end = input_port(port, alike.index(source.name))
    yield f"i{k}.s_out.connect(p{number[source.population]}.{end})"


def _parts(program: Program, number: Mapping[str, int], wirings: Sequence[Wiring]) -> list[int]:
    """Return the first population of each connected part; Lava runs what it reaches from one process."""
    part = list(range(len(program.populations)))
    for wiring in wirings:
        if wiring.planes:
            ends = part[number[wiring.connection.source]], part[number[wiring.connection.target]]
            part = [min(ends) if p in ends else p for p in part]
    return sorted(set(part))
