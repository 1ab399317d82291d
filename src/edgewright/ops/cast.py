"""Conversion from one element type to another."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require

HALVES = (DType.FLOAT16, DType.BFLOAT16)


@op("cast")
class Cast(Op):
    """Every element as dtype `to`.

    Numbers to bool: not zero. Float to integer: towards zero, saturating, NaN becomes 0. Integer to
    a narrower integer: modulo 2**bits. To float: the nearest, halves to even; float16 and bfloat16
    by way of float32.
    """

    to: str = "float32"

    def infer(self, x: TensorType) -> TensorType:
        require(self.to in {d.value for d in DType}, f"there is no dtype {self.to!r}")
        for dtype in (x.dtype, DType(self.to)):
            require(dtype.bits >= 8, f"cast from {x.dtype.value} to {self.to}")
        return TensorType(DType(self.to), x.shape)

    def reference(self, call: Call, x: Array) -> Array:
        source, to = call.inputs[0], DType(self.to)
        if source is not None and source.dtype is DType.BFLOAT16:
            x = (x.astype(np.uint32) << 16).view(np.float32)
        if to is DType.BOOL:
            return np.asarray(x != 0)
        if to in HALVES:
            with np.errstate(over="ignore"):
                x = x.astype(np.float32)
        if to is DType.BFLOAT16:
            return _bfloat16(x)
        if x.dtype.kind == "f" and to.is_integer:
            return _truncate(x, to)
        with np.errstate(over="ignore"):
            return x.astype(to.numpy)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...] | None:
        return (axis,) if node.input(0).type.dtype is not node.output.type.dtype else None

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        source, to = x.type.dtype, y.type.dtype
        if source is to:
            e.copy(x, y)
            return
        e.header("cast.h")
        name = f"ew_cast_{source.value}_{to.value}"
        e.define(name, f"EW_CAST({name}, {source.c}, {to.c}, {_expression(source, to)})")
        e.call(name, e.ptr(y), e.ptr(x), e.count(y))


def _bfloat16(x: Array) -> Array:
    """The upper halves of float32 values, rounded to nearest even; NaN stays NaN."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(x), (bits >> 16) | 0x40, rounded).astype(np.uint16)


def _truncate(x: Array, to: DType) -> Array:
    """Floats to integers: towards zero, saturating, NaN to 0."""
    info = np.iinfo(to.numpy)
    values = np.trunc(np.where(np.isnan(x), 0, x).astype(np.float64))
    # The largest int64 has no float64 of its own: what lies above is set apart.
    above, below = values >= float(info.max), values <= float(info.min)
    inside = np.where(above | below, 0, values).astype(np.int64 if info.min < 0 else np.uint64)
    held = np.where(above, info.max, np.where(below, info.min, inside.astype(to.numpy)))
    return np.asarray(held.astype(to.numpy))


def _expression(source: DType, to: DType) -> str:
    """C of the conversion of `v`."""
    value = {
        DType.FLOAT16: "ew_f32_of_f16(v)",
        DType.BFLOAT16: "ew_float_of_bits((int32_t)((uint32_t)v << 16))",
    }.get(source, "v")
    if to is DType.BOOL:
        return f"({value}) != 0"
    if to in HALVES:
        narrow = "ew_f16_of_f32" if to is DType.FLOAT16 else "ew_bf16_of_f32"
        return f"{narrow}((float)({value}))"
    if source.is_float and to.is_integer:
        width = "f64" if source is DType.FLOAT64 else "f32"
        return f"ew_trunc_{to.value[0]}{to.bits}_{width}({value})"
    return f"({to.c})({value})"
