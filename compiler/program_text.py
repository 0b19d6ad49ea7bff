"""The text form of a program: canonical, diffable, one item a line, read back by ``parse_program``.

    program @net {target='loihi2', interval=4}
    neuron 0 {
      port add
      param offset theta
      ...
    }
    population %conv1 {shape=[8, 26, 26], neuron=0, params={'offset': 'int64[] [3]', ...}, start=1, ...}
    connection %conv1.in {source='x', target='conv1', port='add', synapses={'type': 'conv', ...}, delay=1}
    input %x {type='tensor', population='x', port='add', shape=[1, 28, 28], lo=0, hi=255, scale='1/255'}
    output %fc {population='fc', scale='1/4096'}

Values are Python literals. Neuron programs are written once and referred to by number. Arrays of up to eight elements
are written out; larger ones by digest, and the reader needs them: see ``tensors_of``. The origin has a text form of its
own (that of graphs) and is left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from snncc.compiler.ir.graph import Array, constant_type
from snncc.compiler.ir.text import INLINE, digest
from snncc.compiler.ir.types import parse_type
from snncc.compiler.program import Program
from snncc.compiler.program_dict import HEADER, MALFORMED, SECTIONS, Builder, tensors_of, to_dict

__all__ = ["parse_program", "print_program", "tensors_of"]

_TAGS = {section.removesuffix("s"): section for section in SECTIONS}
_ITEM = re.compile(r"(\w+) [@%](\S+) \{(.*)\}")
_NEURON = re.compile(r"neuron (\d+) \{")
_ARRAY = re.compile(r"([^\]]*\]) (.*)")


def print_program(program: Program) -> str:
    """Return the canonical text of a program, without its origin."""
    plain = to_dict(program, lambda path, array: _print_array(array))
    lines = [_print_item("program", "@", {name: plain[name] for name in HEADER if name in plain})]
    for number, code in enumerate(plain["neurons"]):
        lines += [f"neuron {number} {{", *(f"  {line}" for line in code), "}"]
    for tag, section in _TAGS.items():
        lines += [_print_item(tag, "%", item) for item in plain.get(section, ())]
    return "\n".join(lines) + "\n"


def _print_item(tag: str, mark: str, item: Mapping[str, Any]) -> str:
    entries = ", ".join(f"{key}={value!r}" for key, value in item.items() if key != "name")
    return f"{tag} {mark}{item['name']} {{{entries}}}"


def _print_array(array: Array) -> str:
    value = repr(array.ravel().tolist()) if array.size <= INLINE else f"sha256:{digest(array)}"
    return f"{constant_type(array)} {value}"


def parse_program(text: str, tensors: Mapping[str, Array] | None = None, file: str = "<text>") -> Program:
    """Read the text form.

    Args:
        text: what ``print_program`` wrote.
        tensors: arrays that stand in the text by digest, under the paths of ``tensors_of``.
        file: name for messages.

    Raises:
        SnnccError: SNN002 for every line that cannot be read.
    """
    builder = Builder(lambda path, value: _parse_array(path, value, tensors or {}), "SNN002", file)
    block: list[str] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line, where = raw.strip(), f"line {number}"
        if block is None and _NEURON.fullmatch(line):
            block = []
        elif block is not None and line == "}":
            builder.neuron(block, where)
            block = None
        elif block is not None:
            block.append(line)
        elif line and not line.startswith("#"):
            _parse_line(line, where, builder)
    if block is not None:
        builder.problem("end", "a neuron program is not closed with '}'")
    return builder.build()


def _parse_line(line: str, where: str, builder: Builder) -> None:
    match = _ITEM.fullmatch(line)
    if match is None or match[1] not in {"program", *_TAGS}:
        builder.problem(where, f"cannot read '{line:.80}'")
        return
    try:
        item = {"name": match[2], **_parse_entries(match[3])}
    except MALFORMED as error:
        builder.problem(where, f"cannot read the entries of {match[1]} {match[2]}: {error}")
        return
    if match[1] == "program":
        builder.header(item, where)
    else:
        builder.item(_TAGS[match[1]], item, where)


def _parse_entries(text: str) -> dict[str, Any]:
    call = ast.parse(f"f({text})", mode="eval").body
    if not isinstance(call, ast.Call) or call.args or any(k.arg in (None, "name") for k in call.keywords):
        raise ValueError("they are no list of name=value")
    return {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}


def _parse_array(path: str, text: str, tensors: Mapping[str, Array]) -> Array:
    match = _ARRAY.fullmatch(text)
    kind = parse_type(match[1]) if match else None
    if match is None or kind is None or kind.dtype != "int64":
        raise ValueError(f"{path} is '{text:.60}', not an int64 array")
    if not match[2].startswith("sha256:"):
        return np.array(ast.literal_eval(match[2]), dtype=np.int64).reshape(kind.shape)
    if path not in tensors:
        raise ValueError(f"{path} is given by digest, its array is missing")
    array = tensors[path]
    if constant_type(array) != kind or digest(array) != match[2].removeprefix("sha256:"):
        raise ValueError(f"the array given for {path} is not the one the text names")
    return array
