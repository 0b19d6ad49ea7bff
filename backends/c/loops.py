"""Runs of instructions that differ in their parameters alone, such as the thresholds of a ladder, written as loops.

A neuron with hundreds of thresholds would otherwise take a C compiler minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

from snncc.backends.c.values import Assignment, Loop, Value

FEWEST = 8  # rounds of a loop
LONGEST = 3  # instructions of a round
PARAMETER = "a parameter"
BEFORE = "what the round before left"
Shape = list[tuple[str, list[str]]]  # op and kinds of its operands, for each line of a round


def with_loops(code: Sequence[Assignment], kept: set[str]) -> tuple[Assignment | Loop, ...]:
    """Return code in which long runs are loops.

    Args:
        code: assignments in order, each variable assigned once.
        kept: variables that are read afterwards.
    """
    found: list[Assignment | Loop] = []
    at = 0
    while at < len(code):
        run = _run(code, at, kept)
        found.append(_loop(*run) if run else code[at])
        at += len(run[0]) if run else 1
    return tuple(found)


def _run(code: Sequence[Assignment], at: int, kept: set[str]) -> tuple[Sequence[Assignment], int] | None:
    """Return the instructions of a run that begins at one of them, and how many make a round; None if none begins."""
    for period in range(1, LONGEST + 1):
        rounds = _rounds(code, at, period)
        end = at + rounds * period
        if rounds >= FEWEST:
            later = kept.union(*(line.read for line in code[end:]))
            inner = {line.value.text for line in code[at : end - 1]}
            return None if inner & later else (code[at:end], period)
    return None


def _rounds(code: Sequence[Assignment], at: int, period: int) -> int:
    """Return how many rounds of a length are alike from an instruction on."""
    first, second = code[at : at + period], code[at + period : at + 2 * period]
    if len(second) < period:
        return 0
    model = _shape(second, first[-1].value)
    begin = _begin(first, model)
    inside = {line.value.text for line in first}
    if begin is None or _shape(first, begin) != model or any(inside.intersection(kinds) for _, kinds in model):
        return 0
    rounds, last = 2, second[-1].value
    while _shape(code[at + rounds * period : at + (rounds + 1) * period], last) == model:
        rounds += 1
        last = code[at + rounds * period - 1].value
    return rounds


def _shape(lines: Sequence[Assignment], before: Value) -> Shape:
    number = {line.value.text: f"line {k}" for k, line in enumerate(lines)}
    return [(line.op, [_kind(arg, number, before) for arg in line.args]) for line in lines]


def _kind(arg: Value, number: dict[str, str], before: Value) -> str:
    if arg == before:
        return BEFORE
    if arg.text in number:
        return number[arg.text]
    return PARAMETER if arg.text.startswith("a") else arg.text or str(arg.constant)


def _begin(first: Sequence[Assignment], model: Shape) -> Value | None:
    """Return what the first round has where the others have what the round before left; None if that is not one."""
    found = {
        arg
        for line, (_, kinds) in zip(first, model, strict=True)
        for arg, kind in zip(line.args, kinds, strict=False)
        if kind == BEFORE
    }
    return found.pop() if len(found) == 1 else None


def _loop(run: Sequence[Assignment], period: int) -> Loop:
    """Return the loop of a run; the body is the second round, in which parameters are told by line and place."""
    value = run[-1].value
    model, before = run[period : 2 * period], run[period - 1].value
    lists, body = [], []
    for k, line in enumerate(model):
        args = []
        for place, arg in enumerate(line.args):
            each = [run[i].args[place].text for i in range(k, len(run), period)]
            if arg.text.startswith("a") and len(set(each)) > 1:
                arg = Value(f"g{line.value.text}_{place}", arg.bounds)
                lists.append((arg.text, tuple(int(text[1:]) for text in each)))
            args.append(value if arg == before else arg)
        body.append(Assignment(value if k == period - 1 else line.value, line.op, tuple(args)))
    return Loop(value, _begun(run, period, before), len(run) // period, tuple(body), tuple(lists))


def _begun(run: Sequence[Assignment], period: int, before: Value) -> Value:
    begin = _begin(run[:period], _shape(run[period : 2 * period], before))
    assert begin is not None
    return begin
