"""Bilinear resizing of 8-bit images, channels last, in integers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgewright.ops.integer.fixed_point import Array, Int64


class Axis(NamedTuple):
    """For each output position along one axis: the two input positions and the second's weight."""

    first: Int64
    second: Int64
    weight: Int64


def axis_fixed(size: int, count: int, align_corners: bool, half_pixel: bool) -> Axis:
    """Return positions and weights in 1/1024, from a step rounded to 1/1024 (mode `fixed`)."""
    step = (1024 * size + count // 2) // count
    if align_corners and count > 1:
        step = (1024 * (size - 1) + (count - 1) // 2) // (count - 1)
    place = np.arange(count, dtype=np.int64) * step + (step // 2 - 512 if half_pixel else 0)
    first = np.maximum(place, 0) // 1024
    second = np.minimum(np.maximum(place + 1023, 0) // 1024, size - 1)
    return Axis(np.minimum(first, size - 1), second, place - 1024 * first)


def axis_float(size: int, count: int, align_corners: bool, half_pixel: bool) -> Axis:
    """Return positions and weights in 1/2048, from float32 positions (mode `float`)."""
    less = 1 if align_corners and count > 1 else 0
    step = np.float32(size - less) / np.float32(count - less)
    place = np.arange(count).astype(np.float32) * step
    if half_pixel:
        place = place + (np.float32(0.5) * step - np.float32(0.5))
    place = np.clip(place, np.float32(0), np.float32(size - 1))
    first = place.astype(np.int64)
    weight = np.rint((place - first.astype(np.float32)) * np.float32(2048)).astype(np.int64)
    return Axis(first, np.minimum(first + 1, size - 1), weight)


def bilinear_fixed(x: Array, rows: Axis, columns: Axis) -> Array:
    """Return the image resized, rounded once, halves away from zero.

    Args:
        x: int8 [N, H, W, C]; the result has the same quantisation.
        rows: from `axis_fixed`.
        columns: from `axis_fixed`.
    """
    total = np.zeros((x.shape[0], len(rows.first), len(columns.first), x.shape[3]), np.int64)
    for row, down in ((rows.first, 1024 - rows.weight), (rows.second, rows.weight)):
        for column, across in (
            (columns.first, 1024 - columns.weight),
            (columns.second, columns.weight),
        ):
            total += _pick(x, row, column) * (down[:, None, None] * across[:, None])
    magnitude = (np.abs(total) + (1 << 19)) >> 20
    return np.asarray(np.where(total > 0, magnitude, -magnitude).astype(x.dtype))


def bilinear_float(x: Array, rows: Axis, columns: Axis) -> Array:
    """Return the image resized across, then down, rounded once, halves up.

    Args:
        x: int8 or uint8 [N, H, W, C]; the result has the same quantisation.
        rows: from `axis_float`.
        columns: from `axis_float`.
    """
    upper, lower = (_across(x, row, columns) for row in (rows.first, rows.second))
    total = (upper << 11) + (lower - upper) * rows.weight[:, None, None]
    return np.asarray(((total + (1 << 21)) >> 22).astype(x.dtype))


def _across(x: Array, row: NDArray[np.int64], columns: Axis) -> Int64:
    left, right = _pick(x, row, columns.first), _pick(x, row, columns.second)
    return (left << 11) + (right - left) * columns.weight[:, None]


def _pick(x: Array, row: NDArray[np.int64], column: NDArray[np.int64]) -> Int64:
    return np.asarray(x[:, row][:, :, column].astype(np.int64))


def bilinear(
    x: Array, size: tuple[int, int], *, align_corners: bool, half_pixel: bool, mode: str
) -> Array:
    """Return x resized to `size` (height, width) in the requantization mode.

    Args:
        x: int8 or uint8 [N, H, W, C]; the result has the same quantisation.
        size: height and width of the result.
        align_corners: outermost pixels map to each other.
        half_pixel: pixels are areas, not points.
        mode: "float" or "fixed".
    """
    axis, resample = (
        (axis_float, bilinear_float) if mode == "float" else (axis_fixed, bilinear_fixed)
    )
    rows = axis(x.shape[1], size[0], align_corners, half_pixel)
    return resample(x, rows, axis(x.shape[2], size[1], align_corners, half_pixel))
