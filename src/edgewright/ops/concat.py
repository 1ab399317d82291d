"""Concatenation along an axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgewright.graph import Node, Quant, Size, TensorType, Value
from edgewright.ops import Array, Call, Emit, Op, Packing, op, parts, require
from edgewright.ops.strided import Axis, emit_copy, merge, offset, strides

EIGHT_BITS = 256


def rescale_table(source: Quant, to: Quant, dtype: np.dtype[Any]) -> Array:
    """The 256 results of going from one quantisation to another, indexed by the byte.

    As TFLite's uint8 concatenation in both modes: one float32 multiply and add, halves away from
    zero.
    """
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    codes = np.arange(EIGHT_BITS).astype(np.uint8).view(dtype).astype(np.float32)
    scale = np.float32(source.scale[0]) * (np.float32(1.0) / np.float32(to.scale[0]))
    moved = codes * scale + np.float32(-source.zero[0]) * scale
    units = np.copysign(np.floor(np.abs(moved) + 0.5), moved).astype(np.float64)
    return np.asarray(np.clip(units + to.zero[0], low, high).astype(dtype))


@op("concat")
class Concat(Op):
    """The inputs one after the other along `axis`, and then transposed by `perm` if it is given.

    8-bit inputs whose scale or zero point is not the result's are rescaled (not with `perm`).
    """

    axis: int = 0
    perm: tuple[int, ...] = ()

    def infer(self, *types: TensorType | None) -> TensorType:
        require(len(types) > 0, "concat needs an input")
        first, *rest = [type for type in types if type is not None]
        require(len(rest) + 1 == len(types), "an input of concat is missing")
        require(0 <= self.axis < first.rank, f"axis {self.axis} is outside {first}")
        total = first.shape[self.axis]
        for type in rest:
            fits = type.dtype is first.dtype and _without(type, self.axis) == _without(
                first, self.axis
            )
            require(fits, f"{type} does not fit {first} along axis {self.axis}")
            total = total + type.shape[self.axis]
        order = self._order(first.rank)
        joined = (*first.shape[: self.axis], total, *first.shape[self.axis + 1 :])
        same = all(type.quant == first.quant for type in rest)
        quant = first.quant if same else None
        require(not self.perm or quant is None or quant.axis is None, "concat transposes one scale")
        return TensorType(first.dtype, tuple(joined[axis] for axis in order), quant)

    def _order(self, rank: int) -> tuple[int, ...]:
        """The axis of the joined tensor that is each axis of the result."""
        require(
            not self.perm or sorted(self.perm) == list(range(rank)),
            f"perm {list(self.perm)} does not order {rank} axes",
        )
        return self.perm or tuple(range(rank))

    def infer_node(self, node: Node) -> TensorType:
        if node.outputs:
            for value in node.arguments:
                rescaled = _rescales(value.type.quant, node.output.type.quant)
                require(
                    not rescaled or (value.type.dtype.bits == 8 and not self.perm),
                    f"{value} has another scale than the result; that is for 8 bits only",
                )
        return self.infer(*(v.type if v else None for v in node.inputs))

    def reference(self, call: Call, *arrays: Array) -> Array:
        to = call.outputs[0].quant
        parts = [
            _rescale(array, type.quant if type else None, to)
            for array, type in zip(arrays, call.inputs, strict=True)
        ]
        return np.concatenate(parts, self.axis).transpose(self._order(parts[0].ndim))

    def part_offsets(self, node: Node, target: Packing) -> tuple[int | None, ...]:
        """Where one input after the other makes the result, each may be made in its place."""
        y = node.output.type
        static = all(value.type.is_static for value in node.arguments)
        if target.lean_step == 0 or not static or self.perm or math.prod(y.dims[: self.axis]) != 1:
            return ()  # elsewhere memory is plenty, and values of their own are aligned
        offsets: list[int | None] = []
        start = 0
        for value in node.arguments:
            offsets.append(None if _rescales(value.type.quant, y.quant) else start)
            start += value.type.max_bytes
        return tuple(offsets)

    def emit(self, e: Emit) -> None:
        y = e.outputs[0]
        start: Size = 0
        for x in e.inputs:
            assert x is not None
            self._emit_part(e, x, y, start)
            start = start + x.type.shape[self.axis]

    def _emit_part(self, e: Emit, x: Value, y: Value, start: Size) -> None:
        order, made = self._order(y.type.rank), strides(y.type.shape)
        step = [made[order.index(axis)] for axis in range(y.type.rank)]
        start_bytes = start * step[self.axis] * y.type.dtype.itemsize
        if isinstance(start_bytes, int) and e.is_part(x, y, start_bytes):
            return
        to = offset(e, e.ptr(y), start * step[self.axis])
        sizes = zip(x.type.shape, step, strides(x.type.shape), strict=True)
        axes = [Axis(*each) for each in sizes]
        source, target = x.type.quant, y.type.quant
        if source is None or target is None or not _rescales(source, target):
            emit_copy(e, to, e.ptr(x), axes, x.type.dtype.itemsize)
            return
        table = e.weight(rescale_table(source, target, x.type.dtype.numpy).view(np.uint8))
        # Everything behind the axis is contiguous on both sides, and so is everything before it.
        rows, row = [Axis(1, 0, 0), *merge(axes)][-2:]
        e.header("movement.h")
        sizes_c = [e.size(s) for s in (row.size, rows.size, rows.to, rows.source)]
        part = parts.open_rows(e, rows.size, 2 * rows.size * row.size)
        if part is None:
            e.call("ew_look_up_rows", to, e.ptr(x), table, *sizes_c)
            return
        first, sizes_c[1] = e.size(part.first), e.size(part.rows)
        places = ((to, rows.to), (e.ptr(x), rows.source))
        moved = [offset(e, part.pointer(at, "uint8_t"), step, first) for at, step in places]
        part.call("ew_look_up_rows", *moved, part.pointer(table, "uint8_t"), *sizes_c)
        part.close()


def _without(type: TensorType, axis: int) -> tuple[Size, ...]:
    return type.shape[:axis] + type.shape[axis + 1 :]


def _rescales(source: Quant | None, to: Quant | None) -> bool:
    return source is not None and to is not None and source != to


def _rescale(x: Array, source: Quant | None, to: Quant | None) -> Array:
    if source is None or to is None or source == to:
        return x
    return np.asarray(rescale_table(source, to, x.dtype)[x.view(np.uint8)])
