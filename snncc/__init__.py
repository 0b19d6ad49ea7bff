"""snncc: compile conventionally trained neural networks to spiking neuromorphic chips, exactly.

import snncc
program = snncc.compile("net.onnx", calibration=x, target="loihi2")
report = snncc.verify(program, x_test, y_test)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "compile": "snncc.api",
    "cost": "snncc.analysis",
    "diagnose": "snncc.analysis",
    "emit": "snncc.api",
    "export_sanafe": "snncc.analysis",
    "fit": "snncc.api",
    "finetune": "snncc.finetuning.finetune",
    "import_model": "snncc.api",
    "load": "snncc.api",
    "place": "snncc.api",
    "run": "snncc.api",
    "tune": "snncc.analysis",
    "verify": "snncc.api",
    "Graph": "snncc.compiler.ir",
    "Program": "snncc.compiler.program",
    "Fit": "snncc.compiler.placement.fit",
    "CostReport": "snncc.runtime.cost.report",
    "Report": "snncc.runtime.report",
    "Diagnosis": "snncc.runtime.diagnosis.findings",
    "Diagnostic": "snncc.compiler.diagnostics",
    "InternalError": "snncc.compiler.diagnostics",
    "SnnccError": "snncc.compiler.diagnostics",
}
__all__ = [
    "CostReport",
    "Diagnosis",
    "Diagnostic",
    "Fit",
    "Graph",
    "InternalError",
    "Program",
    "Report",
    "SnnccError",
    "compile",
    "cost",
    "diagnose",
    "emit",
    "export_sanafe",
    "finetune",
    "fit",
    "import_model",
    "load",
    "place",
    "run",
    "tune",
    "verify",
]

if TYPE_CHECKING:
    from snncc.analysis import cost, diagnose, export_sanafe, tune
    from snncc.api import compile, emit, fit, import_model, load, place, run, verify
    from snncc.compiler.diagnostics import Diagnostic, InternalError, SnnccError
    from snncc.compiler.ir import Graph
    from snncc.compiler.placement.fit import Fit
    from snncc.compiler.program import Program
    from snncc.finetuning.finetune import finetune
    from snncc.runtime.cost.report import CostReport
    from snncc.runtime.diagnosis.findings import Diagnosis
    from snncc.runtime.report import Report


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``snncc --help`` starts at once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'snncc' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
