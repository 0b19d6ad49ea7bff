"""A network that was hurt on purpose: the first finding names the right layer and the right cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import snncc
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.findings import Diagnosis
from tests.runtime.diagnosis import planted
from tests.runtime.diagnosis.planted import Hurt, example

SAMPLES = 200
FIRES = {"vowels_cnn": ["relu", "relu_1"], "motions_cnn": ["relu", "relu_1", "relu_2"], "mnist_cnn": ["relu", "relu_1"]}
NETWORK: list[tuple[Callable[[Hurt, int], None], str]] = [
    (planted.channel_scaled, causes.CHANNEL_SCALE),
    (planted.weight_outlier, causes.WEIGHT_OUTLIER),
    (planted.norm_perturbed, causes.BATCH_NORM),
    (planted.norm_never_updated, causes.BATCH_NORM),
    (planted.layer_dead, causes.DEAD_LAYER),
    (planted.channels_dead, causes.DEAD_CHANNELS),
    (planted.bias_outlier, causes.BIAS_OUTLIER),
]
OPTIONS: list[tuple[Callable[[Hurt, str], None], str]] = [
    (planted.clipped, causes.CLIPPING),
    (planted.few_levels, causes.LEVEL_ROUNDING),
    (planted.few_weight_bits, causes.WEIGHT_ROUNDING),
]
DATA: list[tuple[Callable[[Hurt], None], str, str]] = [
    (planted.calibrated_on_another_scale, "input.levels", causes.INPUT_SCALE),
    (planted.calibrated_on_small_values, "input.levels", causes.INPUT_SCALE),
    (planted.all_data_on_another_scale, "input.levels", causes.INPUT_SCALE),
    (planted.calibrated_on_a_handful, "input.levels", causes.CALIBRATION_SIZE),
    (planted.calibrated_on_one_class, "input.levels", causes.CALIBRATION_CLASSES),
    (planted.calibrated_on_a_constant, "input.levels", causes.CALIBRATION_CONSTANT),
    (planted.labels_off_by_one, "y", causes.LABELS),
    (planted.labels_shuffled, "y", causes.LABELS),
    (planted.channels_last, "input.levels", causes.DATA_LAYOUT),
]


def diagnosed(name: str, hurt: Callable[[Hurt], None]) -> Diagnosis:
    case = example(name)
    hurt(case)
    options: dict[str, Any] = case.options
    return snncc.diagnose(case.model, case.test["x"], case.test["y"], case.calibration, limit=SAMPLES, **options)


def _first(name: str, hurt: Callable[[Hurt], None]) -> tuple[str, str]:
    found = diagnosed(name, hurt)
    first = found.findings[0]
    assert first.evidence in found.verdict
    assert first.knob in found.verdict
    return first.layer, first.cause


@pytest.mark.parametrize(("hurt", "cause"), NETWORK, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(("name", "layer"), [("vowels_cnn", 1), ("motions_cnn", 0)])
def test_damage_in_the_network_is_named(name: str, layer: int, hurt: Callable[[Hurt, int], None], cause: str) -> None:
    assert _first(name, lambda case: hurt(case, layer)) == (FIRES[name][layer], cause)


@pytest.mark.parametrize(("hurt", "cause"), OPTIONS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(("name", "layer"), [("vowels_cnn", "relu"), ("motions_cnn", "relu_1")])
def test_bad_options_for_one_layer_are_named(
    name: str, layer: str, hurt: Callable[[Hurt, str], None], cause: str
) -> None:
    assert _first(name, lambda case: hurt(case, layer)) == (layer, cause)


@pytest.mark.parametrize(("hurt", "layer", "cause"), DATA, ids=lambda value: getattr(value, "__name__", ""))
def test_bad_data_are_named(hurt: Callable[[Hurt], None], layer: str, cause: str) -> None:
    assert _first("vowels_cnn", hurt) == (layer, cause)


@pytest.mark.parametrize("name", ["vowels_cnn", "motions_cnn"])
def test_exchanged_weights_show_in_the_batch_norm_behind_them(name: str) -> None:
    assert _first(name, lambda case: planted.weights_permuted(case, 1)) == (FIRES[name][1], causes.BATCH_NORM)


@pytest.mark.parametrize("name", ["vowels_cnn", "motions_cnn"])
def test_a_layer_that_the_range_proof_made_coarser_is_named(name: str) -> None:
    found = diagnosed(name, lambda case: planted.too_many_levels(case, "input.levels"))
    first = found.findings[0]
    assert (first.layer, first.cause, first.knob) == ("relu", causes.RANGE_REPAIR, "--bits 8,input.levels=8")


CAPPED: list[tuple[Callable[[Hurt], None], str]] = [
    (lambda case: planted.channel_scaled(case, 1), causes.CHANNEL_SCALE),
    (lambda case: planted.bias_outlier(case, 1), causes.BIAS_OUTLIER),
    (lambda case: planted.channels_small(case, 1), causes.CHANNEL_SPREAD),
    (lambda case: planted.clipped(case, "relu_1"), causes.CLIPPING),
    (lambda case: planted.few_levels(case, "relu_1"), causes.LEVEL_ROUNDING),
]


@pytest.mark.parametrize(("hurt", "cause"), CAPPED, ids=[cause for _, cause in CAPPED])
def test_damage_is_named_where_activations_are_capped(hurt: Callable[[Hurt], None], cause: str) -> None:
    def both(case: Hurt) -> None:
        planted.capped(case)
        hurt(case)

    assert _first("motions_cnn", both) == ("relu_1", cause)


def test_small_channels_are_no_finding_where_equalizing_takes_them_up() -> None:
    found = diagnosed("motions_cnn", lambda case: planted.channels_small(case, 1))
    assert causes.CHANNEL_SPREAD not in {finding.cause for finding in found.findings}


def test_a_scaled_channel_that_equalizing_absorbs_is_named_and_costs_nothing() -> None:
    found = diagnosed("motions_cnn", lambda case: planted.channel_scaled_and_undone(case, 1))
    assert (found.findings[0].layer, found.findings[0].cause) == ("relu_1", causes.CHANNEL_SCALE)
    assert not found.significant


@pytest.mark.parametrize("name", ["vowels_cnn", "mnist_cnn"])
def test_a_healthy_network_shows_no_sign_of_damage(name: str) -> None:
    found = diagnosed(name, lambda case: None)
    assert all(finding.measured for finding in found.findings)
    assert not found.significant
    assert "No loss can be told" in found.verdict
