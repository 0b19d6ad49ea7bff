"""What verification found: the verdict first, then the evidence; one set of data for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from snncc.runtime.divergence import Divergence


@dataclass(frozen=True)
class LayerReport:
    """A layer's float values against its levels, or an output's against its charges, times their scale.

    They are compared over some of the test inputs. An output that is a small difference of large numbers can be far
    worse than any layer before it.

    Attributes:
        name: node of the network.
        op: operator in the user's model.
        module: torch module path or node name in the user's model.
        levels: greatest level, 0 for an output, which has none.
        scale: real value of one level, of one unit of charge for an output.
        sqnr_db: signal-to-quantization-noise ratio in dB, None where it is not finite.
        cosine: cosine similarity, None where a side is all zero.
        max_error: largest absolute difference.
    """

    name: str
    op: str
    module: str
    levels: int
    scale: float
    sqnr_db: float | None
    cosine: float | None
    max_error: float


@dataclass(frozen=True)
class Report:
    """The result of ``verify``.

    Attributes:
        exact: no spike and no membrane differed, on data or witnesses, and both integer executors agreed.
        mismatches: differing (sample, population, neuron, step), spike or membrane.
        samples_stepped: data samples stepped by the emulator.
        witnesses: generated inputs stepped beside them.
        witness_ties: rounding ties the witnesses cause.
        executor_mismatches: output values on which the fast and the plain integer executor differ.
        samples: data samples in all.
        float_accuracy: top-1 of the float network, 0..1, None without class labels.
        integer_accuracy: top-1 of the integer network, 0..1, None without class labels.
        agreement: share of samples on which both predict the same class, None where the output is no class score.
        float_mae: mean absolute error of the float network against y, None without target values.
        integer_mae: the same of the integer network.
        float_psnr_db: peak signal-to-noise ratio against y.
        integer_psnr_db: the same of the integer network.
        output_mae: mean absolute difference of float and integer outputs, in real units; of the first output.
        coding: coding of the activations.
        bits: n where levels = 2^n - 1 were asked for as bits, else None.
        levels: Q, the greatest level.
        window_steps: longest window (max P), in steps.
        latency_steps: steps from the first input spike to the first read of the last output.
        initiation_interval: steps between samples.
        spikes_per_inference: mean, input events included.
        synops_per_inference: mean number of nonzero weights met by spikes, input events included.
        payload_bits_per_inference: mean of spikes times payload width.
        steps_per_second: timesteps (of one stream) the emulator stepped a second, comparison included.
        clipped_inputs: input values outside the calibrated range, by more than half a level.
        layers: per-layer comparison.
        spikes: mean spikes an inference by population.
        first_divergence: where the program first leaves the integer network, None if it does not.
        notes: what the compiler reported.
        device: backend whose artifact was run, too; None if none was.
        device_samples: samples and witnesses run on it.
        device_steps: timesteps run on it, 0 for one that gives levels.
        device_mismatches: differing spikes, membranes or levels.
        output_maes: ``output_mae`` of every output, by name.
        board: target that the program is placed on; empty where it is not placed.
        placed_samples: samples on which the slices of a placed program were stepped, too.
        placed_mismatches: spikes or membranes in which the slices differ from the program as a whole.
    """

    exact: bool
    mismatches: int
    samples_stepped: int
    witnesses: int
    witness_ties: int
    executor_mismatches: int
    samples: int
    float_accuracy: float | None
    integer_accuracy: float | None
    agreement: float | None
    float_mae: float | None
    integer_mae: float | None
    float_psnr_db: float | None
    integer_psnr_db: float | None
    output_mae: float
    coding: str
    bits: int | None
    levels: int
    window_steps: int
    latency_steps: int
    initiation_interval: int
    spikes_per_inference: float
    synops_per_inference: float
    payload_bits_per_inference: float
    steps_per_second: float
    clipped_inputs: int
    layers: tuple[LayerReport, ...]
    spikes: Mapping[str, float]
    first_divergence: Divergence | None
    notes: tuple[str, ...]
    device: str | None = None
    device_samples: int = 0
    device_steps: int = 0
    device_mismatches: int = 0
    output_maes: Mapping[str, float] = field(default_factory=dict)
    board: str = ""
    placed_samples: int = 0
    placed_mismatches: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)

    @property
    def verdict(self) -> str:
        """Return the verdict in one sentence."""
        tried = f"{self.samples_stepped} samples and {self.witnesses} witnesses"
        what = "every spike and membrane"
        if self.device is not None:
            what += (
                f", and every {'spike and membrane' if self.device_steps else 'level'} of the {self.device} artifact,"
            )
        if self.exact:
            return f"EXACT: {what} equals the integer network's on {tried}"
        wrong = f"NOT EXACT: {self.mismatches} spikes or membranes differ on {tried}"
        wrong += f", {self.device_mismatches} on {self.device}" if self.device is not None else ""
        return wrong + (f", {self.placed_mismatches} between slices and whole" if self.placed_mismatches else "")
