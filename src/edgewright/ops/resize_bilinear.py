"""Bilinear resizing of images, channels last."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, Size, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised
from edgewright.ops.resize import COORDINATES, positions, resized


@op("resize_bilinear")
class ResizeBilinear(Op):
    """Each point is a mean of the four pixels around it, weighted by nearness.

    Points outside the outermost pixels take the outermost value. Quantised results have the
    input's quantisation and follow docs/reference/integer.md.
    """

    size: tuple[Size, Size] = (1, 1)
    coordinate: str = "half_pixel"

    def infer(self, x: TensorType) -> TensorType:
        return resized(x, self.size, self.coordinate)

    def reference(self, call: Call, x: Array) -> Array:
        height, width = call.sizes(self.size)
        given = call.inputs[0]
        if given is not None and given.quant is not None:
            return quantised.resize_bilinear(call, x, (height, width), self.coordinate)
        top, bottom, down = corners(height, x.shape[1], self.coordinate)
        left, right, across = corners(width, x.shape[2], self.coordinate)
        values, down, across = np.asarray(x, np.float64), down[:, None, None], across[:, None]
        with np.errstate(all="ignore"):
            upper = values[:, top] + (values[:, bottom] - values[:, top]) * down
            mixed = upper[:, :, left] + (upper[:, :, right] - upper[:, :, left]) * across
        return mixed.astype(x.dtype)

    def emit(self, e: Emit) -> None:
        x, y = e.inputs[0], e.outputs[0]
        assert x is not None
        e.header("resize.h")
        sizes = [e.dim(x, axis) for axis in range(4)] + [e.dim(y, 1), e.dim(y, 2)]
        coordinate = f"EW_{self.coordinate.upper()}"
        if x.type.dtype is DType.FLOAT32:
            e.call("ew_resize_bilinear_f32", e.ptr(x), e.ptr(y), *sizes, coordinate)
        else:
            name = f"ew_resize_bilinear_{e.requantization}_{quantised.suffix(x.type)}"
            e.call(name, e.ptr(x), e.ptr(y), *sizes, coordinate)


def corners(count: int, size: int, coordinate: str) -> tuple[Array, Array, Array]:
    """The two pixels beside each point, and how far (0 to 1) it lies towards the second."""
    assert coordinate in COORDINATES
    place = np.clip(positions(count, size, coordinate), np.float32(0), np.float32(size - 1))
    first = np.floor(place)
    index = first.astype(np.int64)
    return index, np.minimum(index + 1, size - 1), np.asarray(place - first, np.float64)
