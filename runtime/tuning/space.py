"""What the search may choose for a layer."""

from __future__ import annotations

MOST_LEVELS = 255
LEVELS = (1, 2, 3, 4, 5, 7, 9, 11, 15, 23, 31, 63, 127, 255)
SCALES = ("mse", "percentile:99.9", "percentile:99.99", "kl", "max")
ZEROS = tuple(number / 20 for number in range(1, 20))  # shares of weights that are zero
ROUNDINGS = ("nearest", "adaptive", *(f"adaptive:{share:g}" for share in ZEROS))


def zeros_of(rounding: str) -> float:
    """Return the share of weights that a rounding makes zero."""
    return float(rounding.partition(":")[2] or 0)


def with_zeros(share: float) -> str:
    """Return the adaptive rounding that makes about a share of the weights zero."""
    nearest = round(share * 20)
    return "adaptive" if nearest < 1 else ROUNDINGS[1 + min(nearest, len(ZEROS))]
