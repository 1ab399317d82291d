"""Strided copies: the C of every operator that only moves elements.

A copy is a list of axes, outermost first, each with a length and a step in the destination and in
the source. What is contiguous on both sides becomes one `memcpy`; two axes of which each is
contiguous on one side become a blocked transposition; the rest are loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from edgewright.graph import Size, product, upper
from edgewright.ops import parts
from edgewright.ops.emit import Emit

INNER_LOOPS = 2  # loops inside the kernel; further ones are written into the model
LINE = 64  # bytes of a cache line


@dataclass(frozen=True)
class Axis:
    """One loop of a copy; steps count elements and may be zero (repeat) or negative (reverse)."""

    size: Size
    to: Size
    source: Size


def strides(shape: Sequence[Size]) -> list[Size]:
    """Elements between neighbours along each axis of a dense array."""
    return [product(tuple(shape[axis + 1 :])) for axis in range(len(shape))]


def merge(axes: Sequence[Axis]) -> list[Axis]:
    """The fewest axes that say the same."""
    found: list[Axis] = []
    for axis in axes:
        if axis.size == 1:
            continue
        outer = found[-1] if found else None
        if outer and outer.to == axis.to * axis.size and outer.source == axis.source * axis.size:
            axis = Axis(found.pop().size * axis.size, axis.to, axis.source)
        found.append(axis)
    return found


def emit_copy(e: Emit, to: str, source: str, axes: Sequence[Axis], itemsize: int) -> None:
    """Copy elements of `itemsize` bytes between two pointer expressions."""
    e.header("movement.h")
    found = merge(axes)
    moved = 2 * itemsize * product(tuple(axis.size for axis in found))
    # Threads share what lies furthest apart in the destination, by whole cache lines.
    far = max(found, key=lambda axis: upper(axis.to), default=Axis(1, 0, 0))
    line = LINE // itemsize if 1 in (far.to, far.source) else 1
    part = parts.open_rows(e, far.size, moved, line)
    if part is None:
        _emit_axes(e, to, source, found, itemsize)
        return
    c, first = f"uint{8 * itemsize}_t", e.size(part.first)
    places = (part.pointer(to, c), far.to), (part.pointer(source, c), far.source)
    to, source = (offset(e, pointer, step, first) for pointer, step in places)
    found[found.index(far)] = replace(far, size=part.rows)
    _emit_axes(cast("Emit", part), to, source, found, itemsize)
    part.close()


def _emit_axes(e: Emit, to: str, source: str, found: Sequence[Axis], itemsize: int) -> None:
    """Copy along the fewest axes."""
    found = list(found)
    if pair := _transposed(found):
        rows, columns = pair
        outer = [axis for axis in found if axis not in pair]
        to, source = _open_loops(e, to, source, outer)
        steps = (e.size(rows.size), e.size(columns.size), e.size(columns.to), e.size(rows.source))
        e.call(f"ew_transpose_{8 * itemsize}", to, source, *steps)
    else:
        run: Size = 1
        if found and found[-1].to == 1 and found[-1].source == 1:
            run = found.pop().size
        outer = found[:-INNER_LOOPS]
        to, source = _open_loops(e, to, source, outer)
        inner = found[len(outer) :]
        function = ("memcpy", "ew_copy_rows", "ew_copy_planes")[len(inner)]
        e.call(function, to, source, e.size(run * itemsize), *_in_bytes(e, inner, itemsize))
    for _ in outer:
        e.line("}")


def _transposed(axes: Sequence[Axis]) -> tuple[Axis, Axis] | None:
    """The axis that is contiguous in the destination and the one that is in the source."""
    rows = [axis for axis in axes if axis.to == 1 and axis.source != 0]
    columns = [axis for axis in axes if axis.source == 1 and axis.to != 0]
    if len(rows) != 1 or len(columns) != 1 or rows == columns:
        return None
    return rows[0], columns[0]


def _open_loops(e: Emit, to: str, source: str, axes: Sequence[Axis]) -> tuple[str, str]:
    """Begin a loop per axis; the pointers of the current element."""
    for axis in axes:
        index = e.unique("i")
        e.line(f"for (int32_t {index} = 0; {index} < {e.size(axis.size)}; ++{index}) {{")
        to, source = offset(e, to, axis.to, index), offset(e, source, axis.source, index)
    return to, source


def offset(e: Emit, pointer: str, step: Size, index: str = "1") -> str:
    """A pointer expression moved by `index` steps."""
    if step == 0 or index == "0":
        return pointer
    if index == "1":
        return f"{pointer} + {e.size(step)}"
    return f"{pointer} + {index}" if step == 1 else f"{pointer} + {index} * {e.size(step)}"


def _in_bytes(e: Emit, axes: Sequence[Axis], itemsize: int) -> list[str]:
    """Length and steps of each loop as C expressions."""
    return [e.size(step) for a in axes for step in (a.size, a.to * itemsize, a.source * itemsize)]
