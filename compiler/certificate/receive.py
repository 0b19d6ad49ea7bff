"""The receiving half of a neuron program, proved line by line with symbols instead of numbers.

In the step that latches (phase 0) some line must hold the charge, the accumulators as their kernels leave them plus the
offset, and every accumulator must be 0 after the step. In any other step each accumulator must follow its kernel.
Nothing else may depend on what the accumulators hold. What follows from the charge alone is left to ``classes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import ClassVar

from snncc.compiler.certificate.span import INTEGER
from snncc.compiler.coding.base import KERNELS
from snncc.compiler.neuron import Instruction, NeuronProgram, Operand, parse_instruction

OFFSET = "offset"  # parameter that the charge includes


class Refuted(Exception):  # noqa: N818  named for what happened
    """A neuron program could not be shown to obey its law."""


@dataclass(frozen=True)
class Kernel:
    """What a kernel does in a step, as sums.

    Attributes:
        charge: register that holds <g, what arrived> when the window has closed.
        after: for each register, what it holds after a step: factors of registers before it and of ``in.PORT``.
    """

    charge: str
    after: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Form:
    """What is known of a value: an integer, a sum of symbols, steps of a ladder, or only what it depends on.

    Attributes:
        raw: whether it depends on what arrives or on an accumulator.
        terms: symbol -> factor, if it is ``const`` plus a sum.
        const: integer; the whole value if there are no terms.
    """

    raw: bool = False
    terms: Mapping[str, int] | None = None
    const: int = 0

    @property
    def integer(self) -> int | None:
        """Return the value where it is the same in every neuron."""
        return self.const if self.terms is not None and not self.terms else None


@dataclass(frozen=True)
class Steps(Form):
    """const + sum over steps of sign direction [sum >= threshold]; ``charged`` says that the sum is the charge.

    Attributes:
        steps: (parameter of the threshold, sign, parameter of the direction or None).
        low: least value.
        high: greatest value.
    """

    steps: tuple[tuple[str, int, str | None], ...] = ()
    charged: bool = False
    low: int = 0
    high: int = 0


@dataclass(frozen=True)
class Latch(Form):
    """The charge, or in a ladder the level it reaches: what the firing half starts from."""


UNKNOWN, DRIVE = Form(), Latch()


@dataclass(frozen=True)
class Reading:
    """What the lines of a neuron program hold in a kind of step.

    Attributes:
        forms: for each line.
        drive: line that completes what the firing half starts from, None where no line does.
        final: for each state, what it holds after the step.
        climbed: the steps of a ladder, where a line completes them.
    """

    forms: tuple[Form, ...]
    drive: int | None
    final: Mapping[str, Form]
    climbed: Steps | None

    @cached_property
    def runs(self) -> tuple[bool, ...]:
        """Return for each line whether it belongs to the firing half."""
        return tuple(not form.raw and not isinstance(form, Steps) for form in self.forms)


def kernel(port: str) -> Kernel:
    """Return the kernel that an in-port is named for.

    Raises:
        Refuted: there is none, or it is more than sums and doublings.
    """
    if port not in KERNELS:
        raise Refuted(f"in-port {port} has no kernel")
    return _kernel(port, *KERNELS[port])


@lru_cache(maxsize=64)
def _kernel(port: str, charge: str, states: str, code: str) -> Kernel:
    registers = [state.partition(":")[0] for state in states.split()]
    values = {name: Form(True, {name: 1}) for name in [*registers, f"in.{port}"]}
    for line in map(parse_instruction, code.splitlines()):
        args = [values[a] if isinstance(a, str) else Form(terms={}, const=a) for a in line.args]
        form = _RULES[line.op](*args) if line.op in _RULES else None
        if form is None or form.terms is None or form.const:
            raise Refuted(f"kernel {port} does more than add in '{line}'")
        values[line.target] = form
    return Kernel(charge, {name: values[name].terms or {} for name in registers})


def read(neuron: NeuronProgram, rungs: int | None = None) -> tuple[Reading, Reading]:
    """Return what the lines hold in the step that latches, and in any other.

    Args:
        neuron: the program; its in-ports are named for the kernels it applies.
        rungs: thresholds of a ladder, None for other neurons.

    Raises:
        Refuted: the accumulators do not follow their kernels, are not cleared, or what they hold is used too early.
    """
    if missing := accumulators(neuron) - {s.name for s in neuron.states}:
        raise Refuted(f"register {min(missing)} is missing")
    if late := [s.name for s in neuron.states if s.name in accumulators(neuron) and s.initial]:
        raise Refuted(f"register {late[0]} does not start at 0")
    top = _top(neuron, rungs)
    latching, between = (_Reader(neuron, latches, top).read() for latches in (True, False))
    if latching.drive is None and rungs != 0:
        raise Refuted("no line holds the charge, or the level it reaches, in the step that latches")
    for port in neuron.ports:
        for register in kernel(port).after:
            if latching.final[register].integer != 0:
                raise Refuted(f"{register} is not cleared when the window has closed")
            form = between.final[register]
            if form.terms != kernel(port).after[register] or form.const:
                raise Refuted(f"{register} does not follow kernel {port} while the window is open")
    _check_leaks(neuron, latching)
    _check_leaks(neuron, between)
    return latching, between


def _top(neuron: NeuronProgram, rungs: int | None) -> int | None:
    """Return the line that completes a ladder of so many thresholds: the last that adds up them all; -1 for none."""
    if rungs is None:
        return None
    forms = _Reader(neuron, True, -1).read().forms
    found = [n for n, form in enumerate(forms) if isinstance(form, Steps) and form.charged and len(form.steps) == rungs]
    climbs = [n for n in found if neuron.code[n].op not in ("select", "copy")]
    return max(climbs, default=-1)


def accumulators(neuron: NeuronProgram) -> set[str]:
    """Return the registers that take in what arrives."""
    return {register for port in neuron.ports for register in kernel(port).after}


def _check_leaks(neuron: NeuronProgram, reading: Reading) -> None:
    """Refuse states and payloads that depend on an accumulator or an arrival."""
    sums = accumulators(neuron)
    for state, form in reading.final.items():
        if state not in sums and (form.raw or isinstance(form, Steps)):
            raise Refuted(f"{state} depends on what has arrived so far")
    for line, form in zip(neuron.code, reading.forms, strict=True):
        if form.raw and line.op == "emit":
            raise Refuted("the payload depends on what has arrived so far")
        if form.raw and form.terms is None and not isinstance(form, Steps):
            raise Refuted(f"'{line}' depends on what has arrived so far")


@dataclass
class _Reader:
    """Runs a program with symbols; ``latches``: in phase 0, else in any other."""

    neuron: NeuronProgram
    latches: bool
    top: int | None  # line that completes a ladder, -1 where none does; None for neurons that climb none
    drive: int | None = None
    charge: int | None = None
    climbed: Steps | None = None
    values: dict[str, Form] = field(default_factory=dict)

    PHASE: ClassVar[Form] = Form(terms={"phase": 1})

    def read(self) -> Reading:
        """Return the form of every line."""
        self.values = {name: Form(terms={name: 1}) for name in self.neuron.params}
        sums = accumulators(self.neuron)
        self.values |= {s.name: UNKNOWN for s in self.neuron.states if s.name not in sums}
        raw = [*sums, *(f"in.{port}" for port in self.neuron.ports)]
        self.values |= {name: Form(raw=True, terms={name: 1}) for name in raw}
        self.values["phase"] = Form(terms={}, const=0) if self.latches else self.PHASE
        forms = tuple(self._line(number, line) for number, line in enumerate(self.neuron.code))
        final = {s.name: self.values[s.name] for s in self.neuron.states}
        return Reading(forms, self.drive, final, self.climbed)

    def _line(self, number: int, line: Instruction) -> Form:
        form = self._result(line)
        if line.op == "emit":
            return form
        if self.latches and self.charge is None and _is_charge(form, self.neuron.ports):
            self.charge = number
            form = DRIVE if self.top is None else Form(raw=True, terms={"charge": 1})
        if self.latches and number == self.top and isinstance(form, Steps):
            self.drive, self.climbed = number, form
            form = DRIVE
        if form is DRIVE and self.drive is None:
            self.drive = number
        self.values[line.target] = form
        return form

    def _result(self, line: Instruction) -> Form:
        args = [self._value(arg) for arg in line.args]
        known = [a.integer for a in args]
        if line.op == "select" and known[0] is not None:
            return args[1] if known[0] else args[2]
        if all(number is not None for number in known) and line.op != "emit":
            return Form(terms={}, const=INTEGER[line.op](*known))
        if line.op == "eq" and args[0] is self.PHASE and known[1] == 0:
            return Form(terms={}, const=0)
        found = _RULES[line.op](*args) if line.op in _RULES else None
        return found or Form(raw=any(a.raw for a in args))

    def _value(self, arg: Operand) -> Form:
        return self.values[arg] if isinstance(arg, str) else Form(terms={}, const=arg)


def _is_charge(form: Form, ports: Iterable[str]) -> bool:
    return form.raw and form.terms == {OFFSET: 1, **charge_terms(ports)} and form.const == 0


def charge_terms(ports: Iterable[str]) -> dict[str, int]:
    """Return the charge without offset as a sum of what registers held before the step and what arrives in it."""
    kernels = map(kernel, ports)
    return {symbol: factor for each in kernels for symbol, factor in each.after[each.charge].items()}


def symbols(port: str) -> set[str]:
    """Return the registers of a port, and what arrives at it."""
    return {*kernel(port).after, f"in.{port}"}


def _copied(a: Form) -> Form:
    return a


def _added(a: Form, b: Form, sign: int = 1) -> Form | None:
    if isinstance(a, Steps) or isinstance(b, Steps):
        return _climbed(a, b, sign)
    if a.terms is None or b.terms is None or not (a.raw or b.raw):
        return None
    terms = dict(a.terms)
    for name, factor in b.terms.items():
        terms[name] = terms.get(name, 0) + sign * factor
    return Form(True, {name: factor for name, factor in terms.items() if factor}, a.const + sign * b.const)


def _climbed(a: Form, b: Form, sign: int) -> Form | None:
    """Return a sum of which a part is steps of a ladder."""
    parts = [a, b] if sign == 1 else [a, _turned(b)]
    if any(not isinstance(p, Steps) and p.integer is None for p in parts):
        return None
    steps = [p for p in parts if isinstance(p, Steps)]
    if len({s.charged for s in steps}) > 1:
        return None
    loose = sum(p.const for p in parts if not isinstance(p, Steps))
    return Steps(
        raw=True,
        const=sum(p.const for p in parts),
        steps=tuple(step for s in steps for step in s.steps),
        charged=steps[0].charged,
        low=sum(s.low for s in steps) + loose,
        high=sum(s.high for s in steps) + loose,
    )


def _turned(a: Form) -> Form:
    if isinstance(a, Steps):
        steps = tuple((threshold, -sign, direction) for threshold, sign, direction in a.steps)
        return Steps(True, None, -a.const, steps, a.charged, -a.high, -a.low)
    return Form(a.raw, a.terms, -a.const) if a.integer is not None else Form(a.raw)


def _multiplied(a: Form, b: Form) -> Form | None:
    if isinstance(a, Steps) and len(a.steps) == 1 and a.const == 0 and (direction := _parameter(b)):
        ((threshold, sign, before),) = a.steps
        return None if before else Steps(True, None, 0, ((threshold, sign, direction),), a.charged, -1, 1)
    return _scaled(a, b.integer)


def _scaled(a: Form, factor: int | None) -> Form | None:
    if factor is None or not a.raw or a.terms is None:
        return None
    return Form(True, {name: factor * f for name, f in a.terms.items() if factor}, factor * a.const)


def _reached(a: Form, b: Form) -> Form | None:
    threshold = _parameter(b)
    if not a.raw or a.terms is None or threshold is None:
        return None
    charged = dict(a.terms) == {"charge": 1} and a.const == 0
    return Steps(True, None, 0, ((threshold, 1, None),), charged, 0, 1)


def _parameter(a: Form) -> str | None:
    """Return the name of the parameter that a form is, None if it is none."""
    single = not a.raw and a.terms is not None and len(a.terms) == 1 and a.const == 0
    return next((name for name, factor in a.terms.items() if factor == 1), None) if single and a.terms else None


_RULES: dict[str, Callable[..., Form | None]] = {
    "copy": _copied,
    "emit": _copied,
    "add": _added,
    "sub": lambda a, b: _added(a, b, -1),
    "mul": _multiplied,
    "shl": lambda a, b: _scaled(a, None if b.integer is None or b.integer < 0 else 1 << b.integer),
    "ge": _reached,
}
