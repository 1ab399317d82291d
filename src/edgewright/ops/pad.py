"""Padding with a constant, a mirror image, or the edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edgewright.graph import Size, TensorType, Value
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.strided import Axis, emit_copy, offset, strides

Pads = tuple[tuple[int, int], ...]

#: modes whose border is a copy, and how NumPy calls them
COPYING = {"reflect": "reflect", "symmetric": "symmetric", "edge": "edge", "wrap": "wrap"}


def stored_value(value: float, type: TensorType) -> Array:
    """A real number as one element of a type (its zero point for 0.0 in a quantised one)."""
    number: float = value
    if type.quant is not None:
        require(type.quant.axis is None, f"{type} has no single zero point to pad with")
        number = np.rint(value / type.quant.scale[0]) + type.quant.zero[0]
    if type.dtype.is_integer:
        info = np.iinfo(type.dtype.numpy)
        number = int(np.clip(number, float(info.min), float(info.max)))
    return np.asarray(number, type.dtype.numpy)


class Border(NamedTuple):
    """Elements of y along one axis that are copies of others: y[to + k] = y[source + k * step]."""

    size: int
    to: Size
    source: Size
    step: int


@op("pad")
class Pad(Op):
    """x with `pads[i]` = (before, after) elements more along axis i.

    `mode`: "constant" (`value`, in real units), "reflect" (mirror without the edge), "symmetric"
    (mirror with the edge), "edge" or "wrap".
    """

    pads: Pads = ()
    mode: str = "constant"
    value: float = 0.0

    def infer(self, x: TensorType) -> TensorType:
        require(len(self.pads) == x.rank, f"{len(self.pads)} pads for the {x.rank} axes of {x}")
        require(self.mode == "constant" or self.mode in COPYING, f"no pad mode {self.mode!r}")
        for axis, pad in enumerate(self.pads):
            require(min(pad) >= 0, f"axis {axis} is padded by {list(pad)}")
            limit = _low(x.shape[axis]) - (self.mode == "reflect")
            mirrored = self.mode in ("reflect", "symmetric", "wrap")
            require(
                not mirrored or max(pad) <= limit,
                f"axis {axis} of {x} is too short to {self.mode} {max(pad)} elements",
            )
            require(
                self.mode != "edge" or max(pad) == 0 or limit > 0, f"axis {axis} of {x} is empty"
            )
        stored_value(self.value, x)
        shape = [size + a + b for size, (a, b) in zip(x.shape, self.pads, strict=True)]
        return x.with_shape(*shape)

    def reference(self, call: Call, x: Array) -> Array:
        if self.mode in COPYING:
            return np.pad(x, self.pads, mode=COPYING[self.mode])  # type: ignore[call-overload, no-any-return]
        return np.pad(x, self.pads, constant_values=stored_value(self.value, call.outputs[0]))

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        step = strides(y.type.shape)
        inner = offset(e, e.ptr(y), _corner(self.pads, step))
        sizes = zip(x.type.shape, step, strides(x.type.shape), strict=True)
        emit_copy(e, inner, e.ptr(x), [Axis(*s) for s in sizes], x.type.dtype.itemsize)
        fill = ""
        if self.mode == "constant":
            fill = e.weight(stored_value(self.value, y.type).reshape(1))
        # From the last axis to the first: a border takes its inner axes whole, borders included.
        for axis in reversed(range(x.type.rank)):
            if fill:
                self._emit_fill(e, x, y, axis, fill)
            else:
                self._emit_borders(e, x, y, axis)

    def _outer(self, x: Value, axis: int, step: Sequence[Size]) -> tuple[list[Axis], Size]:
        """The axes outside `axis` without their borders, and where they begin."""
        sizes = zip(x.type.shape[:axis], step[:axis], step[:axis], strict=True)
        return [Axis(*s) for s in sizes], _corner(self.pads[:axis], step[:axis])

    def _emit_fill(self, e: Emit, x: Value, y: Value, axis: int, fill: str) -> None:
        step = strides(y.type.shape)
        outer, corner = self._outer(x, axis, step)
        outer = [Axis(a.size, a.to, 0) for a in outer]
        before, after = self.pads[axis]
        for count, start in ((before, 0), (after, before + x.type.shape[axis])):
            if count == 0:
                continue
            to = offset(e, e.ptr(y), corner + start * step[axis])
            axes = [*outer, Axis(count * step[axis], 1, 0)]
            emit_copy(e, to, fill, axes, y.type.dtype.itemsize)

    def _emit_borders(self, e: Emit, x: Value, y: Value, axis: int) -> None:
        step = strides(y.type.shape)
        outer, corner = self._outer(x, axis, step)
        for border in self._borders(axis, x.type.shape[axis]):
            if border.size == 0:
                continue
            to = offset(e, e.ptr(y), corner + border.to * step[axis])
            source = offset(e, e.ptr(y), corner + border.source * step[axis])
            along = Axis(border.size, step[axis], step[axis] * border.step)
            axes = [*outer, along, Axis(step[axis], 1, 1)]
            emit_copy(e, to, source, axes, y.type.dtype.itemsize)

    def _borders(self, axis: int, size: Size) -> tuple[Border, Border]:
        before, after = self.pads[axis]
        end = before + size  # the first element behind x
        if self.mode == "edge":
            return Border(before, 0, before, 0), Border(after, end, end - 1, 0)
        if self.mode == "wrap":
            return Border(before, 0, size, 1), Border(after, end, before, 1)
        gap = 1 if self.mode == "reflect" else 0
        return (
            Border(before, 0, 2 * before - 1 + gap, -1),
            Border(after, end, end - 1 - gap, -1),
        )


def _corner(pads: Pads, step: Sequence[Size]) -> Size:
    """Where x begins inside y."""
    start: Size = 0
    for (before, _), size in zip(pads, step, strict=True):
        start = start + before * size
    return start


def _low(size: Size) -> int:
    """The smallest value of a size."""
    return size if isinstance(size, int) else size.bounds()[0]
