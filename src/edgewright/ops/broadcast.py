"""NumPy broadcasting: the shape of a result, and the loops that a C kernel needs for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgewright.errors import InvalidGraph
from edgewright.graph import Node, Size, Value, product, upper
from edgewright.ops.emit import Emit

Shape = tuple[Size, ...]


def broadcast_shape(*shapes: Shape) -> Shape:
    """The shape of an element-wise result. Raises InvalidGraph when the operands do not fit."""
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(_common(sizes, shapes) for sizes in zip(*padded, strict=True))


def _common(sizes: Sequence[Size], shapes: Sequence[Shape]) -> Size:
    wide = [size for size in sizes if size != 1]
    if any(size != wide[0] for size in wide):
        text = " and ".join(str(list(shape)) for shape in shapes)
        raise InvalidGraph(f"shapes {text} do not broadcast")
    return wide[0] if wide else 1


def meeting_axes(node: Node, axis: int) -> tuple[int | None, ...]:
    """The axis of each input that meets an axis of the output; None where it is repeated."""
    behind = node.outputs[0].type.rank - axis
    return tuple(None if value is None else _meeting(value, behind) for value in node.inputs)


def _meeting(value: Value, behind: int) -> int | None:
    """The axis with so many axes from it on, where the value has it and its size is not 1."""
    axis = value.type.rank - behind
    return axis if axis >= 0 and value.type.shape[axis] != 1 else None


@dataclass(frozen=True)
class Axis:
    """A loop: its length, and which operands advance in it (the others stay where they are)."""

    size: Size
    advances: tuple[bool, ...]


def loops(*shapes: Shape) -> list[Axis]:
    """The fewest loops over a broadcast, outermost first; neighbours that advance alike are one."""
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    found: list[Axis] = []
    for sizes in zip(*padded, strict=True):
        axis = Axis(_common(sizes, shapes), tuple(size != 1 for size in sizes))
        if axis.size == 1:
            continue
        if found and found[-1].advances == axis.advances:
            axis = Axis(found.pop().size * axis.size, axis.advances)
        found.append(axis)
    return found


def emit_batches(
    e: Emit,
    operands: Sequence[Value],
    result: Value,
    axes: int,
    body: Callable[[list[str], str], None],
) -> None:
    """Loops over all but the last `axes` axes; `body(operands, result)` gets pointers."""
    values = [*operands, result]
    shapes = [value.type.shape[:-axes] for value in values]
    inner = [product(value.type.shape[-axes:]) for value in values]
    pointers = _outer_loops(e, values, loops(*shapes), inner)
    body(pointers[:-1], pointers[-1])
    for _ in loops(*shapes):
        e.line("}")


Inner = Callable[[str, list[str], str, str], None]


def emit_loops(e: Emit, operands: Sequence[Value], result: Value, inner: Inner) -> None:
    """Write the outer loops of a broadcast and let `inner` write its innermost one.

    `inner(kind, operands, result, count)` gets one letter per operand ("v": a vector, "s": one
    element for the whole row), pointer expressions, and the length of the row.
    """
    axes = loops(*(value.type.shape for value in operands), result.type.shape)
    if _repeats_a_short_constant(axes, operands):
        _emit_repeated(e, operands, result, axes, inner)
        return
    rows, row = (axes[:-1], axes[-1]) if axes else ([], Axis(1, (True,) * (len(operands) + 1)))
    widths = [row.size if advances else 1 for advances in row.advances]
    pointers = _outer_loops(e, [*operands, result], rows, widths)
    kind = "".join("v" if advances else "s" for advances in row.advances[:-1])
    inner(kind, pointers[:-1], pointers[-1], e.size(row.size))
    for _ in rows:
        e.line("}")


ROW = 256  # elements that a row should have at least: shorter ones cost more in calls than in work


def _repeats_a_short_constant(axes: Sequence[Axis], operands: Sequence[Value]) -> bool:
    """Whether a constant vector meets every row of an image of few channels."""
    if len(axes) != 2 or not all(isinstance(axis.size, int) for axis in axes):
        return False
    rows, row = axes
    whole = [
        advances
        for advances, value in zip(rows.advances[:-1], operands, strict=True)
        if not value.is_constant
    ]
    return upper(row.size) * 4 <= ROW and all(whole) and all(row.advances) and rows.advances[-1]


def _emit_repeated(
    e: Emit, operands: Sequence[Value], result: Value, axes: Sequence[Axis], inner: Inner
) -> None:
    """Repeat the constant in the weights, so that many short rows become few long ones."""
    rows, row = (upper(axis.size) for axis in axes)
    together = min(rows, ROW // row)
    whole, rest = divmod(rows, together)
    advances = axes[0].advances
    starts = []
    for value, moves in zip([*operands, result], advances, strict=True):
        data = value.data
        repeated = None if moves or data is None else np.tile(data.ravel(), together)
        starts.append(e.ptr(value) if repeated is None else e.weight(repeated))
    kind = "v" * len(operands)
    index, width = e.unique("i"), together * row
    e.line(f"for (int {index} = 0; {index} < {whole}; ++{index}) {{")
    at = _moved(starts, advances, f" + {index} * {width}")
    inner(kind, at[:-1], at[-1], str(width))
    e.line("}")
    if rest:
        at = _moved(starts, advances, f" + {whole * width}")
        inner(kind, at[:-1], at[-1], str(rest * row))


def _moved(starts: Sequence[str], advances: Sequence[bool], by: str) -> list[str]:
    return [start + by if moves else start for start, moves in zip(starts, advances, strict=True)]


def _outer_loops(
    e: Emit, values: Sequence[Value], axes: Sequence[Axis], widths: Sequence[Size]
) -> list[str]:
    """Open the loops; pointers to where each value's `widths` elements of one step begin."""
    offsets: list[list[str]] = [[] for _ in values]
    for depth, axis in enumerate(axes):
        index = e.unique("i")
        e.line(f"for (int {index} = 0; {index} < {e.size(axis.size)}; ++{index}) {{")
        for operand, terms in enumerate(offsets):
            if axis.advances[operand]:
                below = [a.size for a in axes[depth + 1 :] if a.advances[operand]]
                stride = product((*below, widths[operand]))
                terms.append(f" + {index}" if stride == 1 else f" + {index} * {e.size(stride)}")
    return [e.ptr(value) + "".join(terms) for value, terms in zip(values, offsets, strict=True)]
