"""What a diagnosis says: findings, worst first, with figures, evidence and what to do; the verdict before them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One cause in one layer.

    Attributes:
        layer: node of the integer network; or the input, or ``y``, where it lies in the data.
        module: torch module path, or node name, in the user's model.
        loc: place in the user's model.
        cause: a key of ``causes.CAUSES``.
        measured: whether quantization causes it, so that it was switched on alone and measured; else it is a sign of
            damage in the float network or the data.
        local_sqnr_db: signal-to-quantization-noise ratio in the layer, only this cause on; None where none was measured
            or it is not finite.
        sqnr_db: the same at the network's output.
        points: lost by it alone, see ``Diagnosis.measure``; None where not measured.
        points_low: lower end of the 95% interval.
        points_high: upper end.
        cumulative_points: lost by it and all before it in data-flow order.
        cumulative_sqnr_db: at the output, of it and all before it.
        share: of the noise that all causes make at the output, each alone, 0..1.
        screened: whether it was so small that it ran on a few samples only.
        evidence: one sentence.
        knob: what to do; options of ``snncc compile`` where there are any.
    """

    layer: str
    module: str
    loc: str
    cause: str
    measured: bool
    local_sqnr_db: float | None
    sqnr_db: float | None
    points: float | None
    points_low: float | None
    points_high: float | None
    cumulative_points: float | None
    cumulative_sqnr_db: float | None
    share: float | None
    screened: bool
    evidence: str
    knob: str


@dataclass(frozen=True)
class Diagnosis:
    """The result of ``diagnose``.

    Attributes:
        verdict: plain language: what is lost, where most of it goes, what to do first.
        measure: what points are: ``points``, accuracy in percentage points; ``changed``, percent of predictions that
            changed (no labels); ``error``, growth of the mean absolute error in percent of the mean absolute output.
        samples: test samples.
        float_score: accuracy 0..1 of the float network, or its PSNR in dB; None without labels.
        integer_score: the same of the integer network.
        loss: points lost by the integer network.
        loss_low: lower end of the 95% interval.
        loss_high: upper end.
        significant: whether the interval lies above zero.
        output_sqnr_db: of the integer network's first output.
        findings: what matters, worst first.
        budget: every cause in every layer, in data-flow order.
        notes: what was not run or could not be told, and why.
    """

    verdict: str
    measure: str
    samples: int
    float_score: float | None
    integer_score: float | None
    loss: float
    loss_low: float
    loss_high: float
    significant: bool
    output_sqnr_db: float | None
    findings: tuple[Finding, ...]
    budget: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON values."""
        return asdict(self)
