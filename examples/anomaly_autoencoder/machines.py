"""Make synthetic sounds of machines, as log mel spectra of five frames: 640 numbers, most of them negative.

A machine hums at a rotation rate and its multiples, rattles in bands that swell and fade, and stands in noise. An
anomalous one has in addition a whistle, clicks, or a band that is missing. Nothing is recorded; spectra are drawn frame
by frame, each band's power with the spread that noise has (a gamma variate of the band's degrees of freedom).
"""

from __future__ import annotations

import numpy as np

Floats = np.ndarray

FRAMES, BANDS = 5, 128  # MLPerf Tiny: five frames of 128 log mel energies make one input
DECIMALS = 2  # of the values; fewer make smaller files
SPREAD = 6.0  # shape of the gamma variate
QUIET = 1e-3
FAULTS = ("whistle", "clicks", "silence")


def normal(count: int, rng: np.random.Generator) -> Floats:
    """Return inputs from sound machines, float32 [count, 640], frame by frame, log10 of power."""
    return _logarithms(np.stack([_machine(rng) for _ in range(count)]), rng)


def anomalous(count: int, rng: np.random.Generator) -> Floats:
    """Return inputs from faulty machines, float32 [count, 640]; each fault as often as the others."""
    spectra = [_faulty(_machine(rng), FAULTS[index % len(FAULTS)], rng) for index in range(count)]
    return _logarithms(np.stack(spectra), rng)


def _logarithms(spectra: Floats, rng: np.random.Generator) -> Floats:
    spread = spectra * rng.gamma(SPREAD, 1 / SPREAD, size=spectra.shape)
    return np.round(np.log10(spread), DECIMALS).astype(np.float32).reshape(len(spectra), -1)


def _bump(centre: Floats | float, width: float) -> Floats:
    """Return bells over the bands, float64 [..., 128]."""
    return np.exp(-0.5 * ((np.arange(BANDS) - np.asarray(centre)[..., None]) / width) ** 2)


def _machine(rng: np.random.Generator) -> Floats:
    """Return the mean power of one machine, float64 [5, 128]."""
    rate, load = rng.uniform(8, 14), rng.uniform(0.3, 1.5)
    time = np.arange(FRAMES)
    hum = sum(load * 0.7**k * _bump(rate * k, 1.2) for k in range(1, 8))
    swell = 1 + 0.8 * np.sin(2 * np.pi * (rng.uniform() + time * rate / 60))
    rattle = 0.15 * load * swell[:, None] * _bump(70 + 2 * rate * load, 9)
    noise = QUIET * 10 ** rng.uniform(0, 1) * np.exp(-np.arange(BANDS) / 60)
    return hum + rattle + noise + QUIET


def _faulty(spectra: Floats, fault: str, rng: np.random.Generator) -> Floats:
    if fault == "whistle":
        return spectra + rng.uniform(0.03, 0.5) * _bump(rng.uniform(40, 120) + np.arange(FRAMES), 1.5)
    if fault == "clicks":
        return spectra + rng.uniform(0.03, 0.3) * (np.arange(FRAMES) == rng.integers(FRAMES))[:, None]
    return spectra * (1 - rng.uniform(0.8, 0.98) * _bump(rng.uniform(10, 90), 8)) + QUIET / 10
