"""Bilinear resizing of images, channels last."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, Size, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised
from edgewright.ops.resize import COORDINATES, positions, resized

LANES = 16
#: of a row that is held in a local array (EW_RESIZE_ROW in resize.h)
MOST_PIXELS = 384


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
        if has_planes(x.type, y.type):
            places, fractions = map(e.weight, self._places(x.type.dims[2], y.type.dims[2]))
            sizes = [*sizes[:3], *sizes[4:], coordinate]
            e.call("ew_resize_planes_f32", e.ptr(x), e.ptr(y), places, fractions, *sizes)
        elif x.type.dtype is DType.FLOAT32:
            e.call("ew_resize_bilinear_f32", e.ptr(x), e.ptr(y), *sizes, coordinate)
        else:
            name = f"ew_resize_bilinear_{e.requantization}_{quantised.suffix(x.type)}"
            e.call(name, e.ptr(x), e.ptr(y), *sizes, coordinate)

    def _places(self, size: int, count: int) -> tuple[Array, Array]:
        """int32 [blocks, 33] and float32 [blocks * 16] for blocks of 16 points, as in resize.h."""
        left, right, across = corners(count, size, self.coordinate)
        room = (0, -count % LANES)
        left, right = (np.pad(v, room, "edge").reshape(-1, LANES) for v in (left, right))
        first = left[:, :1]
        places = np.concatenate([first, left - first, right - first], axis=1)
        return places.astype(np.int32), np.pad(across, room).astype(np.float32)


def has_planes(x: TensorType, y: TensorType) -> bool:
    """Whether images [N,H,W,1] are resized by rows, sixteen points at a time.

    Those must lie between sixteen pixels of a row, and a row of pixels must fit in 2 KB.
    """
    if x.dtype is not DType.FLOAT32 or not (x.is_static and y.is_static) or x.dims[3] != 1:
        return False
    return x.dims[2] <= MOST_PIXELS and 4 * y.dims[2] >= 5 * x.dims[2]


def corners(count: int, size: int, coordinate: str) -> tuple[Array, Array, Array]:
    """The two pixels beside each point, and how far (0 to 1) it lies towards the second."""
    assert coordinate in COORDINATES
    place = np.clip(positions(count, size, coordinate), np.float32(0), np.float32(size - 1))
    first = np.floor(place)
    index = first.astype(np.int64)
    return index, np.minimum(index + 1, size - 1), np.asarray(place - first, np.float64)
