"""Write the parts of the documents that are made from the code: ``python docs/generate.py``.

With ``--check`` nothing is written; the exit status is 1 if a document is out of date. A generated part stands in its
document between two comments and is replaced as a whole:

    <!-- begin generated: codings -->
    <!-- end generated -->

Parts marked ``measured`` instead hold what a command printed. They take a while, so only ``--measure`` renews them.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import partial
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import numpy as np

from snncc.backends.conformance.support import support
from snncc.backends.registry import BUNDLED, get_backend
from snncc.compiler import container, neuron
from snncc.compiler.catalogue import CATALOGUE
from snncc.compiler.coding import CODINGS, Coding, Levels, firing_neuron, ladder_neuron, train
from snncc.compiler.coding.base import KERNELS
from snncc.compiler.frontend.hints import HINTS
from snncc.compiler.frontend.onnx_ops import CONVERT
from snncc.compiler.ir import OPS, Op, Stage
from snncc.compiler.ir.verify import LEGAL
from snncc.compiler.options import make_options
from snncc.compiler.pipeline import float_passes, integer_passes
from snncc.compiler.quantize.quantize import Quantize
from snncc.compiler.targets import target_names
from snncc.compiler.targets.schema import RULES
from snncc.compiler.targets.sheet import read_sheet
from snncc.compiler.targets.target import PRICED
from snncc.targets_command import key_of, meanings, memory, summaries, told, unit_of

ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(r"(<!-- begin generated: ([a-z-]+) -->\n).*?(<!-- end generated -->)", re.DOTALL)
MEASURED = re.compile(r"(<!-- begin measured: ([a-z-]+) -->\n).*?(<!-- end measured -->)", re.DOTALL)

# Codes from a number on belong to a group.
GROUPS = (
    (0, "Text form and structure"), (100, "Importing a model"), (120, "Passes on the float network"),
    (200, "Quantization"), (300, "Programs and their files"), (400, "Data and result files"),
    (500, "Options and names"), (600, "Backends and artifacts"),
    (700, "Targets, placement and cost"), (900, "The command itself"),
)  # fmt: skip

# The backend that docs/add-a-backend.md builds: how the pieces of its module begin, in order.
TOY = ROOT / "tests" / "toy_backend"
TOY_PIECES = {
    "toy-neurons": '"""', "toy-connections": "def population_entry", "toy-runtime": "HEAD =",
    "toy-text": "def program_text", "toy-class": "class ToyBackend",
}  # fmt: skip

LEVELS = (1, 3, 4, 15, 255)  # Q in the table of codings
SHOWN = 15  # Q of the listings

# What each operation of a neuron program gives, as Python; tests/test_docs.py compares it with the emulator.
MEANINGS = {
    "copy": "a", "add": "a + b", "sub": "a - b", "mul": "a * b", "shl": "a << b", "shr": "a >> b", "min": "min(a, b)",
    "max": "max(a, b)", "clip": "min(max(a, b), c)", "ge": "int(a >= b)", "gt": "int(a > b)", "eq": "int(a == b)",
    "lt": "int(a < b)", "select": "b if a != 0 else c",
}  # fmt: skip
NOTES = {
    "shl": "a 2^b", "shr": "floor(a / 2^b), for negative a too", "clip": "a held within b..c",
    "emit": "sends a as the payload of a spike; 0 is no spike",
}  # fmt: skip

# Torch modules and what they are tried on (x: images, s: sequences, v: vectors), then functions and methods.
TORCH_MODULES = {
    "nn.Conv1d": ("nn.Conv1d(4, 4, 3)", "s"), "nn.Conv2d": ("nn.Conv2d(4, 8, 3, padding=1, groups=2)", "x"),
    "nn.Linear": ("nn.Linear(6, 5)", "v"), "nn.BatchNorm1d": ("nn.BatchNorm1d(6)", "v"),
    "nn.BatchNorm2d": ("nn.BatchNorm2d(4)", "x"), "nn.ReLU": ("nn.ReLU()", "x"), "nn.ReLU6": ("nn.ReLU6()", "x"),
    "nn.Hardtanh": ("nn.Hardtanh(0.0, 2.0)", "x"), "nn.MaxPool1d": ("nn.MaxPool1d(2)", "s"),
    "nn.MaxPool2d": ("nn.MaxPool2d(2)", "x"), "nn.AvgPool1d": ("nn.AvgPool1d(2)", "s"),
    "nn.AvgPool2d": ("nn.AvgPool2d(2)", "x"), "nn.AdaptiveAvgPool2d": ("nn.AdaptiveAvgPool2d(1)", "x"),
    "nn.AdaptiveMaxPool2d": ("nn.AdaptiveMaxPool2d(1)", "x"), "nn.ZeroPad2d": ("nn.ZeroPad2d(1)", "x"),
    "nn.Flatten": ("nn.Flatten()", "x"), "nn.Unflatten": ("nn.Unflatten(1, (2, 3))", "v"),
    "nn.Identity": ("nn.Identity()", "x"), "nn.Dropout": ("nn.Dropout()", "x"), "nn.Dropout2d": ("nn.Dropout2d()", "x"),
    "nn.Softmax": ("nn.Softmax(1)", "v"), "nn.LogSoftmax": ("nn.LogSoftmax(1)", "v"),
    "nn.ConvTranspose1d": ("nn.ConvTranspose1d(4, 4, 3, stride=2)", "s"),
    "nn.ConvTranspose2d": ("nn.ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1)", "x"),
    "nn.Upsample": ("nn.Upsample(scale_factor=2)", "x"), "nn.PixelShuffle": ("nn.PixelShuffle(2)", "x"),
    "nn.PixelUnshuffle": ("nn.PixelUnshuffle(2)", "x"), "nn.ChannelShuffle": ("nn.ChannelShuffle(2)", "x"),
    "nn.LeakyReLU": ("nn.LeakyReLU()", "x"), "nn.PReLU": ("nn.PReLU(4)", "x"), "nn.Sigmoid": ("nn.Sigmoid()", "x"),
    "nn.Tanh": ("nn.Tanh()", "x"), "nn.Hardsigmoid": ("nn.Hardsigmoid()", "x"), "nn.ELU": ("nn.ELU()", "x"),
    "nn.CELU": ("nn.CELU()", "x"), "nn.SELU": ("nn.SELU()", "x"), "nn.Softplus": ("nn.Softplus()", "x"),
    "nn.Softsign": ("nn.Softsign()", "x"), "nn.SiLU": ("nn.SiLU()", "x"), "nn.Hardswish": ("nn.Hardswish()", "x"),
    "nn.GELU": ("nn.GELU()", "x"), "nn.Mish": ("nn.Mish()", "x"),
}  # fmt: skip
TORCH_FUNCTIONS = {
    "x + y": "x + x.relu()", "x * constant": "x * 0.5", "x / constant": "x / 4", "x - constant": "x - 1",
    "torch.cat": "torch.cat([x, x], 1)", "torch.relu": "torch.relu(x)",
    "x - y": "x - x.relu()", "torch.clamp(x, low, high)": "torch.clamp(x, -1.0, 2.0)",
    "torch.split": "torch.cat(torch.split(x, 2, 1), 2)", "torch.chunk": "torch.cat(torch.chunk(x, 2, 1), 2)",
    "x[:, a:b:c]": "x[:, 1:4:2]", "x[:, i]": "x[:, 1]", "x * torch.sigmoid(x)": "x * torch.sigmoid(x)",
    "functional.interpolate, nearest": "functional.interpolate(x, scale_factor=2)",
    "functional.relu": "functional.relu(x)", "functional.max_pool2d": "functional.max_pool2d(x, 2)",
    "functional.avg_pool2d": "functional.avg_pool2d(x, 2)",
    "functional.pad with zeros": "functional.pad(x, (1, 1, 1, 1))",
    "x.mean((2, 3))": "x.mean((2, 3))", "x.mean(2)": "x.mean(2)", "x.amax((2, 3))": "x.amax((2, 3))",
    "x.flatten(1)": "x.flatten(1)",
    "x.reshape": "x.reshape(x.size(0), 8, -1)", "x.view": "x.view(x.size(0), -1)", "x.permute": "x.permute(0, 2, 1, 3)",
    "x.transpose": "x.transpose(1, 2)", "x.squeeze": "x.mean((2, 3), keepdim=True).squeeze(-1)",
    "x.unsqueeze": "v.unsqueeze(1)",
}  # fmt: skip


def errors() -> str:
    """Return every diagnostic, in groups."""
    lines: list[str] = []
    groups = list(GROUPS)
    for code, entry in CATALOGUE.items():
        while groups and int(code[3:]) >= groups[0][0]:
            title = groups.pop(0)[1]
        if f"## {title}" not in lines:
            lines += [f"## {title}", ""]
        lines += [f"### {code}: {entry.title}", "", entry.meaning, "", f"*What to do.* {entry.fix}", ""]
    return "\n".join(lines)


def onnx_operators() -> str:
    """Return the table of ONNX operators that the importer converts."""
    rows = [(_code(f"{domain}::{name}" if domain else name), _conversion(f)) for (domain, name), f in CONVERT.items()]
    return _table(("operator", "in which form"), rows)


def operator_names() -> str:
    """Return the names of the ONNX operators that the importer converts, in one sentence."""
    return ", ".join(_code(name) for domain, name in CONVERT if not domain) + ".\n"


def _conversion(convert: Callable[..., object]) -> str:
    """Return what a converting function says that it converts; one that was made by another speaks through it."""
    doc = convert.__doc__
    if doc is None:
        doc = getattr(import_module(convert.__module__), convert.__qualname__.split(".")[0]).__doc__
    first = inspect.cleandoc(doc or "").splitlines()[0]
    return re.sub(r"^(Convert|Return the conversion of) ", "", first).rstrip(".")


def torch_modules() -> str:
    """Return the torch modules and functions that are tried in the tests."""
    names = [", ".join(map(_code, part)) for part in (TORCH_MODULES, TORCH_FUNCTIONS)]
    return f"Modules: {names[0]}.\n\nFunctions and methods: {names[1]}.\n"


def refused_operators() -> str:
    """Return the operators that are refused by name, with the reason and the nearest rewrite."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, said in HINTS.items():
        groups.setdefault(said, []).append(_code(name))
    rows = [(", ".join(names), reason, hint) for (reason, hint), names in groups.items()]
    return _table(("operators and modules", "why not", "nearest rewrite"), rows)


def ir_ops() -> str:
    """Return every op of the graph IR with its equation."""
    return "\n".join(line for op in OPS.values() if op.__module__.startswith("snncc.") for line in _ir_op(op))


def _ir_op(op: type[Op]) -> list[str]:
    stages = ", ".join(stage.value for stage in Stage if op in LEGAL[stage])
    attributes = ", ".join(_code(f"{f.name}: {f.type}") for f in fields(op)) or "none"
    equation = inspect.cleandoc(op.__doc__ or "")
    return [f"### {op.name}", "", "```text", equation, "```", "", f"Legal: {stages}. Attributes: {attributes}.", ""]


def codings() -> str:
    """Return the table of codings."""
    heads = ("coding", *(f"P at Q = {q}" for q in LEVELS), "kernel", "signed levels", "payload bits", "most spikes")
    return _table(heads, map(_coding, CODINGS.values()))


def _coding(coding: Coding) -> tuple[str, ...]:
    shown = Levels(0, SHOWN)
    windows = [str(coding.window(Levels(0, q))) for q in LEVELS]
    most = int(np.count_nonzero(train(coding, np.arange(SHOWN + 1), shown), axis=0).max())
    signed = "yes" if coding.signed else "no"
    return (_code(coding.name), *windows, _code(coding.kernel), signed, str(coding.payload_bits(shown)), str(most))


def coding_words() -> str:
    """Return what each coding says of itself."""
    words = []
    for coding in CODINGS.values():
        summary = inspect.cleandoc(import_module(type(coding).__module__).__doc__ or "").splitlines()[0]
        words += [f"- {_code(coding.name)}. {summary}", *_indented(inspect.cleandoc(type(coding).__doc__ or ""), "  ")]
    return "\n".join(words) + "\n"


def kernels() -> str:
    """Return what receivers do, by kernel."""
    rows = []
    for name, (_, _, code) in KERNELS.items():
        users = ", ".join(_code(c.name) for c in CODINGS.values() if c.kernel == name)
        rows.append((_code(name), "<br>".join(map(_code, code.splitlines())), users))
    return _table(("kernel", "in each step", "codings"), rows)


def instructions() -> str:
    """Return the instruction set of neuron programs."""
    rows = []
    for name, count in neuron.OPERATIONS.items():
        call = _code(" ".join([name, *"abc"[:count]]))
        rows.append((call, _code(MEANINGS[name]) if name in MEANINGS else "", NOTES.get(name, "")))
    return _table(("operation", "gives", ""), rows)


def assembly() -> str:
    """Return what the module of neuron programs says of its language."""
    return inspect.cleandoc(neuron.__doc__ or "").partition("\n\n")[2] + "\n"


def listings() -> str:
    """Return the neuron program of each coding, and that of a ladder."""
    lines: list[str] = []
    for coding in CODINGS.values():
        code = str(firing_neuron(coding, Levels(0, SHOWN), [coding.kernel], 24))
        lines += [f"### {coding.name}", "", "```text", code, "```", ""]
    ladder = ladder_neuron(CODINGS["graded"], Levels(-1, 2), ["add"], 24, first=-1, steps=(1, 1, 1))
    return "\n".join([*lines, "### A ladder, graded", "", "```text", str(ladder), "```", ""])


def target_keys() -> str:
    """Return what each figure of a target file is."""
    words = meanings()
    rows = [(_code(path), RULES[path].unit, _escaped(words[key_of(path)])) for path in RULES]
    prices = [f"tables.NAME.{part}.{key}" for part in ("energy", "time") for key in PRICED]
    others = ["tables.NAME.barrier.TILES", "tables.NAME.static_watts"]
    for path in (*prices, *others):
        rows.append((_code(path), unit_of(path.replace("TILES", "1")), _escaped(words[key_of(path)])))
    return _table(("key", "unit", "what it is"), rows)


def targets() -> str:
    """Return every target in a line, then every figure with its source; of a board what its own file says."""
    rows = [
        (
            f"[{one['name']}](#{one['name']})", str(one["chips"]), str(one["cores"]), str(one["neurons_a_core"] or "-"),
            memory(one), ", ".join(map(_code, one["codings"])), ", ".join(map(_code, one["cost_tables"])) or "-",
        )
        for one in summaries()
    ]  # fmt: skip
    heads = ("target", "chips", "cores", "neurons a core", "synapse memory a core", "codings", "costs")
    return "\n".join([_table(heads, rows), *(line for name in target_names() for line in _target(name))])


def _target(name: str) -> list[str]:
    text = resources.files("snncc.compiler.targets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    sheet = read_sheet(text, f"{name}.toml")
    chip = sheet.texts.get("chip", "")
    rest = f" Everything else is as in [{chip}](#{chip})." if chip else ""
    figures = [
        (_code(path), told(f.value), _code(f.source) if f.source else "", _escaped(f.note))
        for path, f in sheet.figures.items()
    ]
    lines = [f"### {name}", "", f"{sheet.texts['description']}.{rest}", ""]
    lines += [_table(("figure", "value", "source", "as the source has it, or why it is absent"), figures)]
    for path, words in sheet.texts.items():
        if path.startswith("tables."):
            lines += [f"Table {_code(path.split('.')[1])}: {_escaped(words)}.", ""]
    if sheet.dominated:
        pairs = (f"{worse} by {_code(better)}" for worse, better in sheet.dominated.items())
        lines += [f"Dominated codings: {', '.join(pairs)}.", ""]
    return [*lines, "Sources:", "", *(f"- {_code(key)}: {_escaped(words)}" for key, words in sheet.sources.items()), ""]


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")


def passes() -> str:
    """Return the passes in the order in which they run."""
    chosen = make_options(coding="rate")
    rows = []
    for step in (*float_passes(chosen, {}), Quantize, *integer_passes(chosen, frozenset())):
        doc = inspect.cleandoc((step if isinstance(step, type) else type(step)).__doc__ or "").partition("\n\n")[0]
        rows.append((_code(step.name), f"{step.takes.value} → {step.gives.value}", " ".join(doc.split())))
    return _table(("pass", "stage", "what it does"), rows)


def members() -> str:
    """Return the members of a .snnp file."""
    doc = inspect.cleandoc(container.__doc__ or "").partition("\n\n")[2]
    rows = re.findall(r"^- (\S+): (.+)$", doc, re.MULTILINE)
    return _table(("member", "holds"), ((_code(name), text) for name, text in rows))


def conformance() -> str:
    """Return which case of the conformance kit which backend of ours takes."""
    heads = ("case", "shows", *map(_code, BUNDLED))
    rows = support(get_backend(name) for name in BUNDLED)
    return _table(heads, ((_code(name), about, *taken) for name, about, *taken in rows))


def support_matrix() -> str:
    """Return what became of every case of tests/support_cases.py, for each target and coding."""
    found, lines = _support(), list[str]()
    for target in dict.fromkeys(on for _, on in found):
        by_case = {case: said.by_coding for (case, on), said in found.items() if on == target}
        heads = ("operator", *map(_code, next(iter(by_case.values()))))
        lines += [f"## {target}", "", _table(heads, [(case.title, *said.values()) for case, said in by_case.items()])]
    return "\n".join(lines)


def curves() -> str:
    """Return which activations become which neurons."""
    neurons: dict[str, list[str]] = {}
    for (case, target), said in _support().items():
        if target == "loihi2" and case in import_module("tests.support_cases").CURVES:
            neurons.setdefault(said.neuron, []).append(f"{_code(case.operator)} {case.form}".rstrip())
    return _table(
        ("neuron", "activations"), ((_code(name), ", ".join(dict.fromkeys(n))) for name, n in neurons.items())
    )


def _support() -> dict[Any, Any]:
    """Return what tests/support.py finds; half a minute, once."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    found: dict[Any, Any] = import_module("tests.support").support()
    return found


def toy_package() -> str:
    """Return the toy backend's pyproject.toml."""
    return _fenced("toml", (TOY / "pyproject.toml").read_text(encoding="utf-8"))


def toy_module(piece: str) -> str:
    """Return a piece of the toy backend's module."""
    text = (TOY / "snncc_toy.py").read_text(encoding="utf-8")
    begins = [text.index(begin) for begin in TOY_PIECES.values()]
    number = [*TOY_PIECES].index(piece)
    return _fenced("python", text[begins[number] : [*begins, len(text)][number + 1]])


def demo() -> str:
    """Return what the demonstration prints."""
    from snncc.demonstration import demonstrate
    from snncc.show import demonstrated

    os.environ["COLUMNS"] = "100"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        demonstrated(demonstrate(100, lambda what, done, total: None), False)
    lines = (line.rstrip() for line in printed.getvalue().splitlines())
    return "\n".join(["```text", *lines, "```"]) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "assembly": assembly, "coding-words": coding_words, "codings": codings, "conformance": conformance,
    "errors": errors,
    "instructions": instructions, "ir-ops": ir_ops, "kernels": kernels, "listings": listings, "members": members,
    "curves": curves, "onnx-operators": onnx_operators, "operator-names": operator_names, "passes": passes,
    "refused-operators": refused_operators, "support-matrix": support_matrix, "targets": targets,
    "target-keys": target_keys,
    "torch-modules": torch_modules, "toy-package": toy_package,
    **{piece: partial(toy_module, piece) for piece in TOY_PIECES},
}  # fmt: skip
SLOW = ("curves", "support-matrix")  # tests/test_support.py compares them row by row
MEASUREMENTS: dict[str, Callable[[], str]] = {"demo": demo}


def _code(text: str) -> str:
    return f"`{text}`"


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def _indented(text: str, by: str) -> list[str]:
    return [f"{by}{line}".rstrip() for line in text.splitlines()]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def documents() -> list[Path]:
    """Return every document that may hold generated parts."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def generated(text: str, slow: bool = True) -> str:
    """Return a document with its generated parts made anew; the slow ones may stay as they are."""

    def renewed(part: re.Match[str]) -> str:
        return f"{part[1]}{PARTS[part[2]]().rstrip()}\n{part[3]}" if slow or part[2] not in SLOW else part[0]

    return PART.sub(renewed, text)


def measured(text: str) -> str:
    """Return a document with its measured parts made anew."""
    return MEASURED.sub(lambda part: f"{part[1]}{MEASUREMENTS[part[2]]().rstrip()}\n{part[3]}", text)


def main() -> int:
    """Write the documents, or check them; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documents.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a document is out of date")
    parser.add_argument("--measure", action="store_true", help="renew what commands printed, too")
    options = parser.parse_args()
    stale = 0
    for path in documents():
        before = path.read_text(encoding="utf-8")
        after = generated(measured(before) if options.measure else before)
        if after != before:
            stale += 1
            _renew(path, after, options.check)
    return int(options.check and stale > 0)


def _renew(path: Path, text: str, check: bool) -> None:
    done = "out of date, run python docs/generate.py" if check else "written"
    sys.stdout.write(f"{path.relative_to(ROOT)}: {done}\n")
    if not check:
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
