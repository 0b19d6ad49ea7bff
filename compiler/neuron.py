"""Neuron programs: the short list of operations that every neuron of a population runs in every timestep.

The text form is an assembly language, one instruction a line, and is how codings are written:

    port add
    param theta offset
    state u:24 v:24
    u = add u in.add
    first = eq phase 0
    ...
    emit s

In a timestep a neuron sees ``in.PORT``, the sum of what arrived at each of its in-ports, and ``phase``: step - start
before its first window (negative), then (step - start) mod interval. It reads parameters, reads and writes states, and
uses temporaries that do not outlive the step. ``emit`` sends its argument as the payload of a spike; 0 is no spike.
All values are integers; a state declares the width of its two's complement register.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

Operand = str | int  # a state, parameter, temporary, in.PORT, phase; or a literal

# Operations and the number of their arguments. Comparisons give 1 or 0; shr floors; select c a b = a if c else b.
OPERATIONS: dict[str, int] = {
    "copy": 1,
    "add": 2,
    "sub": 2,
    "mul": 2,
    "shl": 2,
    "shr": 2,
    "min": 2,
    "max": 2,
    "clip": 3,
    "ge": 2,
    "gt": 2,
    "eq": 2,
    "lt": 2,
    "select": 3,
    "emit": 1,
}
NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class State:
    """A register that lives from step to step: name, width in bits (two's complement), value before step 0."""

    name: str
    bits: int
    initial: int = 0


@dataclass(frozen=True, slots=True)
class Instruction:
    """``target = op args``; for ``emit`` the target is empty."""

    target: str
    op: str
    args: tuple[Operand, ...]

    def __str__(self) -> str:
        """Return the assembly line."""
        call = " ".join([self.op, *map(str, self.args)])
        return f"{self.target} = {call}" if self.target else call


@dataclass(frozen=True)
class NeuronProgram:
    """What a neuron does in a timestep.

    Attributes:
        ports: in-ports; connections name one of them.
        params: integer constants, one value per neuron or shared.
        states: registers.
        code: instructions, run in order.
        membrane: the state that traces show and readouts read.
    """

    ports: tuple[str, ...]
    params: tuple[str, ...]
    states: tuple[State, ...]
    code: tuple[Instruction, ...]
    membrane: str

    def __str__(self) -> str:
        """Return the assembly text; ``parse_neuron`` reads it back."""
        heads = [f"port {' '.join(self.ports)}", f"param {' '.join(self.params)}"]
        states = [f"{s.name}:{s.bits}" + (f"={s.initial}" if s.initial else "") for s in self.states]
        heads += [f"state {' '.join(states)}", f"membrane {self.membrane}"]
        return "\n".join([*(h for h in heads if " " in h.strip()), *map(str, self.code)])


def parse_neuron(text: str) -> NeuronProgram:
    """Read the assembly text of a neuron program; ``#`` starts a comment.

    Raises:
        ValueError: a line does not follow the grammar, or the program breaks a rule (see ``problems``).
    """
    ports: list[str] = []
    params: list[str] = []
    states: list[State] = []
    code: list[Instruction] = []
    membrane = ""
    for raw in text.splitlines():
        word, _, rest = raw.split("#")[0].strip().partition(" ")
        if word in ("port", "param"):
            (ports if word == "port" else params).extend(rest.split())
        elif word == "state":
            states.extend(_parse_state(item) for item in rest.split())
        elif word == "membrane":
            membrane = rest.strip()
        elif word:
            code.append(parse_instruction(f"{word} {rest}"))
    program = NeuronProgram(
        tuple(ports), tuple(params), tuple(states), tuple(code), membrane or (states[0].name if states else "")
    )
    if wrong := list(problems(program)):
        raise ValueError("; ".join(wrong))
    return program


def parse_instruction(line: str) -> Instruction:
    """Read one instruction.

    Raises:
        ValueError: no such operation, or a malformed line.
    """
    left, equals, right = line.partition("=")
    target, call = (left.strip(), right.split()) if equals else ("", left.split())
    if not call or call[0] not in OPERATIONS:
        raise ValueError(f"'{line.strip()}' is no instruction")
    return Instruction(target, call[0], tuple(_operand(word) for word in call[1:]))


def problems(program: NeuronProgram) -> Iterator[str]:
    """Yield a sentence for every rule the program breaks."""
    known = {"phase", *program.params, *(s.name for s in program.states), *(f"in.{p}" for p in program.ports)}
    fixed = {"phase", *program.params, *(f"in.{p}" for p in program.ports)}
    names = [*program.ports, *program.params, *(s.name for s in program.states)]
    yield from (f"'{name}' is no name" for name in names if not NAME.fullmatch(name))
    yield from (f"'{name}' is declared twice" for name in sorted({n for n in names if names.count(n) > 1}))
    yield from (f"state {s.name} has {s.bits} bits" for s in program.states if not 1 <= s.bits <= 63)
    for line in program.code:
        if line.op not in OPERATIONS or len(line.args) != OPERATIONS[line.op]:
            yield f"'{line}' does not have the arguments of {line.op}"
        if (line.op == "emit") != (line.target == "") or line.target in fixed:
            yield f"'{line}' has a wrong target"
        yield from (f"'{line}' reads unknown '{a}'" for a in line.args if isinstance(a, str) and a not in known)
        yield from (f"'{line}' holds {a}, beyond 63 bits" for a in line.args if isinstance(a, int) and abs(a) >> 62)
        known.add(line.target)
    if program.membrane not in {s.name for s in program.states}:
        yield f"membrane '{program.membrane}' is no state"


def _parse_state(item: str) -> State:
    match = re.fullmatch(r"(\w+):(\d+)(?:=(-?\d+))?", item)
    if match is None:
        raise ValueError(f"'{item}' is no state declaration (name:bits or name:bits=initial)")
    return State(match[1], int(match[2]), int(match[3] or 0))


def _operand(word: str) -> Operand:
    return int(word) if re.fullmatch(r"-?\d+", word) else word
