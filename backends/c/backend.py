"""The backend ``c``: a self-contained C99 program that steps the network, event-driven, in integers alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from snncc.backends.base import Backend
from snncc.backends.c.build import missing_compiler
from snncc.backends.c.emit_header import emit_header
from snncc.backends.c.emit_net import emit_net, template
from snncc.backends.c.engine import trace
from snncc.backends.c.limits import check
from snncc.backends.c.plan import Plan, plan_of
from snncc.backends.c.readme import emit_readme
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Trace

HOST = ("1_head", "2_samples", "3_events", "4_trace", "5_weights", "6_golden", "7_main")


class CBackend(Backend):
    """Self-contained C99 without heap or floating point, for microcontrollers and as a fast engine."""

    name: ClassVar[str] = "c"
    about: ClassVar[str] = "self-contained C99, integers only, event-driven; runs on any processor"

    def check(self, program: Program) -> list[Diagnostic]:
        """Return what the program needs that C has no room for."""
        return check(program)

    def emit(self, program: Program, folder: Path) -> Mapping[str, Any]:
        """Write snncc_net.h, snncc_net.c, main.c, weights.txt, selftest.sh and README.md."""
        plan = plan_of(program)
        texts = {
            "snncc_net.h": emit_header(plan),
            "snncc_net.c": emit_net(plan),
            "main.c": "\n".join(template(f"main_{part}.c") for part in HOST),
            "weights.txt": _weights(plan),
            "selftest.sh": template("selftest.sh"),
            "README.md": emit_readme(plan),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        (folder / "selftest.sh").chmod(0o755)
        return {"flash_bytes": plan.flash_bytes, "ram_bytes": plan.ram_bytes, "weights": plan.weights}

    def run(self, artifact: Path, feed: Feed) -> Trace:
        """Compile the artifact, if that has not been done before, and run it."""
        return trace(artifact, feed)

    def missing(self) -> str:
        """Return that there is no C compiler, if so."""
        return missing_compiler()


def _weights(plan: Plan) -> str:
    """Return weights.txt: the checksum of every constant array, and whose it is."""
    arrays = list(plan.arrays)
    lines = ["snncc-weights 1", f"arrays {len(arrays)}", *(array.describe(k) for k, array in enumerate(arrays))]
    return "\n".join(lines) + "\n"
