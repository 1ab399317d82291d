"""Operators that move data: reshape, transpose, slices, concatenation, gathering, padding."""

from __future__ import annotations

from typing import Any

from edgewright.graph import Size, Value, product
from edgewright.importers.tflite.node import SourceNode
from edgewright.importers.tflite.rule import rule


def axis_of(axis: int, rank: int) -> int:
    """A non-negative axis."""
    return axis + rank if axis < 0 else axis


def resolve(shape: tuple[int, ...], x: Value) -> tuple[Size, ...]:
    """A target shape with its -1 replaced by what is left."""
    if -1 not in shape:
        return tuple(shape)
    rest: Size = 1
    for size in shape:
        rest = rest * size if size != -1 else rest
    count = x.type.count
    assert isinstance(rest, int)
    unknown = count // rest if rest else 0
    return tuple(unknown if size == -1 else size for size in shape)


@rule("RESHAPE")
def reshape(node: SourceNode) -> Value:
    """The shape is an input, an option, or what the output tensor says."""
    x = node.input(0)
    shape: tuple[int, ...] = node.outputs[0].shape
    if node.has(1) and node.input(1).data is not None:
        shape = node.ints(1, "the shape")
    elif node.option("new_shape", None):
        shape = tuple(int(d) for d in node.option("new_shape"))
    target = resolve(shape, x)
    if product(target) != x.type.count:  # a fixed batch in the file, another one asked for
        target = resolve((-1, *shape[1:]), x)
    return node.add("reshape", [x], shape=target)


@rule("SQUEEZE", "EXPAND_DIMS")
def squeeze(node: SourceNode) -> Value:
    """Unit axes taken away or added: the output tensor knows the shape."""
    x = node.input(0)
    shape: tuple[Size, ...] = node.outputs[0].shape
    if node.operator.code == "EXPAND_DIMS":
        axis = axis_of(node.ints(1, "the axis")[0], x.type.rank + 1)
        shape = (*x.type.shape[:axis], 1, *x.type.shape[axis:])
    else:
        given = [axis_of(int(a), x.type.rank) for a in node.option("squeeze_dims", []) or []]
        gone = given or [i for i, d in enumerate(x.type.shape) if d == 1]
        shape = tuple(d for i, d in enumerate(x.type.shape) if i not in gone)
    return node.add("reshape", [x], shape=shape)


@rule("TRANSPOSE")
def transpose(node: SourceNode) -> Value:
    """Axes in another order."""
    return node.add("transpose", [node.input(0)], perm=node.ints(1, "the permutation"))


@rule("CONCATENATION")
def concatenation(node: SourceNode) -> Value:
    """Tensors one after the other along an axis."""
    values = node.inputs()
    axis = axis_of(int(node.option("axis")), values[0].type.rank)
    clamp = node.clamp()
    node.require(clamp is None, "a fused activation after CONCATENATION is not supported")
    return node.add("concat", values, axis=axis)


@rule("PACK")
def pack(node: SourceNode) -> Value:
    """Stack along a new axis."""
    values = node.inputs()
    axis = axis_of(int(node.option("axis")), values[0].type.rank + 1)
    shape = values[0].type.shape
    wide = (*shape[:axis], 1, *shape[axis:])
    parts = [node.add("reshape", [v], final=False, shape=wide) for v in values]
    return node.add("concat", parts, axis=axis)


@rule("UNPACK")
def unpack(node: SourceNode) -> list[Value]:
    """Split along an axis, which goes away."""
    x = node.input(0)
    axis = axis_of(int(node.option("axis")), x.type.rank)
    shape = x.type.shape
    parts = node.add_all("split", [x], final=False, axis=axis, sizes=(1,) * len(node.outputs))
    return [
        _named(node, i, part, (*shape[:axis], *shape[axis + 1 :])) for i, part in enumerate(parts)
    ]


def _named(node: SourceNode, index: int, part: Value, shape: tuple[Size, ...]) -> Value:
    """One of several outputs, reshaped, with its own name."""
    whole = node.outputs
    node.outputs = [whole[index]]
    try:
        return node.add("reshape", [part], shape=shape)
    finally:
        node.outputs = whole


@rule("SPLIT", "SPLIT_V")
def split(node: SourceNode) -> list[Value]:
    """SPLIT has its axis first and equal parts; SPLIT_V names the sizes."""
    if node.operator.code == "SPLIT":
        x, axis = node.input(1), node.ints(0, "the axis")[0]
        sizes: tuple[int, ...] = ()
    else:
        x, axis = node.input(0), node.ints(2, "the axis")[0]
        sizes = node.ints(1, "the sizes")
    axis = axis_of(axis, x.type.rank)
    total = x.type.shape[axis]
    node.require(isinstance(total, int), "the split axis must have a fixed size")
    assert isinstance(total, int)
    parts = len(node.outputs)
    if not sizes:
        node.require(total % parts == 0, f"{total} cannot be split into {parts} equal parts")
        sizes = (total // parts,) * parts
    if -1 in sizes:
        rest = total - sum(s for s in sizes if s >= 0)
        sizes = tuple(rest if s == -1 else s for s in sizes)
    return node.add_all("split", [x], axis=axis, sizes=sizes)


@rule("SLICE")
def slice_(node: SourceNode) -> Value:
    """Begin and size; -1 means all that is left."""
    x = node.input(0)
    begin, size = node.ints(1, "the begin"), node.ints(2, "the size")
    taken = tuple(
        total - b if s == -1 else s for total, b, s in zip(x.type.shape, begin, size, strict=True)
    )
    return node.add("slice", [x], begin=begin, size=taken, stride=(1,) * len(begin))


@rule("STRIDED_SLICE")
def strided_slice(node: SourceNode) -> Value:
    """NumPy's basic slicing, with bit masks for what is left out."""
    x = node.input(0)
    node.require(not node.option("ellipsis_mask") and not node.option("new_axis_mask"),
                 "ellipsis and new-axis masks are not supported")  # fmt: skip
    begin, end, step = (node.ints(i, w) for i, w in ((1, "begin"), (2, "end"), (3, "the strides")))
    begins: list[int] = []
    sizes: list[Size] = []
    kept: list[Size] = []
    for axis, total in enumerate(x.type.shape):
        first, size = _range(node, axis, total, begin, end, step)
        begins.append(first)
        sizes.append(size)
        if not _bit(node, "shrink_axis_mask", axis):
            kept.append(size)
    strides = (*step, *[1] * (x.type.rank - len(step)))
    attrs: dict[str, Any] = {"begin": tuple(begins), "size": tuple(sizes), "stride": strides}
    if len(kept) == len(sizes):
        return node.add("slice", [x], **attrs)
    part = node.add("slice", [x], final=False, **attrs)
    return node.add("reshape", [part], shape=tuple(kept))


def _bit(node: SourceNode, mask: str, axis: int) -> bool:
    return bool(int(node.option(mask)) >> axis & 1)


def _range(
    node: SourceNode, axis: int, total: Size,
    begin: tuple[int, ...], end: tuple[int, ...], step: tuple[int, ...],
) -> tuple[int, Size]:  # fmt: skip
    """First index and number of elements along one axis."""
    if axis >= len(begin):
        return 0, total
    if not isinstance(total, int):
        whole = _bit(node, "begin_mask", axis) and _bit(node, "end_mask", axis) and step[axis] == 1
        node.require(whole, "a run-time axis can only be taken whole")
        return 0, total
    node.require(step[axis] != 0, "the stride is 0")
    if _bit(node, "shrink_axis_mask", axis):
        first = axis_of(begin[axis], total)
        node.require(0 <= first < total, f"index {begin[axis]} of {total}")
        return first, 1
    taken = range(total)[
        slice(
            None if _bit(node, "begin_mask", axis) else begin[axis],
            None if _bit(node, "end_mask", axis) else end[axis],
            step[axis],
        )
    ]
    return (taken.start if len(taken) else 0), len(taken)


@rule("PAD", "PADV2", "MIRROR_PAD")
def pad(node: SourceNode) -> Value:
    """Zeros, a given value, or the mirrored border around the tensor."""
    x = node.input(0)
    flat = node.ints(1, "the padding")
    pads = tuple((flat[2 * i], flat[2 * i + 1]) for i in range(len(flat) // 2))
    if node.operator.code == "MIRROR_PAD":
        mode = "reflect" if int(node.option("mode")) == 0 else "symmetric"
        return node.add("pad", [x], pads=pads, mode=mode)
    value = 0.0
    if node.operator.code == "PADV2":
        stored = float(node.constant(2, "the pad value").ravel()[0])
        quant = node.input(2).type.quant
        value = (stored - quant.zero[0]) * quant.scale[0] if quant else stored
    return node.add("pad", [x], pads=pads, mode="constant", value=value)


@rule("GATHER")
def gather(node: SourceNode) -> Value:
    """Rows of a table."""
    x = node.input(0)
    axis = axis_of(int(node.option("axis")), x.type.rank)
    return node.add("gather", [x, node.input(1)], axis=axis,
                    batch_dims=int(node.option("batch_dims")))  # fmt: skip


@rule("GATHER_ND")
def gather_nd(node: SourceNode) -> Value:
    """Elements or slices by index tuples."""
    return node.add("gather_nd", node.inputs(), batch_dims=0)


@rule("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def depth_to_space(node: SourceNode) -> Value:
    """Channels to pixels or back, in TensorFlow's order."""
    return node.add(node.operator.code.lower(), [node.input(0)],
                    block=int(node.option("block_size")), mode="dcr")  # fmt: skip


@rule("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")
def space_to_batch(node: SourceNode) -> Value:
    """Pixels to batches or back."""
    flat = node.ints(2, "the padding")
    pads = tuple((flat[2 * i], flat[2 * i + 1]) for i in range(len(flat) // 2))
    block = node.ints(1, "the block")
    if node.operator.code == "SPACE_TO_BATCH_ND":
        return node.add("space_to_batch", [node.input(0)], block=block, pads=pads)
    return node.add("batch_to_space", [node.input(0)], block=block, crops=pads)


@rule("TILE")
def tile(node: SourceNode) -> Value:
    """Repeats along each axis."""
    return node.add("tile", [node.input(0)], repeats=node.ints(1, "the repeats"))


@rule("BROADCAST_TO")
def broadcast_to(node: SourceNode) -> Value:
    """A tensor repeated to a larger shape."""
    return node.add("expand", [node.input(0)], shape=node.ints(1, "the shape"))


@rule("SHAPE")
def shape(node: SourceNode) -> Value:
    """Sizes: a constant when they are fixed."""
    import numpy as np

    sizes = node.input(0).type.shape
    node.require(
        all(isinstance(d, int) for d in sizes), "run-time sizes cannot be read as data yet"
    )
    dtype = node.output_type().dtype.numpy
    return node.make_constant(node.outputs[0].name, np.array(sizes, dtype))
