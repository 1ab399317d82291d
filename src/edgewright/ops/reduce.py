"""Reductions over some axes: one row of a table each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgewright import numerics as nx
from edgewright.graph import DType, Size, TensorType, product
from edgewright.ops import Array, Call, Emit, Op, op, quantised, quantised_c, require
from edgewright.ops.literals import int_literal

Axes = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One reduction.

    Attributes:
        reference: NumPy of (float64 or integers, axes); integers wrap around in their own dtype.
        whole: the same for integers.
        c: for integers, the first value, and C of `total` and `v`, and of `total` and `count`.
        keeps_quant: the result means what the input means (the largest, the smallest).
    """

    reference: Callable[[Array, Axes], Array]
    whole: Callable[[Array, Axes], Array]
    c: tuple[str, str, str]
    keeps_quant: bool = False


def _product(x: Array, axes: Axes) -> Array:
    return np.asarray(np.multiply.reduce(x, axis=axes, dtype=x.dtype))


def _whole_sum(x: Array, axes: Axes) -> Array:
    return np.asarray(np.add.reduce(x, axis=axes, dtype=x.dtype))


def _whole_mean(x: Array, axes: Axes) -> Array:
    """Towards zero, as C divides."""
    count = int(np.prod([x.shape[a] for a in axes]))
    total = np.add.reduce(x, axis=axes, dtype=np.int64)
    return np.asarray((np.abs(total) // count * np.sign(total)).astype(x.dtype))


def _max(x: Array, axes: Axes) -> Array:
    return np.asarray(np.maximum.reduce(x, axis=axes))


def _min(x: Array, axes: Axes) -> Array:
    return np.asarray(np.minimum.reduce(x, axis=axes))


_SUM = ("0", "ew_add_i{bits}(total, v)")
TABLE = {
    "mean": Row(nx.mean, _whole_mean, (*_SUM, "total / count")),
    "sum": Row(nx.sum, _whole_sum, (*_SUM, "total")),
    "prod": Row(_product, _product, ("1", "ew_mul_i{bits}(total, v)", "total")),
    "max": Row(_max, _max, ("{lowest}", "v > total ? v : total", "total"), keeps_quant=True),
    "min": Row(_min, _min, ("{highest}", "v < total ? v : total", "total"), keeps_quant=True),
}


@dataclass(frozen=True)
class Loop:
    """A loop over neighbouring axes that are all kept or all reduced."""

    size: Size
    reduced: bool


def loops(shape: tuple[Size, ...], axes: Axes) -> list[Loop]:
    """The fewest loops over the axes, outermost first."""
    found: list[Loop] = []
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        loop = Loop(size, axis in axes)
        if found and found[-1].reduced == loop.reduced:
            loop = Loop(found.pop().size * size, loop.reduced)
        found.append(loop)
    return found


class Reduce(Op):
    """Base of all reductions; `row` says which. `axes` may be negative; none means all."""

    axes: Axes = ()
    keepdims: bool = False
    kind: ClassVar[str]
    row: ClassVar[Row]

    def normal(self, rank: int) -> Axes:
        """The axes as sorted non-negative numbers."""
        for axis in self.axes:
            require(-rank <= axis < max(rank, 1), f"axis {axis} of {rank} axes")
        return tuple(sorted({a % rank for a in self.axes})) if self.axes else tuple(range(rank))

    def infer(self, x: TensorType) -> TensorType:
        axes = self.normal(x.rank)
        kept = [
            1 if axis in axes else size
            for axis, size in enumerate(x.shape)
            if self.keepdims or axis not in axes
        ]
        return TensorType(x.dtype, tuple(kept), x.quant if self.row.keeps_quant else None)

    def reference(self, call: Call, x: Array) -> Array:
        given, axes = call.inputs[0], self.normal(x.ndim)
        assert given is not None
        if given.quant is not None:
            result = quantised.reduce(call, self.kind, x, axes)
        elif x.dtype.kind == "f":
            with np.errstate(all="ignore"):
                result = self.row.reference(np.asarray(x, np.float64), axes).astype(x.dtype)
        else:
            result = self.row.whole(x, axes)
        return np.expand_dims(result, axes) if self.keepdims else result

    def emit(self, e: Emit) -> None:
        x, y = e.inputs[0], e.outputs[0]
        assert x is not None
        quantised.require_kernel(self.name, x.type)
        nest = loops(x.type.shape, self.normal(x.type.rank))
        kept = [k for k, loop in enumerate(nest) if not loop.reduced]
        inner = kept.pop() if kept and kept[-1] == len(nest) - 1 else None
        strides = [product(tuple(loop.size for loop in nest[k + 1 :])) for k in range(len(nest))]
        reduced = [(nest[k].size, strides[k]) for k in range(len(nest)) if nest[k].reduced]
        require(len(reduced) <= 3, f"{self.name} over {self.axes} of {x.type} has no kernel")
        row: Size = 1 if inner is None else nest[inner].size
        source, target = e.ptr(x), e.ptr(y)
        for depth, k in enumerate(kept):
            index = e.unique("i")
            e.line(f"for (int {index} = 0; {index} < {e.size(nest[k].size)}; ++{index}) {{")
            source += f" + {index} * {e.size(strides[k])}"
            target += (
                f" + {index} * {e.size(product((*(nest[j].size for j in kept[depth + 1 :]), row)))}"
            )
        groups = [(1, 0)] * (3 - len(reduced)) + reduced
        sizes = ", ".join(e.size(size) for size, _ in groups)
        steps = ", ".join(e.size(step) for _, step in groups)
        count = product(tuple(size for size, _ in reduced))
        e.header("reduce.h")
        self._call(e, source, target, f"(ew_reduction){{{sizes}, {steps}, {e.size(row)}}}", count)
        for _ in kept:
            e.line("}")

    def _call(self, e: Emit, source: str, target: str, shape: str, count: Size) -> None:
        x = e.inputs[0]
        assert x is not None
        if x.type.dtype is DType.FLOAT32:
            divisor = f"(float)({e.size(count)})"
            e.call(f"ew_reduce_{self.kind}_f32", source, target, shape, divisor)
        elif x.type.quant is not None and not self.row.keeps_quant:
            require(isinstance(count, int), f"{self.name} of {x.type} over a run-time size")
            assert isinstance(count, int)
            numbers, mode = quantised_c.reduce_numbers(e, self.kind, count)
            kernel = f"ew_reduce_sum_{quantised.suffix(x.type)}"
            e.call(kernel, source, target, shape, e.weight(numbers), mode)
        else:
            self._call_integer(e, x.type.dtype, source, target, shape)

    def _call_integer(self, e: Emit, dtype: DType, source: str, target: str, shape: str) -> None:
        assert self.row.c is not None
        start, combine, last = self.row.c
        name, wide = f"ew_reduce_{self.kind}_{dtype.value}", f"int{max(dtype.bits, 32)}_t"
        limits = np.iinfo(dtype.numpy)
        edges = {"lowest": int_literal(int(limits.min), dtype.bits), "bits": max(dtype.bits, 32)}
        edges |= {"highest": int_literal(int(limits.max), dtype.bits)}
        body = ", ".join(text.format(**edges) for text in (start, combine, last))
        e.header("elementwise.h")
        e.define(name, f"EW_REDUCE_INT({name}, {dtype.c}, {wide}, {body})")
        e.call(name, source, target, shape)


def _define(kind: str, row: Row) -> None:
    body: dict[str, Any] = {"__doc__": f"The {kind} of x over `axes`.", "__module__": __name__}
    body |= {"kind": kind, "row": row, "axes": (), "keepdims": False}
    body |= {"__annotations__": {"axes": "Axes", "keepdims": "bool"}}
    op(f"reduce_{kind}")(type(f"Reduce_{kind}", (Reduce,), body))


for _kind, _row in TABLE.items():
    _define(_kind, _row)
