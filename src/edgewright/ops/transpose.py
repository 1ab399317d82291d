"""Permutation of axes."""

from __future__ import annotations

from dataclasses import replace

from edgewright.graph import Quant, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.strided import Axis, emit_copy, strides


@op("transpose")
class Transpose(Op):
    """Axis `i` of y is axis `perm[i]` of x."""

    perm: tuple[int, ...] = ()

    def infer(self, x: TensorType) -> TensorType:
        require(
            sorted(self.perm) == list(range(x.rank)),
            f"perm {list(self.perm)} does not order the {x.rank} axes of {x}",
        )
        shape = tuple(x.shape[axis] for axis in self.perm)
        return TensorType(x.dtype, shape, self._quant(x.quant))

    def _quant(self, quant: Quant | None) -> Quant | None:
        if quant is None or quant.axis is None:
            return quant
        return replace(quant, axis=self.perm.index(quant.axis))

    def reference(self, call: Call, x: Array) -> Array:
        return x.transpose(self.perm)

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        source, to = strides(x.type.shape), strides(y.type.shape)
        axes = [
            Axis(size, to[axis], source[self.perm[axis]]) for axis, size in enumerate(y.type.shape)
        ]
        emit_copy(e, e.ptr(y), e.ptr(x), axes, x.type.dtype.itemsize)
