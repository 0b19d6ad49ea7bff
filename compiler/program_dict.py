"""A program as plain data: dicts, lists, strings, integers. Both the text form and the .snnp file are made from it.

The fields of the dataclasses in ``program`` drive it, so a new field needs nothing here. Three things stand elsewhere:
arrays, for which ``put`` returns a string and ``get`` the array again; neuron programs, which are shared and numbered
in the list ``neurons``; and the origin, which is no part of the plain data. Fields that say nothing (None, an empty
string or tuple or an unknown location by default) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.ir.graph import Array
from snncc.compiler.neuron import NeuronProgram, parse_neuron
from snncc.compiler.program import ConvSynapses, DenseSynapses, EventInput, Program, SparseSynapses, TensorInput

Put = Callable[[str, Array], str]  # path of an array in the program, the array
Get = Callable[[str, str], Array]  # path of an array, the string that stands for it; raises ValueError

# Where a field may hold one of several classes, the entry "type" says which.
TYPES = {
    "dense": DenseSynapses,
    "conv": ConvSynapses,
    "sparse": SparseSynapses,
    "tensor": TensorInput,
    "event": EventInput,
}
_TYPE_OF = {kind: name for name, kind in TYPES.items()}

# What reading malformed plain data can raise.
MALFORMED = (ValueError, TypeError, SyntaxError, ArithmeticError, LookupError, RecursionError, MemoryError)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(kind).items() if name != "origin"}


SECTIONS = {name: get_args(hint)[0] for name, hint in _hints(Program).items() if get_origin(hint) is tuple}
HEADER = tuple(name for name in _hints(Program) if name not in SECTIONS)


def to_dict(program: Program, put: Put) -> dict[str, Any]:
    """Return the plain data of a program, without its origin.

    Args:
        program: what to describe.
        put: takes each array and its path, such as ``populations/conv1/params/theta``; returns what stands for it.
    """
    neurons = list(dict.fromkeys(population.neuron for population in program.populations))
    numbers = {neuron: number for number, neuron in enumerate(neurons)}
    plain: dict[str, Any] = {name: getattr(program, name) for name in HEADER if getattr(program, name) != ""}
    plain["neurons"] = [str(neuron).splitlines() for neuron in neurons]
    for section in SECTIONS:
        items = getattr(program, section)
        if section == "slices" and not items:
            continue
        plain[section] = [_plain(item, f"{section}/{item.name}", put, numbers) for item in items]
    return plain


def tensors_of(program: Program) -> dict[str, Array]:
    """Return every array of a program by its path, such as ``connections/conv1.in/synapses/weight``."""
    tensors: dict[str, Array] = {}

    def put(path: str, array: Array) -> str:
        tensors[path] = array
        return path

    to_dict(program, put)
    return tensors


def to_plain(value: object) -> Any:
    """Return the plain data of a dataclass that holds neither arrays nor neuron programs."""
    return _plain(value, "", lambda path, array: path, {})


def _plain(value: Any, path: str, put: Put, numbers: Mapping[NeuronProgram, int]) -> Any:
    if isinstance(value, np.ndarray):
        return put(path, value)
    if isinstance(value, NeuronProgram):
        return numbers[value]
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, Mapping):
        return {key: _plain(value[key], f"{path}/{key}", put, numbers) for key in sorted(value)}
    if isinstance(value, tuple):
        return [_plain(item, path, put, numbers) for item in value]
    if not is_dataclass(value):
        return value
    kind = type(value)
    told = {f.name: getattr(value, f.name) for f in fields(value) if not _silent(getattr(value, f.name), f.default)}
    record = {name: _plain(item, f"{path}/{name}", put, numbers) for name, item in told.items()}
    return {"type": _TYPE_OF[kind], **record} if kind in _TYPE_OF else record


def _silent(value: object, default: object) -> bool:
    return isinstance(value, (NoneType, str, tuple, Loc)) and value == default and value in (None, "", (), Loc())


class Builder:
    """Builds a program from plain data, part by part, and collects every problem.

    Attributes:
        problems: what could not be read.
    """

    def __init__(self, get: Get, code: str, file: str) -> None:
        """Start empty; problems get the given code and a location in the given file."""
        self.problems: list[Diagnostic] = []
        self._get, self._code, self._file = get, code, file
        self._header: dict[str, Any] = {}
        self._neurons: list[NeuronProgram | None] = []
        self._items: dict[str, list[Any]] = {section: [] for section in SECTIONS}

    def problem(self, where: str, message: object) -> None:
        """Note a problem at a place in the file."""
        self.problems.append(Diagnostic(self._code, str(message), Loc(self._file, where)))

    def header(self, plain: Mapping[str, Any], where: str) -> None:
        """Take in name, target and interval."""
        try:
            self._header = self._fields(Program, plain, "program", HEADER)
        except MALFORMED as error:
            self.problem(where, error)

    def neuron(self, lines: object, where: str) -> None:
        """Take in the next neuron program, as lines of assembly."""
        self._neurons.append(None)
        try:
            self._neurons[-1] = parse_neuron("\n".join(self.read(tuple[str, ...], lines, "neuron")))
        except MALFORMED as error:
            self.problem(where, error)

    def item(self, section: str, plain: object, where: str) -> None:
        """Take in the next population, connection, input or output."""
        name = plain.get("name", "?") if isinstance(plain, Mapping) else "?"
        try:
            self._items[section].append(self.read(SECTIONS[section], plain, f"{section}/{name}"))
        except MALFORMED as error:
            self.problem(where, error)

    def build(self) -> Program:
        """Return the program.

        Raises:
            SnnccError: every problem found.
        """
        if not self._header and not self.problems:
            self.problem("start", "no program header")
        if self.problems:
            raise SnnccError(self.problems)
        parts: dict[str, Any] = {section: tuple(items) for section, items in self._items.items()}
        return Program(**self._header, **parts)

    def read(self, hint: Any, plain: Any, path: str) -> Any:
        """Return the value of a field from its plain data.

        Args:
            hint: the type that the field declares.
            plain: the plain data.
            path: for messages, and to find arrays.

        Raises:
            ValueError: the data is not of that type; the message names the path.
        """
        origin = get_origin(hint)
        if origin is UnionType:
            return self.read(_chosen(get_args(hint), plain, path), plain, path)
        if origin is tuple:
            return tuple(self.read(get_args(hint)[0], item, path) for item in _want(list, plain, path))
        if origin is Mapping:
            mapping = _want(dict, plain, path)
            return {key: self.read(get_args(hint)[1], item, f"{path}/{key}") for key, item in mapping.items()}
        if origin is np.ndarray:
            return self._get(path, _want(str, plain, path))
        if hint is NeuronProgram:
            return self._shared(_want(int, plain, path), path)
        if hint is Fraction:
            return _fraction(_want(str, plain, path), path)
        if isinstance(hint, type) and is_dataclass(hint):
            rest = {key: item for key, item in _want(dict, plain, path).items() if key != "type"}
            return hint(**self._fields(hint, rest, path))
        return _want(hint, plain, path)

    def _fields(
        self, kind: Any, plain: Mapping[str, Any], path: str, names: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Return the values of the fields of a class, or of those named."""
        hints = {name: hint for name, hint in _hints(kind).items() if names is None or name in names}
        optional = {f.name for f in fields(kind) if f.default is not MISSING}
        if missing := [name for name in hints if name not in plain and name not in optional]:
            raise ValueError(f"{path} has no {', '.join(missing)}")
        if unknown := [name for name in plain if name not in hints]:
            raise ValueError(f"{path} has an unknown entry {', '.join(map(repr, unknown))}")
        return {name: self.read(hints[name], item, f"{path}/{name}") for name, item in plain.items()}

    def _shared(self, number: int, path: str) -> NeuronProgram:
        neuron = self._neurons[number] if 0 <= number < len(self._neurons) else None
        if neuron is None:
            raise ValueError(f"{path} is {number}, and neuron program {number} cannot be read")
        return neuron


def _chosen(kinds: tuple[Any, ...], plain: Any, path: str) -> Any:
    kinds = tuple(kind for kind in kinds if kind is not NoneType)
    if len(kinds) == 1:
        return kinds[0]
    name = _want(dict, plain, path).get("type")
    if name not in TYPES or TYPES[name] not in kinds:
        raise ValueError(f"{path} has the unknown type {name!r}")
    return TYPES[name]


def _fraction(text: str, path: str) -> Fraction:
    match = re.fullmatch(r"(-?\d+)/(\d+)", text)
    if match is None or int(match[2]) == 0:
        raise ValueError(f"{path} is '{text:.60}', not numerator/denominator")
    return Fraction(int(match[1]), int(match[2]))


def _want(kind: Any, plain: Any, path: str) -> Any:
    if type(plain) is not kind:
        raise ValueError(f"{path} is {plain!r:.60}, not {kind.__name__}")
    if kind is int and not -(2**63) <= plain < 2**63:
        raise ValueError(f"{path} is {plain}, which no 64 bits hold")
    return plain
