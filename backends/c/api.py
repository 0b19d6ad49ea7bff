"""Write the functions of snncc_net.h that only read or set the state, and the header itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from snncc.backends.c.arrays import literal
from snncc.backends.c.plan import Plan, PopulationPlan, Port, wraps
from snncc.compiler.program import EventInput, TensorInput

CHECKSUM = """\
uint64_t snncc_array_checksum(int32_t array)
{{
    uint64_t sum = 0;
{cases}
    return sum;
}}"""
FOLD = """\
/* h = h * prime + value over an array, modulo 2^64 */
#define FOLD(sum, array) \\
    for (size_t i = 0; i < sizeof(array) / sizeof((array)[0]); i++) { \\
        (sum) = (sum) * UINT64_C(1099511628211) + (uint64_t)(int64_t)(array)[i]; \\
    }"""


def emit_api(plan: Plan) -> str:
    """Return the rest of snncc_net.c."""
    parts = [_reset(plan), _input(plan), *_spikes(plan), *_membranes(plan), *_outputs(plan), *_arrays(plan)]
    return "\n\n".join(parts)


def _function(head: str, unused: Iterable[str], body: str) -> str:
    lines = [head, "{", *(f"    (void){name};" for name in unused)]
    return "\n".join([*lines, body, "}"])


def _switch(name: str, cases: Sequence[tuple[int, str]], default: str) -> str:
    """Return a switch over a number; the cases are statements, a line each, that end in a return or break."""
    if not cases:
        return f"    (void){name};\n    {default}"
    lines = [f"    switch ({name}) {{"]
    for number, statement in cases:
        lines += [f"    case {number}:", *(f"        {line}" for line in statement.split("\n"))]
    return "\n".join([*lines, "    default:", f"        {default}", "    }"])


def _reset(plan: Plan) -> str:
    lines = ["void snncc_init(snncc_net *net)", "{", "    snncc_reset(net);", "}", ""]
    lines += ["void snncc_reset(snncc_net *net)", "{", "    memset(net, 0, sizeof *net);"]
    for population in plan.populations:
        for state, field in zip(population.population.neuron.states, population.states, strict=True):
            if state.initial:
                lines.append(f"    for (int32_t at = 0; at < {population.layout.size}; at++) {{")
                lines += [f"        net->{field.name}[at] = {literal(state.initial)};", "    }"]
    return "\n".join([*lines, "}"])


def _input(plan: Plan) -> str:
    head = "int32_t snncc_input(snncc_net *net, int32_t input, int32_t neuron, int64_t value)"
    cases = [(k, _fed(plan, source)) for k, source in enumerate(plan.program.inputs)]
    unused = [] if cases else ["net", "neuron", "value"]
    return _function(head, unused, _switch("input", cases, "return 1;"))


def _fed(plan: Plan, source: TensorInput | EventInput) -> str:
    population, port = plan.end(source)
    low, high = (source.lo, source.hi) if isinstance(source, TensorInput) else (-(1 << 31), (1 << 31) - 1)
    size = population.layout.size
    refused = f"neuron < 0 || neuron >= {size} || value < {literal(low)} || value > {literal(high)}"
    element = f"{port.slot()}[{population.layout.place('neuron')}]"
    return "\n".join(
        [f"if ({refused}) {{", "    return 1;", "}", *_sum_fits(port, element), f"{_added(port, element)}", "return 0;"]
    )


def _sum_fits(port: Port, element: str) -> list[str]:
    """Return the lines that refuse a sum outside the bounds on which the types of the neurons rest."""
    if wraps(port):
        return []
    low, high = map(literal, port.bounds)
    return [
        f"if (value < 0 ? {element} < {low} - value",
        f"              : {element} > {high} - value) {{",
        "    return 1;",
        "}",
    ]


def _added(port: Port, element: str) -> str:
    if wraps(port):
        return f"{element} = add64({element}, value);"
    return f"{element} = ({port.field.type})({element} + value);"


def _spikes(plan: Plan) -> list[str]:
    senders = [(k, p) for k, p in enumerate(plan.populations) if p.spikes and p.payload]
    net = "const snncc_net *net, int32_t population"
    counts = [(k, f"return net->{p.name}_count;") for k, p in senders]
    neurons = [(k, _spike_neuron(p)) for k, p in senders]
    payloads = [(k, f"return net->{p.name}_payload[net->{p.name}_spikes[spike]];") for k, p in senders]
    unused = [] if senders else ["net"]
    return [
        _function(f"int32_t snncc_spike_count({net})", unused, _switch("population", counts, "return 0;")),
        _function(
            f"int32_t snncc_spike_neuron({net}, int32_t spike)",
            [*unused, *([] if senders else ["spike"])],
            _switch("population", neurons, "return 0;"),
        ),
        _function(
            f"int64_t snncc_spike_payload({net}, int32_t spike)",
            [*unused, *([] if senders else ["spike"])],
            _switch("population", payloads, "return 0;"),
        ),
    ]


def _spike_neuron(plan: PopulationPlan) -> str:
    place = f"net->{plan.name}_spikes[spike]"
    return f"return (int32_t)({plan.layout.neuron(place)});"


def _membranes(plan: Plan) -> list[str]:
    one = [(k, f"return net->{p.membrane.name}[{p.layout.place('neuron')}];") for k, p in enumerate(plan.populations)]
    every = [(k, _copied(p)) for k, p in enumerate(plan.populations)]
    return [
        _function(
            "int64_t snncc_membrane(const snncc_net *net, int32_t population, int32_t neuron)",
            [],
            _switch("population", one, "return 0;"),
        ),
        _function(
            "void snncc_membranes(const snncc_net *net, int32_t population, int64_t *membranes)",
            [],
            _switch("population", every, "break;"),
        ),
    ]


def _copied(plan: PopulationPlan) -> str:
    loop = f"for (int32_t neuron = 0; neuron < {plan.layout.size}; neuron++) {{"
    return f"{loop}\n    membranes[neuron] = net->{plan.membrane.name}[{plan.layout.place('neuron')}];\n}}\nbreak;"


def _outputs(plan: Plan) -> list[str]:
    names = [p.name for p in plan.program.populations]
    numbers = [names.index(output.population) for output in plan.program.outputs]
    interval = plan.program.interval
    ready = [(k, f"since -= {literal(plan.program.populations[n].start)};\nbreak;") for k, n in enumerate(numbers)]
    if not ready or not interval:
        body = "    (void)net;\n    (void)output;\n    return 0;"
    else:
        tail = f"\n    return since >= 0 && since % {interval} == 0;"
        body = "    int64_t since = net->now - 1;\n\n" + _switch("output", ready, "return 0;") + tail
    read = [(k, f"return snncc_membrane(net, {n}, {_element(plan, k)});") for k, n in enumerate(numbers)]
    return [
        _function("int32_t snncc_output_ready(const snncc_net *net, int32_t output)", [], body),
        _function(
            "int64_t snncc_output(const snncc_net *net, int32_t output, int32_t element)",
            [] if read else ["net", "element"],
            _switch("output", read, "return 0;"),
        ),
    ]


def _element(plan: Plan, output: int) -> str:
    """Return the C expression of the neuron that is an element of an output."""
    return f"{plan.gathers[output].symbol}[element]" if output in plan.gathers else "element"


def _arrays(plan: Plan) -> list[str]:
    arrays = list(plan.arrays)
    cases = [(k, f"FOLD(sum, {array.symbol})\nbreak;") for k, array in enumerate(arrays)]
    sizes = " + ".join(f"sizeof({array.symbol})" for array in arrays) or "0"
    found = CHECKSUM.format(cases=_switch("array", cases, "break;" if cases else "return sum;"))
    total = f"size_t snncc_flash_bytes(void)\n{{\n    return {sizes};\n}}"
    return [*([FOLD] if arrays else []), found, total]
