"""Write the delivery of a connection's spikes in C: work follows the spikes, and no convolution is unrolled."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from snncc.backends.c.arrays import literal
from snncc.backends.c.plan import ConnectionPlan
from snncc.compiler.program import ConvSynapses, DenseSynapses

Block = list[str]
LARGE = 1 << 30  # coordinates beyond need 64 bits


def emit_deliver(plan: ConnectionPlan) -> str:
    """Return the C function that adds what a connection delivers to the ring of its target."""
    source = plan.source
    if source.spikes is None or source.payload is None:
        raise ValueError(f"{source.name} sends nothing")
    inner = [
        f"const int32_t at = net->{source.spikes.name}[k];",
        *([f"const {source.payload.type} payload = net->{source.payload.name}[at];"] if plan.multiply else []),
        f"const int32_t neuron = {source.layout.neuron('at')};",
        *_by_element(plan),
    ]
    body = [
        f"{plan.port.field.type} *restrict arriving = {plan.port.slot(plan.connection.delay)};",
        "",
        *_for("k", f"net->{source.name}_count", inner),
    ]
    return "\n".join([f"static void deliver_{plan.name}(snncc_net *net)", "{", *_indent(body), "}"])


def _by_element(plan: ConnectionPlan) -> Block:
    """Return what a spike of ``neuron`` does, for each element of the synapses' input that it is."""
    synapses, wiring = plan.connection.synapses, plan.wiring
    if wiring.target is not None and wiring.begin is not None:
        place = f"arriving[{wiring.target.symbol}[i]]"
        return _entries(wiring.begin.symbol, "i", [_add(plan, place, f"{wiring.weight.symbol}[i]")])
    body = _dense(plan) if isinstance(synapses, DenseSynapses) else _conv(plan)
    if wiring.element is None or wiring.begin is None:
        return ["const int32_t element = neuron;", *body]
    return _entries(wiring.begin.symbol, "g", [f"const int32_t element = {wiring.element.symbol}[g];", *body])


def _dense(plan: ConnectionPlan) -> Block:
    weight, targets = plan.wiring.weight, plan.target.layout.size
    return [
        f"const {weight.type} *restrict weight = &{weight.symbol}[element * {targets}];",
        *_for("t", targets, [_add(plan, "arriving[t]", "weight[t]")]),
    ]


def _conv(plan: ConnectionPlan) -> Block:
    """Return the loops over the kernel's axes; a tap meets one position, and there every channel of its group."""
    conv = plan.connection.synapses
    if not isinstance(conv, ConvSynapses):
        raise TypeError("not a convolution")
    area = prod(conv.in_shape[1:])
    lines = [f"const int32_t channel = element / {area};"]
    for axis in range(len(conv.in_shape) - 1):
        rest = prod(conv.in_shape[axis + 2 :])
        lines.append(f"const int32_t in{axis} = element / {rest} % {conv.in_shape[axis + 1]};")
    if conv.groups > 1:
        lines.append(f"const int32_t first = channel / {conv.weight.shape[1]} * {conv.weight.shape[0] // conv.groups};")
    return [*lines, *_axes(plan, conv, 0)]


def _axes(plan: ConnectionPlan, conv: ConvSynapses, axis: int) -> Block:
    """Return the loop over the taps of an axis and those within it."""
    rank = len(conv.in_shape) - 1
    if axis == rank:
        return _tap(plan, conv)
    if axis == rank - 1 and plan.wiring.runs:
        return _run(plan, conv)
    stride, pad, dilation = conv.strides[axis], conv.pads[axis], conv.dilations[axis]
    kernel, size, k = conv.weight.shape[2 + axis], conv.out_shape[axis + 1], f"k{axis}"
    word = "int64_t" if _wide(conv, axis) else "int32_t"
    miss = [f"from{axis} < 0", f"from{axis} % {stride} != 0", f"from{axis} >= {size * stride}"]
    if stride == 1 or dilation == 1:
        del miss[1]
    back = k if dilation == 1 else f"({word}){k} * {dilation}" if word == "int64_t" else f"{k} * {dilation}"
    out = f"from{axis} / {stride}" if stride > 1 else f"from{axis}"
    inner = [
        f"const {word} from{axis} = {_from(axis, pad)} - {back};",
        *_skip(miss),
        f"const int32_t out{axis} = {f'(int32_t)({out})' if word == 'int64_t' else out};",
        *_axes(plan, conv, axis + 1),
    ]
    if dilation > 1 or stride == 1:
        return _for(k, kernel, inner)
    # only every stride-th tap meets an output
    head = f"for ({word} {k} = ({_from(axis, pad)}) % {stride}; {k} < {kernel}; {k} += {stride}) {{"
    return [head, *_indent(inner), "}"]


def _wide(conv: ConvSynapses, axis: int) -> bool:
    """Return whether coordinates along an axis need 64 bits."""
    span = conv.dilations[axis] * conv.weight.shape[2 + axis]
    furthest = conv.out_shape[axis + 1] * conv.strides[axis]
    return max(conv.in_shape[axis + 1] + conv.pads[axis], span, furthest) > LARGE


def _from(axis: int, pad: int) -> str:
    return f"in{axis} + {literal(pad)}" if pad else f"in{axis}"


def _skip(conditions: Block) -> Block:
    return [f"if ({' || '.join(conditions)}) {{", "    continue;", "}"]


def _run(plan: ConnectionPlan, conv: ConvSynapses) -> Block:
    """Return the innermost loop where all taps of the last axis, and there all channels, lie side by side."""
    axis, outs = len(conv.in_shape) - 2, conv.weight.shape[0]
    kernel, size, pad = conv.weight.shape[-1], conv.out_shape[-1], conv.pads[axis]
    tap, position = "channel", ""
    for outer in range(axis):
        tap = f"({tap} * {conv.weight.shape[2 + outer]} + k{outer})"
        position = f"({position} * {conv.out_shape[outer + 1]} + out{outer})" if position else f"out{outer}"
    position = f"{position} * {size} + " if position else ""
    weight = plan.wiring.weight
    return [
        f"const int32_t from{axis} = in{axis} + {literal(pad - kernel + 1)};",
        f"const int32_t begin = from{axis} < 0 ? -from{axis} : 0;",
        f"const int32_t end = from{axis} + {kernel} > {size} ? {size} - from{axis} : {kernel};",
        *_skip(["begin >= end"]),
        f"const {weight.type} *restrict weight = &{weight.symbol}[({tap} * {kernel} + begin) * {outs}];",
        f"{plan.port.field.type} *restrict to = &arriving[({position}from{axis} + begin) * {outs}];",
        *_for("o", f"(end - begin) * {outs}", [_add(plan, "to[o]", "weight[o]")]),
    ]


def _tap(plan: ConnectionPlan, conv: ConvSynapses) -> Block:
    """Return the innermost loop: the output channels of a group at one position."""
    rank, outs = len(conv.in_shape) - 1, conv.weight.shape[0] // conv.groups
    tap, position = "channel", ""
    for axis in range(rank):
        tap = f"({tap} * {conv.weight.shape[2 + axis]} + k{axis})"
        position = f"({position} * {conv.out_shape[axis + 1]} + out{axis})" if position else f"out{axis}"
    area, channels = prod(conv.out_shape[1:]), conv.out_shape[0]
    far, near = (channels, 1) if plan.target.layout.last else (1, area)
    terms = [f"{position} * {far}" if far > 1 else position] if position else []
    terms += [f"first * {near}" if near > 1 else "first"] if conv.groups > 1 else []
    weight = plan.wiring.weight
    step = f"o * {near}" if near > 1 else "o"
    return [
        f"const {weight.type} *restrict weight = &{weight.symbol}[{tap} * {outs}];",
        f"{plan.port.field.type} *restrict to = &arriving[{' + '.join(terms) or '0'}];",
        *_for("o", outs, [_add(plan, f"to[{step}]", "weight[o]")]),
    ]


def _add(plan: ConnectionPlan, place: str, weight: str) -> str:
    """Return the statement that adds one synapse's share to a place of the ring."""
    ring = plan.port.field.type
    if plan.word == "int64_t":
        share = f"mul64({weight}, payload)" if plan.multiply else weight
        total = f"add64({place}, {share})"
        return f"{place} = {total};" if ring == "int64_t" else f"{place} = ({ring}){total};"
    share = f"{weight} * payload" if plan.multiply else weight
    return f"{place} = ({ring})({place} + {share});" if ring != "int32_t" else f"{place} += {share};"


def helpers_of(plan: ConnectionPlan) -> set[str]:
    """Return the helper functions that the delivery of a connection calls."""
    if plan.word != "int64_t":
        return set()
    return {"add64", "mul64"} if plan.multiply else {"add64"}


def _for(name: str, end: int | str, body: Block) -> Block:
    return [f"for (int32_t {name} = 0; {name} < {end}; {name}++) {{", *_indent(body), "}"]


def _entries(begin: str, name: str, body: Block) -> Block:
    head = f"for (int32_t {name} = {begin}[neuron]; {name} < {begin}[neuron + 1]; {name}++) {{"
    return [head, *_indent(body), "}"]


def _indent(lines: Block) -> Iterator[str]:
    return (f"    {line}" if line else "" for line in lines)
