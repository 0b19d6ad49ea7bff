"""Nearest Resize and Upsample by whole factors: every position is repeated."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor, prod

from snncc.compiler.frontend.onnx_context import Context, Flow, Refusal
from snncc.compiler.ir.view_ops import Upsample

_HALF = Fraction(1, 2)
_REPEAT = "use mode='nearest' with whole factors, which repeats positions, or ConvTranspose"

# Where in the input position y of f n positions lies (Resize-19, coordinate_transformation_mode).
_PLACES: dict[str, Callable[[int, int, int], Fraction]] = {
    "asymmetric": lambda y, f, n: Fraction(y, f),
    "half_pixel": lambda y, f, n: (y + _HALF) / f - _HALF,
    "half_pixel_symmetric": lambda y, f, n: (y + _HALF) / f - _HALF,
    "pytorch_half_pixel": lambda y, f, n: (y + _HALF) / f - _HALF if f * n > 1 else Fraction(0),
    "tf_half_pixel_for_nn": lambda y, f, n: (y + _HALF) / f,
    "align_corners": lambda y, f, n: Fraction(y * (n - 1), f * n - 1) if f * n > 1 else Fraction(0),
}
# Which position of the input is nearest (Resize-19, nearest_mode).
_ROUND: dict[str, Callable[[Fraction], int]] = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda x: ceil(x - _HALF),
    "round_prefer_ceil": lambda x: floor(x + _HALF),
}


def resize(c: Context) -> Flow:
    """Convert Resize and Upsample, mode nearest with whole factors, where they repeat positions evenly."""
    old = c.origin.op == "Upsample"  # states no coordinates: Upsample-9 is y // f
    coordinates = c.text("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    rounding = c.text("nearest_mode", "floor" if old else "round_prefer_floor")
    mode, factors = c.text("mode", "nearest"), _factors(c)
    if prod(factors) == 1 and coordinates in _PLACES:
        return c.flow()
    if mode != "nearest":
        raise Refusal(f"it interpolates (mode '{mode}')", _REPEAT)
    if factors[0] != 1:
        raise Refusal(f"its factors {factors} repeat channels", _REPEAT)
    for size, factor in zip(c.shape()[1:], factors[1:], strict=True):
        _require_even(size, factor, coordinates, rounding)
    return c.emit(Upsample(factors[1:]), c.flow())


def _factors(c: Context) -> tuple[int, ...]:
    """Return by how much each axis of a sample grows.

    Raises:
        Refusal: by no whole number, or the batch axis grows too.
    """
    full = (c.batch, *c.shape())
    axes = [axis % len(full) for axis in c.ints("axes", tuple(range(len(full))))]
    ratios = dict(zip(axes, _ratios(c, [full[axis] for axis in axes]), strict=True))
    factors = [ratios.get(axis, Fraction(1)) for axis in range(len(full))]
    if any(factor.denominator != 1 or factor < 1 for factor in factors) or factors[0] != 1:
        shown = ", ".join(f"{float(factor):g}" for factor in factors)
        raise Refusal(f"its factors [{shown}] are not whole numbers, or repeat samples", _REPEAT)
    return tuple(int(factor) for factor in factors[1:])


def _ratios(c: Context, sizes: list[int]) -> list[Fraction]:
    if c.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refusal("it keeps the aspect ratio, so its factors depend on the sizes", _REPEAT)
    scales = c.array(2, "scales").ravel() if c.value(2) is not None else ()
    if len(scales):
        return [Fraction(float(scale)) for scale in scales]
    return [Fraction(int(want), have) for want, have in zip(c.array(3, "sizes").ravel(), sizes, strict=True)]


def _require_even(size: int, factor: int, coordinates: str, rounding: str) -> None:
    """Raise Refusal unless position y shows y // factor, for every y."""
    if coordinates not in _PLACES or rounding not in _ROUND:
        raise Refusal(f"its coordinates '{coordinates}' with '{rounding}' are not supported", _REPEAT)
    for y in range(size * factor):
        nearest = _ROUND[rounding](_PLACES[coordinates](y, factor, size))
        shown = min(max(nearest, 0), size - 1)
        if shown != y // factor:
            raise Refusal(
                f"with coordinates '{coordinates}' and '{rounding}' it does not repeat positions evenly: position {y} "
                f"shows position {shown}, not {y // factor}",
                "use coordinates 'asymmetric' with 'floor', which torch exports for mode='nearest'",
            )
