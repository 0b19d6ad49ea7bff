"""Write the step of a population in C: one pass over its neurons, then the list of those that fired."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.backends.c.arrays import limits, literal, within
from snncc.backends.c.plan import PopulationPlan
from snncc.backends.c.values import Assignment, Loop, Value
from snncc.compiler.bounds import Bounds, payload_bounds

OPERATORS = {"add": "+", "sub": "-", "mul": "*", "ge": ">=", "gt": ">", "eq": "==", "lt": "<"}
WRAPPING = ("add", "sub", "mul")  # the operators that may leave 64 bits
FUNCTIONS = ("shl", "shr", "min", "max", "clip")


def helpers_of(plan: PopulationPlan) -> set[str]:
    """Return the helper functions that the step of a population calls."""
    bits = plan.flow.word[3:5]
    ops = {a.op for line in plan.flow.code for a in (line.body if isinstance(line, Loop) else (line,))}
    functions = {*FUNCTIONS, *(WRAPPING if bits == "64" else ())}
    found = {f"{op}{bits}" for op in ops & functions}
    if "phase" in plan.flow.read:
        found.add("phase_at")
    return found


def runs(plan: PopulationPlan) -> bool:
    """Return whether the neurons of a population do anything."""
    return bool(list(_body(plan)))


def emit_step(plan: PopulationPlan) -> str:
    """Return the C function that runs a population for one step; it returns whether a value left its width."""
    head = [f"static int32_t step_{plan.name}(snncc_net *net)", "{"]
    body = [*_before(plan), *_loop(plan), *_fired(plan), "return bad;"]
    return "\n".join([*head, *(f"    {line}" if line else "" for line in body), "}"])


def _before(plan: PopulationPlan) -> Iterator[str]:
    word = plan.flow.word
    if "phase" in plan.flow.read:
        phase = f"phase_at(net->now, {literal(plan.population.start)})"
        yield f"const {word} phase = {f'({word}){phase}' if word == 'int32_t' else phase};"
    for k, port in plan.ports.items():
        yield f"{port.field.type} *restrict arrived{k} = {port.slot()};"
    yield "int32_t bad = 0;"
    if plan.spikes:
        yield "int32_t count = 0;"
    yield ""


def _loop(plan: PopulationPlan) -> Iterator[str]:
    """Yield the pass over all neurons: two loops where parameters go by channel."""
    layout = plan.layout
    body = list(_body(plan))
    if all(stored.index != "channel" for stored, _ in plan.params.values()):
        yield f"for (int32_t at = 0; at < {layout.size}; at++) {{"
        yield from (f"    {line}" for line in body)
        yield "}"
        return
    loops = [("channel", layout.channels), ("position", layout.positions)]
    (outer, most), (inner, least) = reversed(loops) if layout.last else loops
    yield f"for (int32_t {outer} = 0; {outer} < {most}; {outer}++) {{"
    yield f"    for (int32_t {inner} = 0; {inner} < {least}; {inner}++) {{"
    yield f"        const int32_t at = {outer} * {least} + {inner};"
    yield from (f"        {line}" for line in body)
    yield "    }"
    yield "}"


def _body(plan: PopulationPlan) -> Iterator[str]:
    yield from _loads(plan)
    for line in plan.flow.code:
        if isinstance(line, Loop):
            yield from _rounds(plan, line)
        else:
            yield _assigned(plan, line)
    final = zip(plan.flow.states, plan.population.neuron.states, strict=True)
    checks = [_outside(value, _width(state.bits)) for value, state in final]
    if plan.flow.emitted:
        checks.append(_outside(plan.flow.emitted, payload_bounds(plan.population)))
    for check in filter(None, checks):
        yield f"bad |= {check};"
    for k, (value, field) in enumerate(zip(plan.flow.states, plan.states, strict=True)):
        if value.text != f"s{k}":
            yield f"net->{field.name}[at] = {_stored(value, field.type, plan.flow.word)};"
    if plan.flow.emitted and plan.payload:
        field = plan.payload
        yield f"net->{field.name}[at] = {_stored(plan.flow.emitted, field.type, plan.flow.word)};"
    yield from (f"arrived{k}[at] = 0;" for k in plan.ports)


def _loads(plan: PopulationPlan) -> Iterator[str]:
    for text in plan.flow.read:
        if text in plan.params:
            stored, array = plan.params[text]
            source = f"{array.symbol}[{stored.index}]"
        elif text.startswith("s"):
            source = f"net->{plan.states[int(text[1:])].name}[at]"
        elif text.startswith("x"):
            source = f"arrived{text[1:]}[at]"
        else:
            continue
        yield f"const {plan.flow.word} {text} = {source};"


def _assigned(plan: PopulationPlan, line: Assignment) -> str:
    return f"const {plan.flow.word} {line.value.text} = {_expression(line, plan.flow.word)};"


def _rounds(plan: PopulationPlan, loop: Loop) -> Iterator[str]:
    word = plan.flow.word
    yield f"{word} {loop.value.text} = {_text(loop.begin)};"
    yield f"for (int32_t k = 0; k < {loop.rounds}; k++) {{"
    for variable, _ in loop.lists:
        stored, array = plan.params[variable]
        first = f"{stored.index} * {loop.rounds} + " if stored.index != "0" else ""
        yield f"    const {word} {variable} = {array.symbol}[{first}k];"
    yield from (f"    {_assigned(plan, line)}" for line in loop.body[:-1])
    yield f"    {loop.value.text} = {_expression(loop.body[-1], word)};"
    yield "}"


def _expression(line: Assignment, word: str) -> str:
    args = [_text(value) for value in line.args]
    if line.op == "select":
        return f"{args[0]} != 0 ? {args[1]} : {args[2]}"
    if line.op in FUNCTIONS or (line.op in WRAPPING and word == "int64_t"):
        return f"{line.op}{word[3:5]}({', '.join(args)})"
    return f"{args[0]} {OPERATORS[line.op]} {args[1]}"


def _text(value: Value) -> str:
    return value.text or literal(value.bounds[0])


def _stored(value: Value, field: str, word: str) -> str:
    """Return a value as it is assigned to a member; of a literal beyond its type the step fails, so it never shows."""
    if not value.text:
        low, high = limits(field)
        return literal((value.bounds[0] - low) % (high - low + 1) + low)
    return value.text if field == word else f"({field}){value.text}"


def _width(bits: int) -> Bounds:
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def _outside(value: Value, width: Bounds) -> str:
    """Return the C expression of whether a value is out of bounds, empty if it cannot be."""
    if not value.text:
        return "" if within(value.bounds, width) else "1"
    sides = []
    if value.bounds[0] < width[0]:
        sides.append(f"({value.text} < {literal(width[0])})")
    if value.bounds[1] > width[1]:
        sides.append(f"({value.text} > {literal(width[1])})")
    return " | ".join(sides)


def _fired(plan: PopulationPlan) -> Iterator[str]:
    """Yield the code that lists the neurons that fired, without a branch that is hard to predict."""
    if not (plan.spikes and plan.payload):
        return
    yield ""
    yield f"for (int32_t at = 0; at < {plan.layout.size}; at++) {{"
    yield f"    net->{plan.spikes.name}[count] = ({plan.spikes.type})at;"
    yield f"    count += net->{plan.payload.name}[at] != 0;"
    yield "}"
    yield f"net->{plan.name}_count = count;"
