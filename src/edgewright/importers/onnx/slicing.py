"""Parts of tensors, and tensors put together: Slice, Split, Concat, Pad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.graph import Dim, Size, Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule


@rule("Slice")
def slice_by_attributes(n: SourceNode) -> Value:
    """Slice with constant bounds, stride 1."""
    starts, ends = n.integers("starts"), n.integers("ends")
    if starts is None or ends is None:
        n.invalid("starts and ends are missing")
    axes = n.integers("axes") or tuple(range(len(starts)))
    return _slice(n, n.input(0), starts=starts, ends=ends, axes=axes, steps=(1,) * len(starts))


@rule("Slice", since=10)
def slice_by_operands(n: SourceNode) -> Value:
    """Slice with bounds that are operands; known before run time, or a window of known length."""
    if (window := _window(n)) is not None:
        return window
    starts, ends = n.sizes(1, "starts"), n.sizes(2, "ends")
    axes = n.numbers(3, "axes") if n.optional(3) else tuple(range(len(starts)))
    steps = n.numbers(4, "steps") if n.optional(4) else (1,) * len(starts)
    return _slice(n, n.input(0), starts=starts, ends=ends, axes=axes, steps=steps)


def _window(n: SourceNode) -> Value | None:
    """x[start : start + length] along one axis, where only the length is known: a gather.

    A window that ONNX would cut short at the end of the axis is a run-time error.
    """
    start, end = n.input(1), n.input(2)
    if n.builder.known_sizes(start) is not None or start.type.count != 1 or n.optional(4):
        return None
    root, last = _unshaped(start), _unshaped(end)
    node = last.producer
    if node is None or node.op != "add" or root not in node.inputs:
        return None
    length = node.input(1 - node.inputs.index(root)).data
    if length is None or length.size != 1 or length.item() < 0:
        return None
    axis = n.axis(n.numbers(3, "axes")[0] if n.optional(3) else 0, n.input(0).type.rank)
    steps = n.constant(np.arange(length.item(), dtype=start.type.dtype.numpy), name="steps")
    return n.add("gather", n.input(0), n.add("add", n.reshape(start, (1,)), steps), axis=axis)


def _unshaped(value: Value) -> Value:
    """What a value was before it was reshaped."""
    while value.producer is not None and value.producer.op == "reshape":
        value = value.producer.input(0)
    return value


def _slice(
    n: SourceNode,
    x: Value,
    *,
    starts: Sequence[Size],
    ends: Sequence[Size],
    axes: Sequence[int],
    steps: Sequence[int],
) -> Value:
    if not len(starts) == len(ends) == len(axes) == len(steps):
        n.invalid(f"{len(starts)} starts, {len(ends)} ends, {len(axes)} axes, {len(steps)} steps")
    begin: list[Size] = [0] * x.type.rank
    size, stride = list(x.type.shape), [1] * x.type.rank
    for axis, first, last, step in zip(n.axes(axes, x.type.rank), starts, ends, steps, strict=True):
        if step == 0:
            n.invalid("a step is 0")
        begin[axis], size[axis] = _range(n, x.type.shape[axis], first, last, step)
        stride[axis] = step
    if tuple(size) == x.type.shape and set(stride) == {1}:
        return x
    return n.add("slice", x, begin=tuple(begin), size=tuple(size), stride=tuple(stride))


def _range(n: SourceNode, size: Size, first: Size, last: Size, step: int) -> tuple[Size, Size]:
    """(begin, count) of a Python-like range over an axis."""
    if isinstance(size, int) and isinstance(first, int) and isinstance(last, int):
        chosen = range(*slice(first, last if last > -(2**62) else None, step).indices(size))
        return (chosen.start if chosen else 0), len(chosen)
    if step != 1:
        n.refuse(f"step {step} over a run-time size {size}", "fix the input shapes")
    begin = _bound(n, first, size)
    end = _bound(n, last, size)
    return begin, end - begin


def _bound(n: SourceNode, index: Size, size: Size) -> Size:
    """An index from the front, clamped to the axis, for run-time sizes."""
    if isinstance(index, int) and index < 0:
        index = size + index
    if _bounds(index)[0] < 0:
        n.refuse(f"index {index} may be before the start of an axis of size {size}")
    over = index - size
    if _bounds(over)[0] >= 0:
        return size
    if _bounds(over)[1] > 0:
        n.refuse(f"index {index} may be beyond an axis of size {size}", "fix the input shapes")
    return index


def _bounds(size: Size) -> tuple[int, int]:
    return size.bounds() if isinstance(size, Dim) else (size, size)


@rule("Split")
def split(n: SourceNode) -> list[Value]:
    """Parts along one axis: of stated sizes, or equal ones, the last perhaps smaller."""
    x = n.input(0)
    axis = n.axis(n.integer("axis", 0), x.type.rank)
    total = x.type.shape[axis]
    sizes: Sequence[Size] | None = n.sizes(1, "split") if n.optional(1) else n.integers("split")
    if sizes is None:
        if not isinstance(total, int):
            n.refuse(f"equal parts of a run-time size {total}", "state the sizes of the parts")
        count = n.integer("num_outputs", len(n.outputs))
        if count != len(n.outputs):
            n.invalid(f"num_outputs is {count}, but there are {len(n.outputs)} outputs")
        step = -(-total // count)
        sizes = [min(step, max(total - i * step, 0)) for i in range(count)]
    if len(sizes) == 1:
        return [x]
    return n.add_all("split", [x], axis=axis, sizes=tuple(sizes))


@rule("Concat", since=4)
def concat(n: SourceNode) -> Value:
    """Tensors end to end along an axis."""
    operands = [n.input(i) for i in range(len(n.inputs))]
    if not operands:
        n.invalid("there are no operands")
    axis = n.axis(n.integer("axis", 0), operands[0].type.rank)
    return operands[0] if len(operands) == 1 else n.add("concat", *operands, axis=axis)


@rule("Pad", since=2)
def pad_by_attributes(n: SourceNode) -> Value:
    """Padding with constant amounts and value."""
    pads = n.integers("pads")
    if pads is None:
        n.invalid("pads are missing")
    return _pad(n, n.input(0), pads, n.number("value", 0.0))


@rule("Pad", since=11)
def pad_by_operands(n: SourceNode) -> Value:
    """Padding whose amounts, value and axes are operands."""
    x, given = n.input(0), n.numbers(1, "pads")
    value = float(n.array(2, "constant_value").reshape(-1)[0]) if n.optional(2) else 0.0
    if n.optional(3) is None:
        return _pad(n, x, given, value)
    axes = n.axes(n.numbers(3, "axes"), x.type.rank)
    if len(given) != 2 * len(axes):
        n.invalid(f"{len(given)} pads for {len(axes)} axes")
    pads = [0] * (2 * x.type.rank)
    for i, axis in enumerate(axes):
        pads[axis], pads[axis + x.type.rank] = given[i], given[i + len(axes)]
    return _pad(n, x, pads, value)


def _pad(n: SourceNode, x: Value, pads: Sequence[int], value: float) -> Value:
    rank, mode = x.type.rank, n.text("mode", "constant")
    if len(pads) != 2 * rank:
        n.invalid(f"{len(pads)} pads for {rank} axes")
    n.require(
        mode in ("constant", "reflect", "edge"), f"mode {mode!r}", "use constant, reflect or edge"
    )
    if min(pads, default=0) < 0:
        x = _cut(n, x, pads)
    amounts = tuple((max(pads[i], 0), max(pads[i + rank], 0)) for i in range(rank))
    if not np.any(amounts):
        return x
    return n.add("pad", x, pads=amounts, mode=mode, value=float(np.float32(value)))


def _cut(n: SourceNode, x: Value, pads: Sequence[int]) -> Value:
    """Negative padding removes elements."""
    rank = x.type.rank
    before = tuple(max(-pads[i], 0) for i in range(rank))
    after = tuple(max(-pads[i + rank], 0) for i in range(rank))
    size = tuple(d - a - b for d, a, b in zip(x.type.shape, before, after, strict=True))
    return n.add("slice", x, begin=before, size=size, stride=(1,) * rank)
