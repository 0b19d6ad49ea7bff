"""Make synthetic words: voiced formant glides, hisses and pauses in noise, as mel-frequency cepstra [49, 10].

There is no speech in it. A word is a fixed sequence of sounds; utterances differ in pitch, vocal tract, formants,
speed, place, loudness and noise. Spectra are drawn frame by frame: harmonics of the pitch under formant resonances,
each bin's power with the exponential spread that noise has in a periodogram (the squared magnitude of a complex
Gaussian), then mel bands, logarithm and cosine transform.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dct

Floats = np.ndarray

FRAMES, COEFFICIENTS = 49, 10  # MLPerf Tiny: 1 s in windows of 40 ms every 20 ms, 10 coefficients
BANDS, LOWEST, HIGHEST = 40, 20.0, 4000.0
FREQUENCIES = np.arange(25.0, HIGHEST, 25.0)  # of the bins, Hz
WIDTH = 35.0  # of a harmonic's line, Hz
FLOOR = 1e-3
NOISE = (-2.0, -0.1)  # powers of ten of the noise, against sounds of power about 1
DECIMALS = 2  # of the coefficients; fewer make smaller files

# first three formants in Hz, after the vowels of men in Peterson and Barney (1952), table II; rounded
VOWELS = {
    "i": (270, 2290, 3010),
    "e": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
    "r": (490, 1350, 1690),
}
HISSES = {"s": (3600, 700), "f": (2600, 1600), "k": (1500, 700)}  # centre and width of the noise, Hz
WORDS = ("ia", "ai", "ou", "uo", "sa", "as", "fe", "ef", "kik", "uru", "e", "skou")


def words(count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return utterances, float32 [count, 1, 49, 10], and their words, int64 [count], each as often as the others."""
    labels = rng.permutation(np.arange(count) % len(WORDS))
    spectra = np.stack([utterance(WORDS[label], rng) for label in labels])
    return cepstra(spectra)[:, None], labels.astype(np.int64)


def utterance(word: str, rng: np.random.Generator) -> Floats:
    """Return the power spectra of one utterance, float64 [49, bins]."""
    tract, loudness = rng.uniform(0.9, 1.2), 10 ** rng.uniform(-0.5, 0.5)
    lengths = np.rint(rng.uniform(6, 11, size=len(word)) * rng.uniform(0.8, 1.2)).astype(int)
    lengths = np.where([sound in HISSES for sound in word], lengths * 2 // 3, lengths)
    pitch, glide = rng.uniform(90, 230), rng.uniform(-0.25, 0.15)
    begin = int(rng.integers(2, FRAMES - 2 - lengths.sum() + 1)) if lengths.sum() < FRAMES - 4 else 2
    power = np.zeros((FRAMES, len(FREQUENCIES)))
    formants = _glided([VOWELS.get(sound) for sound in word], lengths) * rng.normal(1, 0.06, size=3)
    kinds = np.repeat(list(word), lengths)
    for index, frame in enumerate(range(begin, min(FRAMES, begin + len(kinds)))):
        now = pitch * (1 + glide * index / len(kinds))
        sound = kinds[index]
        power[frame] = _hiss(sound) if sound in HISSES else _voiced(now, formants[index] * tract)
    noise = 10 ** rng.uniform(*NOISE) * (FREQUENCIES / 500) ** rng.uniform(-1.0, 0.3)
    return (loudness * power + noise) * rng.exponential(size=power.shape)


def _glided(targets: list[tuple[int, int, int] | None], lengths: Floats) -> Floats:
    """Return the formants of each frame [frames, 3], gliding from the middle of one vowel to that of the next."""
    ends = np.cumsum(lengths)
    voiced = [i for i, target in enumerate(targets) if target is not None]
    middles = [ends[i] - lengths[i] / 2 for i in voiced]
    values = np.array([targets[i] for i in voiced], dtype=np.float64)
    return np.stack([np.interp(np.arange(ends[-1]), middles, values[:, k]) for k in range(3)], axis=1)


def _voiced(pitch: float, formants: Floats) -> Floats:
    """Return the power of harmonics under three resonances, falling with frequency."""
    away = np.abs(FREQUENCIES - pitch * np.maximum(1, np.rint(FREQUENCIES / pitch)))
    lines = np.exp(-0.5 * (away / WIDTH) ** 2)
    envelope = sum(1 / (1 + ((FREQUENCIES - formant) / (60 + 0.04 * formant)) ** 2) for formant in formants)
    return lines * (envelope + 0.01) * (500 / (FREQUENCIES + 500))


def _hiss(sound: str) -> Floats:
    centre, width = HISSES[sound]
    return 0.3 * np.exp(-0.5 * ((FREQUENCIES - centre) / width) ** 2)


def cepstra(spectra: Floats) -> Floats:
    """Return the first 10 coefficients of the orthonormal cosine transform of log mel bands, float32 [..., 49, 10]."""
    bands = np.log(spectra @ mel_bands().T + FLOOR)
    return np.round(dct(bands, norm="ortho", axis=-1)[..., :COEFFICIENTS], DECIMALS).astype(np.float32)


def mel_bands() -> Floats:
    """Return triangular bands [40, bins], evenly spaced on the scale 2595 log10(1 + f / 700) (O'Shaughnessy, 1987)."""
    most, least = (2595 * np.log10(1 + f / 700) for f in (HIGHEST, LOWEST))
    edges = 700 * (10 ** (np.linspace(least, most, BANDS + 2) / 2595) - 1)
    rising = (FREQUENCIES - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - FREQUENCIES) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(rising, falling), 0, None)
