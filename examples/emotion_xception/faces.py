"""Draw grey faces: heads of many shapes, eyes, brows, noses and mouths, lit from one side, blurred and noisy."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

Floats = np.ndarray

SIDE = 64
EDGE = 0.06  # over how much of the half-width an edge fades


def faces(count: int, rng: np.random.Generator) -> Floats:
    """Return faces as the package fer presents them: float32 [count, 1, 64, 64], (grey / 255 - 0.5) * 2."""
    grey = np.stack([face(rng) for _ in range(count)])
    levels = np.rint(255 * np.clip(grey, 0, 1)).astype(np.float32)
    return ((levels / np.float32(255) - np.float32(0.5)) * np.float32(2))[:, None]


def face(rng: np.random.Generator) -> Floats:
    """Return one face, float64 [64, 64] about 0..1."""
    across, down = _coordinates(rng)
    skin, light = rng.uniform(0.4, 0.85), rng.uniform(-0.2, 0.2)
    image = np.full((SIDE, SIDE), rng.uniform(0.1, 0.9)) + 0.1 * rng.normal() * down
    hair = skin * rng.uniform(0.1, 0.9)
    image = _paint(image, _disc(across, down, 0, -0.15, rng.uniform(0.85, 1.0), 1.0), hair)
    shade = skin * (1 + light * across - 0.15 * (across**2 + down**2))
    image = _paint(image, _disc(across, down, 0, 0.1, rng.uniform(0.68, 0.82), rng.uniform(0.85, 1.0)), shade)
    image = _eyes(image, across, down, skin, rng)
    image = _nose(image, across, down, skin, rng)
    image = _mouth(image, across, down, skin, rng)
    return gaussian_filter(image, rng.uniform(0.4, 1.0)) + rng.normal(scale=rng.uniform(0, 0.01), size=image.shape)


def _coordinates(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return each pixel's place across and down, about -1..1, turned, moved and stretched a little."""
    down, across = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    angle, size = rng.normal(scale=0.08), rng.uniform(0.7, 0.95)
    turned = np.cos(angle) * across + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * across
    return turned[0] * size + 0.05 * rng.normal(), turned[1] * size + 0.05 * rng.normal()


def _disc(across: Floats, down: Floats, x: float, y: float, width: float, height: float) -> Floats:
    """Return how much of each pixel an ellipse covers, 0..1."""
    radius = np.hypot((across - x) / width, (down - y) / height)
    return np.clip((1 - radius) / EDGE * min(width, height) * 2, 0, 1)


def _paint(image: Floats, cover: Floats, tone: Floats | float) -> Floats:
    return image * (1 - cover) + tone * cover


def _eyes(image: Floats, across: Floats, down: Floats, skin: float, rng: np.random.Generator) -> Floats:
    """Draw two eyes with pupils, and brows that rise or fall towards the nose."""
    apart, height, opening = rng.uniform(0.3, 0.4), rng.uniform(-0.25, -0.1), rng.uniform(0.02, 0.09)
    slope, lift, dark = 0.35 * rng.normal(), rng.uniform(0.1, 0.22), skin * rng.uniform(0.15, 0.6)
    for side in (-1, 1):
        place = side * apart
        image = _paint(image, 0.5 * _disc(across, down, place, height, 0.22, 0.16), skin * 0.75)
        image = _paint(image, _disc(across, down, place, height, 0.15, opening), min(1.0, skin * 1.15))
        image = _paint(image, _disc(across, down, place, height, 0.07, min(0.08, opening)), 0.08)
        brow = down - side * slope * (across - place)
        image = _paint(image, _disc(across, brow, place, height - lift, 0.2, 0.045), dark)
    return image


def _nose(image: Floats, across: Floats, down: Floats, skin: float, rng: np.random.Generator) -> Floats:
    """Draw a ridge that is lit and a shadow below it."""
    end = rng.uniform(0.15, 0.28)
    image = _paint(image, 0.3 * _disc(across, down, 0, 0.05, 0.08, 0.3), min(1.0, skin * 1.2))
    return _paint(image, 0.6 * _disc(across, down, 0, end, 0.13, 0.05), skin * 0.6)


def _mouth(image: Floats, across: Floats, down: Floats, skin: float, rng: np.random.Generator) -> Floats:
    """Draw a mouth that bends up or down, closed or open, with teeth in some."""
    place, width, opening = rng.uniform(0.45, 0.58), rng.uniform(0.2, 0.38), abs(0.06 * rng.normal())
    bent = down + 0.8 * rng.normal() * across**2
    image = _paint(image, _disc(across, bent, 0, place, width, 0.05 + opening), skin * 0.55)
    inside = 0.95 if rng.random() < 0.4 else 0.1
    return _paint(
        image, _disc(across, bent, 0, place, 0.85 * width, max(opening, 0.012)), inside * min(1.0, 1.2 * skin)
    )
