"""The same elements under another shape."""

from __future__ import annotations

from edgewright.graph import Size, TensorType, product
from edgewright.ops import Array, Call, Emit, Op, op, require


@op("reshape")
class Reshape(Op):
    """y holds the elements of x in order; `shape` may contain run-time dims, but no -1."""

    shape: tuple[Size, ...] = ()

    is_view = True

    def infer(self, x: TensorType) -> TensorType:
        count = product(tuple(self.shape))
        require(
            x.count == count,
            f"{x} has {x.count} elements, the shape {list(map(str, self.shape))} has {count}",
        )
        quant = x.quant if x.quant and x.quant.axis is None else None
        return TensorType(x.dtype, tuple(self.shape), quant)

    def reference(self, call: Call, x: Array) -> Array:
        return x.reshape(call.sizes(self.shape))

    def emit(self, e: Emit) -> None:
        # Most often both are the same memory and this writes nothing; the values at the edge of a
        # region have memory of their own.
        (x,) = e.inputs
        assert x is not None
        e.copy(x, e.outputs[0])
