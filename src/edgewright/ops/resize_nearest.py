"""Resizing of images by taking the nearest pixel, channels last."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Size, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.resize import positions, resized

ROUNDINGS = ("floor", "round_half_down", "round_half_up", "ceil")


@op("resize_nearest")
class ResizeNearest(Op):
    """y[n,h,w,c] = x[n, row(h), column(w), c]; any dtype, its bytes are copied."""

    size: tuple[Size, Size] = (1, 1)
    coordinate: str = "half_pixel"
    rounding: str = "round_half_down"

    def infer(self, x: TensorType) -> TensorType:
        require(self.rounding in ROUNDINGS, f"rounding is {self.rounding!r}, not of {ROUNDINGS}")
        return resized(x, self.size, self.coordinate)

    def reference(self, call: Call, x: Array) -> Array:
        height, width = call.sizes(self.size)
        rows = self._nearest(height, x.shape[1])
        return x[:, rows][:, :, self._nearest(width, x.shape[2])]

    def _nearest(self, count: int, size: int) -> Array:
        place, half = positions(count, size, self.coordinate), np.float32(0.5)
        rounded = {
            "floor": lambda: np.floor(place),
            "ceil": lambda: np.ceil(place),
            "round_half_up": lambda: np.floor(place + half),
            "round_half_down": lambda: np.ceil(place - half),
        }[self.rounding]()
        return np.clip(rounded, 0, size - 1).astype(np.int64)

    def emit(self, e: Emit) -> None:
        x, y = e.inputs[0], e.outputs[0]
        assert x is not None
        e.header("resize.h")
        sizes = [e.dim(x, axis) for axis in range(4)] + [e.dim(y, 1), e.dim(y, 2)]
        how = (f"EW_{self.coordinate.upper()}", f"EW_{self.rounding.upper()}")
        e.call("ew_resize_nearest", e.ptr(x), e.ptr(y), *sizes, x.type.dtype.itemsize, *how)
