"""Splitting along an axis."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Size, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.strided import Axis, emit_copy, offset, strides


@op("split")
class Split(Op):
    """Consecutive parts of x along `axis`, one result per entry of `sizes`."""

    axis: int = 0
    sizes: tuple[Size, ...] = ()

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require(0 <= self.axis < x.rank, f"axis {self.axis} is outside {x}")
        require(len(self.sizes) > 0, "split needs sizes")
        total: Size = 0
        for size in self.sizes:
            require(not isinstance(size, int) or size >= 0, f"a part of {size} elements")
            total = total + size
        require(
            total == x.shape[self.axis],
            f"the parts {list(map(str, self.sizes))} do not add up to axis {self.axis} of {x}",
        )
        before, after = x.shape[: self.axis], x.shape[self.axis + 1 :]
        quant = x.quant if x.quant and x.quant.axis != self.axis else None
        return tuple(TensorType(x.dtype, (*before, size, *after), quant) for size in self.sizes)

    def reference(self, call: Call, x: Array) -> list[Array]:
        ends = np.cumsum(call.sizes(self.sizes))[:-1]
        return list(np.split(x, ends, self.axis))

    def emit(self, e: Emit) -> None:
        (x,) = e.inputs
        assert x is not None
        step = strides(x.type.shape)
        start: Size = 0
        for y in e.outputs:
            source = offset(e, e.ptr(x), start * step[self.axis])
            sizes = zip(y.type.shape, strides(y.type.shape), step, strict=True)
            emit_copy(e, e.ptr(y), source, [Axis(*s) for s in sizes], x.type.dtype.itemsize)
            start = start + y.type.shape[self.axis]
