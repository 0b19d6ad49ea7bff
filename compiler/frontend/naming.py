"""Names: short unique ones for the IR, and the user's own for locations."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import onnx_ir as ir

from snncc.compiler.diagnostics import Loc

ORIGIN_NAME, ORIGIN_OP = "snncc.name", "snncc.op"
_SCOPES, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
_STACK = "pkg.torch.onnx.stack_trace"
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_TORCH_FILE = re.compile(r"[\\/]torch[\\/](nn|_\w+|functional|utils|export|fx|onnx)\b")
_TORCH_CLASS = re.compile(r"torch\.nn\.modules\.(?!container\.)\w+\.(\w+)")


@dataclass(frozen=True, slots=True)
class Origin:
    """What an ONNX node tells about where it came from.

    Attributes:
        name: the node's own name, or that of its first result.
        op: operator as the file calls it.
        module: torch module path, empty where unknown.
        builtin: class of that module if it is torch's own, such as ``LSTM``; else empty.
        line: source line such as ``net.py:12``, empty where unknown.
        base: short readable name for the IR.
    """

    name: str
    op: str
    module: str
    builtin: str
    line: str
    base: str

    def loc(self, file: str) -> Loc:
        """Return the location in the user's model."""
        return Loc(file, self.name, self.op, self.module, self.line)


def clean_name(text: str) -> str:
    """Return the text with everything but letters, digits, ``_`` and ``.`` replaced; may be empty."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("_.")


class NameTable:
    """Gives each value of a graph a name of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, base: str) -> str:
        """Return ``base``, or ``base_1``, ``base_2``... if it is taken, and take it."""
        base = clean_name(base) or "value"
        name, count = base, 0
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name


def origin_of(node: ir.Node) -> Origin:
    """Return where a node came from, out of its name and the metadata torch's exporter leaves."""
    props = node.metadata_props
    own = props.get(ORIGIN_NAME, node.name or "")
    op = props.get(ORIGIN_OP, node.op_type)
    result = next((value.name for value in node.outputs if value.name), "")
    scopes, classes = _strings(props.get(_SCOPES, "")), _strings(props.get(_CLASSES, ""))
    if len(scopes) > 1:
        module, builtin = scopes[-2], _builtin_class(classes)
        base = module if builtin and module else ".".join(filter(None, scopes[-2:]))
    else:
        module, builtin = _legacy_module(own, op), ""
        last = own.rsplit("/", 1)[-1]
        base = f"{module}.{last}" if module else own.removeprefix("node_")
    base = clean_name(base) or _named_after(op, result)
    return Origin(own or result or op, op, module, builtin, source_line(props.get(_STACK, "")), base)


def source_line(stack: str) -> str:
    """Return the innermost line of a stack trace outside torch as ``net.py:12``; empty if none."""
    frames = [match for match in _FRAME.finditer(stack) if not _TORCH_FILE.search(match[1])]
    return f"{base_name(frames[-1][1])}:{frames[-1][2]}" if frames else ""


def base_name(path: str) -> str:
    """Return the last part of a path in either notation."""
    return PureWindowsPath(PurePosixPath(path).name).name or path


def _strings(text: str) -> list[str]:
    try:
        value = ast.literal_eval(text) if text else []
    except (ValueError, SyntaxError):
        return []
    return [str(part) for part in value] if isinstance(value, list) else []


def _builtin_class(classes: list[str]) -> str:
    match = _TORCH_CLASS.fullmatch(classes[-2]) if len(classes) > 1 else None
    return match[1] if match else ""


def _legacy_module(name: str, op: str) -> str:
    """Return the module path in a name such as ``/features/features.0/Conv`` (older torch)."""
    *scopes, last = name.strip("/").split("/")
    if not name.startswith("/") or not last.startswith(op):
        return ""
    path = ""
    for scope in scopes:
        path = scope if not path or scope.startswith(f"{path}.") else f"{path}.{scope}"
    return path


def _named_after(op: str, result: str) -> str:
    result = clean_name(result)
    return result if result and not result.isdigit() else f"{op.lower()}_{result}".strip("_")
