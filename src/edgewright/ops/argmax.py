"""The place of the largest or smallest element along an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewright.graph import DType, Size, TensorType, product
from edgewright.ops import Array, Call, Emit, Op, op, require


@dataclass(frozen=True)
class _Extreme(Op):
    """The first of equals wins; NaN never does (an axis of NaN gives 0)."""

    axis: int = 0
    keepdims: bool = True
    to: str = "int64"

    def infer(self, x: TensorType) -> TensorType:
        require(0 <= self.axis < x.rank, f"axis {self.axis} is outside {x}")
        require(self.to in ("int32", "int64"), f"{self.name} gives int32 or int64, not {self.to!r}")
        require(x.dtype is not DType.BOOL and x.dtype.bits >= 8, f"{self.name} of {x}")
        require(_low(x.shape[self.axis]) > 0, f"{self.name} along the empty axis of {x}")
        middle = (1,) if self.keepdims else ()
        return TensorType(
            DType(self.to), (*x.shape[: self.axis], *middle, *x.shape[self.axis + 1 :])
        )

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        require(x.type.dtype not in (DType.FLOAT16, DType.BFLOAT16), f"{self.name} of {x.type}")
        shape = x.type.shape
        sizes = (product(shape[: self.axis]), shape[self.axis], product(shape[self.axis + 1 :]))
        e.header("argmax.h")
        function = f"ew_{self.name}_{_short(x.type.dtype)}_i{y.type.dtype.bits}"
        e.call(function, e.ptr(y), e.ptr(x), *map(e.size, sizes))


@op("argmax")
class ArgMax(_Extreme):
    """The index of the largest element along `axis`; the first of equals, NaN never."""

    def reference(self, call: Call, x: Array) -> Array:
        if x.dtype.kind == "f":
            x = np.where(np.isnan(x), -np.inf, x)
        return np.asarray(np.argmax(x, self.axis, keepdims=self.keepdims))


@op("argmin")
class ArgMin(_Extreme):
    """The index of the smallest element along `axis`; the first of equals, NaN never."""

    def reference(self, call: Call, x: Array) -> Array:
        if x.dtype.kind == "f":
            x = np.where(np.isnan(x), np.inf, x)
        return np.asarray(np.argmin(x, self.axis, keepdims=self.keepdims))


def _short(dtype: DType) -> str:
    """A dtype as kernels spell it: f32, i8, u16, ..."""
    return f"{dtype.value[0]}{dtype.bits}"


def _low(size: Size) -> int:
    """The smallest value of a size."""
    return size if isinstance(size, int) else size.bounds()[0]
