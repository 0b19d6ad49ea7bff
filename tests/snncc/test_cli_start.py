"""The command starts at once: nothing heavy is imported before it is used."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from snncc import __version__
from tests.snncc.conftest import Command

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "onnx", "onnx_ir", "onnxscript", "onnxruntime", "torch", "numba", "scipy", "networkx", "rich.table")


def test_the_command_line_imports_nothing_heavy() -> None:
    code = f"import sys, snncc.cli; print([name for name in {HEAVY} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_names_every_command(snncc: Command) -> None:
    result = snncc("--help")
    assert result.code == 0
    assert all(
        f" {name} " in result.out for name in ("compile", "verify", "check", "run", "inspect", "explain", "demo")
    )


@pytest.mark.parametrize("name", ["compile", "verify", "check", "run", "inspect", "explain", "demo"])
def test_every_command_has_help_and_prints_json(snncc: Command, name: str) -> None:
    text = snncc(name, "--help").out
    assert "--json" in text
    assert "--debug" in text


def test_the_version(snncc: Command) -> None:
    assert snncc("--version").out == f"snncc {__version__}\n"


def test_no_command_shows_the_help(snncc: Command) -> None:
    result = snncc()
    assert result.code == 2
    assert "compile" in result.out + result.err


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    import snncc

    with pytest.raises(AttributeError, match="no attribute 'decompile'"):
        snncc.decompile  # noqa: B018


def test_every_code_in_the_sources_is_explained() -> None:
    from snncc.compiler.catalogue import CATALOGUE

    used = set()
    for folder in ("compiler", "runtime", "backends", "snncc"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    used |= set(re.findall(r"\ASNN\d{3}\Z", node.value))
    assert sorted(used - set(CATALOGUE)) == []
