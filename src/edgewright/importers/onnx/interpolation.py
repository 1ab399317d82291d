"""Where the points of a resized axis lie in the original, and with which weights they mix it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgewright.graph import Array

COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "asymmetric",
    "align_corners",
    "tf_half_pixel_for_nn",
)


@dataclass(frozen=True)
class Options:
    """How an axis is interpolated."""

    mode: str
    coordinate: str
    rounding: str
    cubic: float
    exclude_outside: bool
    antialias: bool


def position(index: int, have: int, want: int, scale: float, coordinate: str) -> float:
    """The place of one point of the result on the original axis, in float32 steps."""
    f = np.float32
    i, s = f(index), f(scale)
    if coordinate == "align_corners":
        last = have * scale - 1  # of the result before its size is rounded
        return float(i * f(have - 1) / f(last)) if last > 0 else 0.0
    if coordinate == "asymmetric":
        return float(i / s)
    if coordinate == "pytorch_half_pixel" and want == 1:
        return 0.0
    if coordinate == "tf_half_pixel_for_nn":
        return float((i + f(0.5)) / s)
    place = float((i + f(0.5)) / s - f(0.5))
    if coordinate == "half_pixel_symmetric":
        return have / 2 * (1 - want / (scale * have)) + place
    return place


def nearest(have: int, want: int, scale: float, options: Options) -> Array:
    """int64 [want]: the index that each point takes."""
    rounding = {
        "round_prefer_floor": lambda x: math.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: math.floor(x + 0.5),
        "floor": math.floor,
        "ceil": math.ceil,
    }[options.rounding]
    places = [position(i, have, want, scale, options.coordinate) for i in range(want)]
    return np.array([min(max(rounding(p), 0), have - 1) for p in places], np.int64)


def matrix(have: int, want: int, scale: float, options: Options) -> Array:
    """float32 [want, have]: the weight of each element in each point of the result."""
    weights = np.zeros((want, have))
    for row in range(want):
        place = position(row, have, want, scale, options.coordinate)
        _mix(weights[row], place, min(scale, 1.0) if options.antialias else 1.0, options)
    return weights.astype(np.float32)


def _mix(row: Array, place: float, shrink: float, options: Options) -> None:
    """Add the weights of the neighbours of one place; those outside count for the border."""
    reach = (1 if options.mode == "linear" else 2) / shrink
    first, last = math.floor(place - reach) + 1, math.ceil(place + reach) - 1
    total = 0.0
    for index in range(first, last + 1):
        weight = _kernel((index - place) * shrink, options)
        inside = 0 <= index < len(row)
        if inside or not options.exclude_outside:
            row[min(max(index, 0), len(row) - 1)] += weight
            total += weight
    if total:
        row /= total


def _kernel(x: float, options: Options) -> float:
    """The weight of a neighbour at distance x: a tent, or Keys' cubic with parameter a."""
    x, a = abs(x), options.cubic
    if options.mode == "linear":
        return max(1.0 - x, 0.0)
    if x <= 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a if x < 2 else 0.0
