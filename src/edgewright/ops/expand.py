"""Repetition: broadcasting to a shape, and tiles."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Size, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.strided import Axis, emit_copy, strides


@op("expand")
class Expand(Op):
    """x broadcast to `shape`, by NumPy's rules."""

    shape: tuple[Size, ...] = ()

    def infer(self, x: TensorType) -> TensorType:
        require(x.rank <= len(self.shape), f"{x} has more axes than {list(map(str, self.shape))}")
        tail = self.shape[len(self.shape) - x.rank :]
        for size, wanted in zip(x.shape, tail, strict=True):
            require(size in (1, wanted), f"{x} does not broadcast to {list(map(str, self.shape))}")
        quant = x.quant if x.quant and x.quant.axis is None else None
        return TensorType(x.dtype, tuple(self.shape), quant)

    def reference(self, call: Call, x: Array) -> Array:
        return np.broadcast_to(x, call.sizes(self.shape))

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        shape: tuple[Size, ...] = (1,) * (y.type.rank - x.type.rank) + x.type.shape
        steps = zip(y.type.shape, strides(y.type.shape), shape, strides(shape), strict=True)
        axes = [Axis(size, to, 0 if held == 1 else source) for size, to, held, source in steps]
        emit_copy(e, e.ptr(y), e.ptr(x), axes, x.type.dtype.itemsize)


@op("tile")
class Tile(Op):
    """x repeated `repeats[i]` times along axis i."""

    repeats: tuple[Size, ...] = ()

    def infer(self, x: TensorType) -> TensorType:
        require(
            len(self.repeats) == x.rank, f"{len(self.repeats)} repeats for {x.rank} axes of {x}"
        )
        require(
            all(not isinstance(n, int) or n >= 0 for n in self.repeats),
            f"repeats {list(map(str, self.repeats))} must not be negative",
        )
        shape = tuple(size * n for size, n in zip(x.shape, self.repeats, strict=True))
        return x.with_shape(*shape)

    def reference(self, call: Call, x: Array) -> Array:
        return np.tile(x, call.sizes(self.repeats))

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        source, to = strides(x.type.shape), strides(y.type.shape)
        axes: list[Axis] = []
        for axis, size in enumerate(x.type.shape):
            axes.append(Axis(self.repeats[axis], to[axis] * size, 0))
            axes.append(Axis(size, to[axis], source[axis]))
        emit_copy(e, e.ptr(y), e.ptr(x), axes, x.type.dtype.itemsize)
