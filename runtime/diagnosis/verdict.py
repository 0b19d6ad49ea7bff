"""The verdict in plain language."""

from __future__ import annotations

from collections.abc import Sequence

from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.findings import Finding
from snncc.runtime.diagnosis.scoring import CHANGED, POINTS, Loss

QUIET = 0.05  # points: a loss below is called none even where it is certain


def verdict(total: Loss, real: float | None, shown: float | None, samples: int, found: Sequence[Finding]) -> str:
    """Return two or three sentences: what is lost, to what above all, and what to do."""
    sentences = [_lost(total, real, shown, samples)]
    if found:
        first = found[0]
        sentences.append(_first(first, found, total))
        needed = total.significant or not first.measured
        sentences.append(f"To do: {first.knob}." if needed else f"Nothing needs to be done; less noise: {first.knob}.")
    return " ".join(sentences)


def _lost(total: Loss, real: float | None, shown: float | None, samples: int) -> str:
    between = f"95% interval {total.low:.2f} to {total.high:.2f}"
    if total.measure == POINTS:
        scores = f"float {100 * (real or 0):.2f}%, integer {100 * (shown or 0):.2f}% on {samples} samples"
        if total.significant:
            return f"Quantization costs {total.value:.2f} points ({between}): {scores}."
        return f"No loss can be told ({total.value:.2f} points, {between}): {scores}."
    if total.measure == CHANGED:
        return f"Quantization changes {total.value:.2f}% of the predictions ({between}) on {samples} samples."
    if total.significant and total.value > QUIET:
        return f"Quantization makes the mean error grow by {total.value:.2f}% of the mean output ({between})."
    return f"Next to no loss: the mean error grows by {total.value:.2f}% of the mean output ({between})."


def _first(first: Finding, found: Sequence[Finding], total: Loss) -> str:
    if not first.measured:
        lies = "in the data" if first.cause in _DATA else f"in '{first.layer}' ({first.module})"
        return f"First to look at: {first.cause} {lies}: {first.evidence}."
    share = f"{100 * (first.share or 0):.0f}% of the noise"
    largest = max((finding for finding in found if finding.measured), key=lambda finding: finding.share or 0)
    if largest is not first:
        most = "What stands out"
        share += f" (most, {100 * (largest.share or 0):.0f}%, is {largest.cause} in '{largest.layer}')"
    elif total.significant:
        most = "Most of it" if (first.share or 0) > 0.5 else "The largest part"
    else:
        most = "What adds most noise"
    return f"{most} is {first.cause} in '{first.layer}' ({first.module}), {share}: {first.evidence}."


_DATA = (
    causes.INPUT_SCALE,
    causes.CALIBRATION_SIZE,
    causes.CALIBRATION_CLASSES,
    causes.CALIBRATION_CONSTANT,
    causes.DATA_LAYOUT,
    causes.LABELS,
    causes.FLOAT_NETWORK,
)
