"""A box cut out of a tensor."""

from __future__ import annotations

import math

import numpy as np

from edgewright.graph import Node, Size, TensorType, upper
from edgewright.ops import Array, Call, Emit, Op, Packing, op, require
from edgewright.ops.strided import Axis, emit_copy, offset, strides


@op("slice")
class Slice(Op):
    """y[i, j, ...] = x[begin[0] + i * stride[0], begin[1] + j * stride[1], ...].

    One entry per axis; `size` is the shape of the result, `stride` may be negative.
    """

    begin: tuple[Size, ...] = ()
    size: tuple[Size, ...] = ()
    stride: tuple[int, ...] = ()

    def infer(self, x: TensorType) -> TensorType:
        lengths = {len(self.begin), len(self.size), len(self.stride)}
        require(lengths == {x.rank}, f"begin, size and stride need {x.rank} entries for {x}")
        for axis, (begin, size, stride) in enumerate(
            zip(self.begin, self.size, self.stride, strict=True)
        ):
            require(stride != 0, f"the stride of axis {axis} is zero")
            require(_low(size) >= 0, f"the size of axis {axis} is {size}")
            last = begin + (size - 1) * stride
            inside = all(_low(p) >= 0 and upper(p - x.shape[axis]) < 0 for p in (begin, last))
            require(size == 0 or inside, f"axis {axis}: {begin} to {last} is outside {x}")
        quant = x.quant if x.quant and x.quant.axis is None else None
        return TensorType(x.dtype, tuple(self.size), quant)

    def reference(self, call: Call, x: Array) -> Array:
        begins, sizes = call.sizes(self.begin), call.sizes(self.size)
        for axis, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
            x = np.take(x, begin + self.stride[axis] * np.arange(size), axis)
        return x

    def view_offset(self, node: Node, target: Packing) -> int | None:
        """Neighbouring rows of the first axis that is cut are a part of the input."""
        x = node.input(0).type
        begins = [b for b in self.begin if isinstance(b, int)]
        if target.lean_step == 0 or not x.is_static or len(begins) < x.rank:
            return None  # elsewhere memory is plenty, and copies are aligned
        cut = [axis for axis, size in enumerate(self.size) if size != x.shape[axis]]
        one_axis = len(cut) <= 1 and math.prod(x.dims[: (cut or [0])[0]]) == 1
        if not one_axis or self.stride != (1,) * x.rank:
            return None
        rows = [b * math.prod(x.dims[axis + 1 :]) for axis, b in enumerate(begins)]
        return sum(rows) * x.dtype.itemsize

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        start_bytes = self.view_offset(e.node, e.target)
        if start_bytes is not None and e.is_part(y, x, start_bytes):
            return
        source, to = strides(x.type.shape), strides(y.type.shape)
        start: Size = 0
        for begin, step in zip(self.begin, source, strict=True):
            start = start + begin * step
        axes = [
            Axis(size, to[axis], source[axis] * self.stride[axis])
            for axis, size in enumerate(y.type.shape)
        ]
        emit_copy(e, e.ptr(y), offset(e, e.ptr(x), start), axes, x.type.dtype.itemsize)


def _low(size: Size) -> int:
    """The smallest value of a size."""
    return size if isinstance(size, int) else size.bounds()[0]
