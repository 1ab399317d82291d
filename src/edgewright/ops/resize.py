"""Where the points of a resized image lie in the original, for both ways of interpolating."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Size, TensorType
from edgewright.ops import Array, require

COORDINATES = ("half_pixel", "asymmetric", "align_corners")


def resized(x: TensorType, size: tuple[Size, Size], coordinate: str) -> TensorType:
    """[N,OH,OW,C] from [N,H,W,C]."""
    require(x.rank == 4, f"resizing needs 4 axes, got {x}")
    require(coordinate in COORDINATES, f"coordinate is {coordinate!r}, not one of {COORDINATES}")
    return TensorType(x.dtype, (x.shape[0], size[0], size[1], x.shape[3]), x.quant)


def positions(count: int, size: int, coordinate: str) -> Array:
    """Where `count` points lie on an axis of `size`, in float32 step by step as the C does."""
    index = np.arange(count, dtype=np.float32)
    if coordinate == "align_corners":
        scale = np.float32(size - 1) / np.float32(count - 1) if count > 1 else np.float32(0)
        return index * scale
    scale = np.float32(size) / np.float32(count)
    if coordinate == "asymmetric":
        return index * scale
    half = np.float32(0.5)
    return (index + half) * scale - half
