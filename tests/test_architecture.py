"""Which folder may import which, and who may print: read from the source with ast."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "compiler": ("snncc.compiler",),
    "backends": ("snncc.compiler", "snncc.backends"),
    "runtime": ("snncc.compiler", "snncc.runtime"),
    "snncc": ("snncc",),
}


def sources(folder: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield path and tree of each file; os.walk stays out of the links in snncc/."""
    for where, folders, names in os.walk(ROOT / folder):
        folders[:] = [name for name in folders if name != "templates"]  # text that is emitted
        for path in (Path(where, name) for name in names if name.endswith(".py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_bytes())


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield every imported name in full, `a.b` for `from a import b`, dots first if relative."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def allowed(name: str, folder: str) -> bool:
    if name.startswith(".") or name.split(".")[0] in ("compiler", "backends", "runtime"):
        return False
    inside = any(f"{name}.".startswith(f"{prefix}.") for prefix in MAY_IMPORT[folder])
    return inside or name.split(".")[0] != "snncc"


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_follow_the_direction_of_the_data(folder: str) -> None:
    wrong = [f"{path}: {name}" for path, tree in sources(folder) for name in imports(tree) if not allowed(name, folder)]
    assert wrong == []


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_only_the_command_line_prints(folder: str) -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources(folder)
        if not path.startswith("snncc/cli")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "print"
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("compiler", "import snncc"),
        ("compiler", "from snncc import runtime"),
        ("compiler", "from snncc.api import compile"),
        ("compiler", "import compiler.ir"),
        ("compiler", "from . import ir"),
        ("backends", "from snncc.runtime.emulator import run"),
        ("runtime", "import snncc.backends"),
        ("snncc", "from runtime import emulator"),
    ],
)
def test_the_rule_rejects(folder: str, line: str) -> None:
    assert not all(allowed(name, folder) for name in imports(ast.parse(line)))
