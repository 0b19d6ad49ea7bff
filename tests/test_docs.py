"""What the documents say is true: generated parts are current, code blocks run, links lead somewhere."""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import linecache
import os
import re
import shlex
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snncc
from snncc.cli import main
from snncc.compiler.coding import CODINGS
from snncc.compiler.coding.base import KERNELS
from snncc.compiler.frontend.onnx_ops import CONVERT
from snncc.compiler.ir import OPS
from snncc.compiler.ir.curve import CURVES
from snncc.compiler.ir.to_onnx_curves import _OPERATORS
from snncc.compiler.ir.verify import LEGAL
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.neuron import OPERATIONS, parse_neuron
from snncc.compiler.program import Population, Program
from snncc.compiler.targets import load_target
from snncc.runtime.emulator import Emulator

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
ELLIPSIS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TABLES: tuple[dict[Any, Any], ...] = (CODINGS, KERNELS, CONVERT, CURVES, OPS, LEGAL, _OPERATORS)


def _generator() -> Any:
    spec = importlib.util.spec_from_file_location("snncc_docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _generator()


@dataclass(frozen=True)
class Block:
    """A piece of a document that runs: its language, text, and first line in the file."""

    language: str
    text: str
    line: int


def blocks(path: Path) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        yield Block(match[1], match[2], text.count("\n", 0, match.start(2)) + 1)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


DOCUMENTS = GENERATE.documents()
RUNNING = [path for path in DOCUMENTS if any(blocks(path))]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run in an empty folder that has the examples in it; leave no new coding, op or converter behind."""
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    before = [dict(table) for table in TABLES]
    yield tmp_path
    for table, content in zip(TABLES, before, strict=True):
        table.clear()
        table.update(content)


@pytest.mark.parametrize("path", RUNNING, ids=name_of)
def test_the_code_blocks_run(path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if any("torch" in block.text for block in blocks(path)):
        pytest.importorskip("torch")
    module = types.ModuleType("document")
    monkeypatch.setitem(sys.modules, "document", module)
    for block in blocks(path):
        if block.language == "python":
            run_python(block, path, vars(module))
        else:
            run_console(block, monkeypatch)


def run_python(block: Block, path: Path, names: dict[str, Any]) -> None:
    """Run a block; a traceback, and torch's exporter, find its lines."""
    title = f"<{name_of(path)}, line {block.line}>"
    linecache.cache[title] = (len(block.text), None, block.text.splitlines(keepends=True), title)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(block.text, title, "exec", dont_inherit=True), names)


def run_console(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each ``$ snncc`` line; where the block shows output, compare it (``...`` stands for anything)."""
    commands = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    for command, _, shown in (part.partition("\n") for part in commands):
        if not command.startswith("snncc "):
            continue
        status, output = snncc_command(command, monkeypatch)
        assert status == 0, f"{command}\n{output}"
        if shown.strip():
            fits = doctest.OutputChecker().check_output(shown, output, ELLIPSIS)
            assert fits, f"{command} printed\n{output}\nand not\n{shown}"


def snncc_command(command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", shlex.split(command))
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    return (code if isinstance(code, int) else int(code is not None)), output.getvalue()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_generated_parts_are_current(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == GENERATE.generated(text, slow=False), "run: python docs/generate.py"


def test_every_generated_part_stands_in_a_document() -> None:
    used = {part[2] for path in DOCUMENTS for part in GENERATE.PART.finditer(path.read_text(encoding="utf-8"))}
    assert used == set(GENERATE.PARTS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    broken = [link for link in LINK.findall(text) if not link.startswith("https://") and not _leads(path, link)]
    assert broken == []


def _leads(path: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = path if not file else Path(os.path.normpath(path.parent / file))
    if not target.exists():
        return False
    return not anchor or anchor in set(_anchors(target.read_text(encoding="utf-8")))


def _anchors(text: str) -> Iterator[str]:
    """Yield the anchors that headings have on the usual hosts."""
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_document_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {os.path.normpath(index.parent / link.partition("#")[0]) for link in LINK.findall(index.read_text())}
    missing = [path for path in DOCUMENTS if str(path) not in linked and path != index]
    assert [name_of(path) for path in missing] == []


def test_the_meanings_of_instructions_are_what_the_emulator_does() -> None:
    rng = np.random.default_rng(0)
    values = {name: rng.integers(-9, 10, 64) for name in "abc"}
    values["b"][:32] = np.abs(values["b"][:32])
    assert {*GENERATE.MEANINGS, "emit"} == set(OPERATIONS)
    for name, meaning in GENERATE.MEANINGS.items():
        shift = name in ("shl", "shr")
        params = {key: abs(array) if shift and key == "b" else array for key, array in values.items()}
        text = f"port add\nparam a b c\nstate v:63\nv = {name} {' '.join('abc'[: OPERATIONS[name]])}"
        population = Population("p", (64,), parse_neuron(text), params)
        found = Emulator(Program("net", "any", 0, (population,), ())).step()["p"].membrane[:, 0]
        rows = zip(*(params[key].tolist() for key in "abc"), strict=True)
        wanted = [eval(meaning, dict(zip("abc", row, strict=True))) for row in rows]
        assert found.tolist() == wanted, name


def test_the_torch_modules_that_are_listed_are_imported() -> None:
    torch: Any = pytest.importorskip("torch")
    scope = {"torch": torch, "nn": torch.nn, "functional": torch.nn.functional}

    class Everything(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            made = {name.partition(".")[2]: eval(code, scope) for name, (code, _) in GENERATE.TORCH_MODULES.items()}
            self.parts = torch.nn.ModuleDict(made)
            self.x, self.s, self.v = torch.nn.Conv2d(4, 4, 1), torch.nn.Conv1d(4, 4, 1), torch.nn.Linear(6, 6)

        def forward(self, x: Any, s: Any, v: Any) -> Any:
            given = {"x": self.x(x).relu(), "s": self.s(s).relu(), "v": self.v(v).relu()}
            kinds = [kind for _, kind in GENERATE.TORCH_MODULES.values()]
            results = [part(given[kind]) for part, kind in zip(self.parts.values(), kinds, strict=True)]
            return results + [eval(code, scope, given) for code in GENERATE.TORCH_FUNCTIONS.values()]

    shapes = ((2, 4, 8, 8), (2, 4, 12), (2, 6))
    graph = snncc.import_model(Everything(), tuple(torch.rand(shape) for shape in shapes))
    assert len(graph.outputs) > len(GENERATE.TORCH_FUNCTIONS)


def test_the_table_of_the_readme_is_what_the_program_does() -> None:
    """Check what the demonstration's table says without data: exact figures, and the accuracy of the one network."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^(\w+) +([\d.]+) +yes +(\d+) +(\d+) ", text, re.MULTILINE)
    folder = ROOT / "examples" / "mnist_cnn"
    calibration, test = (dict(np.load(folder / f"{name}.npz")) for name in ("calibration", "test"))
    program = snncc.compile(folder / "mnist_cnn.onnx", calibration["x"])
    assert program.origin is not None
    guess = snncc.run(program, test["x"])[program.outputs[0].name].argmax(axis=1)
    accuracy = float((guess == test["y"]).mean())
    target = load_target("loihi2")
    lowered = {coding: lower(program.origin.network, choose(coding, target), target) for coding in CODINGS}
    assert [row[0] for row in rows] == list(CODINGS)
    for coding, printed, steps, interval in rows:
        assert (int(steps), int(interval)) == (lowered[coding].latency, lowered[coding].interval)
        # Calibration sums floats, and another processor may sum them in another order: 3 of 1,000 images.
        assert abs(float(printed) - accuracy) <= 0.003
