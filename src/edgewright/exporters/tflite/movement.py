"""Operators that move data."""

from __future__ import annotations

import numpy as np

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule
from edgewright.exporters.tflite.serialize import tensor_type
from edgewright.graph import DType, Size, TensorType

MOST_SLICED = 5
MOST_TRANSPOSED = 6
MOST_PADDED = 5


@rule("reshape")
def reshape(node: ExportedNode) -> None:
    """RESHAPE to a shape with at most one run-time size."""
    node.reshape(node.input(0), *node.type.shape, output=node.output())


@rule("transpose")
def transpose(node: ExportedNode) -> None:
    """TRANSPOSE."""
    x = node.input(0)
    node.require(x.type.rank <= MOST_TRANSPOSED, f"{x.type.rank} axes in another order")
    node.add("TRANSPOSE", [x, node.ints(node.attrs.perm, "perm")], node.output())


@rule("expand")
def expand(node: ExportedNode) -> None:
    """BROADCAST_TO."""
    shape = node.shape(node.type.shape, is_exact=True)
    node.add("BROADCAST_TO", [node.input(0), shape], node.output())


@rule("tile")
def tile(node: ExportedNode) -> None:
    """TILE."""
    repeats = node.shape(node.attrs.repeats, "repeats", is_exact=True)
    node.add("TILE", [node.input(0), repeats], node.output())


@rule("concat")
def concat(node: ExportedNode) -> None:
    """CONCATENATION; operands of another quantisation are brought to the result's before.

    But for uint8: its kernels do so themselves. A TRANSPOSE brings the result in order.
    """
    parts = []
    for part in node.inputs():
        if part.type.quant is None and node.type.quant is not None:
            part = _typed(node, part)  # integers that take the result's meaning
        elif part.type.quant != node.type.quant and part.type.dtype is not DType.UINT8:
            part = node.requantized(part, node.temporary(part.type.with_quant(node.type.quant)))
        parts.append(part)
    perm = node.attrs.perm
    joined = node.output()
    if perm:
        node.require(len(perm) <= MOST_TRANSPOSED, f"{len(perm)} axes in another order")
        shape = [node.type.shape[perm.index(axis)] for axis in range(len(perm))]
        joined = node.like(node.type, *shape)
    node.add("CONCATENATION", parts, joined, axis=node.attrs.axis,
             fused_activation_function=0)  # fmt: skip
    if perm:
        node.add("TRANSPOSE", [joined, node.ints(perm, "perm")], node.output())


def _typed(node: ExportedNode, part: Tensor) -> Tensor:
    """The same integers, as numbers of the result's quantisation."""
    if part.data is not None:
        return node.constant("part", part.data, node.type.quant)
    made = node.temporary(part.type.with_quant(node.type.quant))
    node.copy(part, made)
    return made


@rule("split")
def split(node: ExportedNode) -> None:
    """SPLIT into equal parts, else SPLIT_V."""
    x, axis, sizes = node.input(0), node.attrs.axis, node.attrs.sizes
    outputs = [node.output(i) for i in range(len(node.node.outputs))]
    at = node.scope.shared("axis", np.asarray(axis, np.int32))
    node.require(all(isinstance(s, int) for s in sizes), "sizes that are known only at run time")
    if len(set(sizes)) == 1:
        node.add("SPLIT", [at, x], outputs, num_splits=len(sizes))
    else:
        node.add("SPLIT_V", [x, node.ints(sizes, "sizes"), at], outputs, num_splits=len(sizes))


@rule("slice")
def slice_(node: ExportedNode) -> None:
    """SLICE, or STRIDED_SLICE where there is a stride."""
    x, op = node.input(0), node.attrs
    node.require(x.type.rank <= MOST_SLICED, f"a slice of {x.type.rank} axes")
    fixed = all(isinstance(b, int) for b in op.begin)
    node.require(fixed, "a slice that begins where only run time tells")
    if all(s == 1 for s in op.stride):
        size = [_slice_size(node, a) for a in range(x.type.rank)]
        node.add("SLICE", [x, node.ints(op.begin, "begin"), node.ints(size, "size")],
                 node.output())  # fmt: skip
        return
    ends = [_end(node, axis) for axis in range(x.type.rank)]
    open_ends = sum(1 << axis for axis, end in enumerate(ends) if end is None)
    numbers = node.ints([end or 0 for end in ends], "end")
    operands = [x, node.ints(op.begin, "begin"), numbers, node.ints(op.stride, "strides")]
    node.add("STRIDED_SLICE", operands, node.output(), end_mask=open_ends)


def _end(node: ExportedNode, axis: int) -> int | None:
    """Where a strided slice ends along an axis; None where it goes to the end."""
    total, op = node.value(0).type.shape[axis], node.attrs
    begin, size, stride = op.begin[axis], op.size[axis], op.stride[axis]
    if size == total and stride == 1:
        return None
    if not isinstance(size, int) or not isinstance(total, int):
        raise node.fail("a strided slice of a run-time size")
    end: int = begin + size * stride
    return None if end < 0 else min(end, total)


def _slice_size(node: ExportedNode, axis: int) -> int:
    """The size along an axis; -1 for all that is left where only run time tells."""
    size: Size = node.attrs.size[axis]
    if isinstance(size, int):
        return size
    rest = node.value(0).type.shape[axis] - node.attrs.begin[axis]
    node.require(rest == size, "a slice whose size only run time tells")
    return -1


@rule("pad")
def pad(node: ExportedNode) -> None:
    """PAD with zeros, PADV2 with another value, MIRROR_PAD; other borders are concatenated."""
    x, op = node.input(0), node.attrs
    node.require(x.type.rank <= MOST_PADDED, f"padding of {x.type.rank} axes")
    if op.mode in ("edge", "wrap"):
        _borders(node, x)
        return
    pads = node.ints(op.pads, "pads")
    if op.mode in ("reflect", "symmetric"):
        node.add("MIRROR_PAD", [x, pads], node.output(), mode=int(op.mode == "symmetric"))
    elif op.value == 0.0:
        node.add("PAD", [x, pads], node.output())
    else:
        node.add("PADV2", [x, pads, node.number(op.value, x.type)], node.output())


def _borders(node: ExportedNode, x: Tensor) -> None:
    """Copies of the outermost slices, or of those from the other end, axis by axis."""
    axes = [a for a, p in enumerate(node.attrs.pads) if tuple(p) != (0, 0)]
    if not axes:
        node.copy(x, node.output())
    for place, axis in enumerate(axes):
        before, after = node.attrs.pads[axis]
        size = x.type.shape[axis]
        if not isinstance(size, int):
            raise node.fail("a border along a run-time size")
        parts = [*_border(node, x, axis, before, 0), x, *_border(node, x, axis, after, size - 1)]
        if node.attrs.mode == "wrap":
            left, right = _cut(node, x, axis, size - before, before), _cut(node, x, axis, 0, after)
            parts = [*left, x, *right]
        shape = list(x.type.shape)
        shape[axis] = size + before + after
        last = place == len(axes) - 1
        target = node.output() if last else node.like(x, *shape)
        x = node.add("CONCATENATION", parts, target, axis=axis, fused_activation_function=0)


def _border(node: ExportedNode, x: Tensor, axis: int, count: int, at: int) -> list[Tensor]:
    """One slice, `count` times."""
    return _cut(node, x, axis, at, 1) * count


def _cut(node: ExportedNode, x: Tensor, axis: int, begin: int, count: int) -> list[Tensor]:
    """`count` slices from `begin`, as a list of one tensor, or of none."""
    if count == 0:
        return []
    node.require(x.type.rank <= MOST_SLICED, f"a slice of {x.type.rank} axes")
    shape = list(x.type.shape)
    shape[axis] = count
    begins = [begin if a == axis else 0 for a in range(x.type.rank)]
    sizes = [d if isinstance(d, int) else -1 for d in shape]
    operands = [x, node.ints(begins, "begin"), node.ints(sizes, "size")]
    return [node.add("SLICE", operands, node.like(x, *shape))]


@rule("gather")
def gather(node: ExportedNode) -> None:
    """GATHER; indices that are known are counted from the start."""
    x, op = node.input(0), node.attrs
    indices = _indices(node, x.type.shape[op.axis])
    node.add("GATHER", [x, indices], node.output(), axis=op.axis, batch_dims=op.batch_dims)


def _indices(node: ExportedNode, size: Size) -> Tensor:
    value = node.value(1)
    if value.data is None or not np.any(value.data < 0):
        return node.input(1)
    node.require(isinstance(size, int), "negative indices into a run-time size")
    assert isinstance(size, int)
    return node.constant("indices", np.where(value.data < 0, value.data + size, value.data))


@rule("gather_nd")
def gather_nd(node: ExportedNode) -> None:
    """GATHER_ND, which shares no axes."""
    node.require(node.attrs.batch_dims == 0, "gather_nd with shared axes")
    held = node.value(1).data
    node.require(held is None or not np.any(held < 0), "negative coordinates")
    node.add("GATHER_ND", node.inputs(), node.output())


@rule("depth_to_space", "space_to_depth")
def depth_to_space(node: ExportedNode) -> None:
    """DEPTH_TO_SPACE or SPACE_TO_DEPTH; in the other order ("crd") channels are gathered."""
    code, block = node.node.op.upper(), node.attrs.block
    x, y = node.input(0), node.output()
    area = block * block
    channels = max(int(t.type.shape[3]) for t in (x, y) if isinstance(t.type.shape[3], int))
    if node.attrs.mode == "dcr" or channels == area:  # one channel: both orders are the same
        node.add(code, [x], y, block_size=block)
        return
    order = np.arange(channels).reshape(channels // area, area).T.ravel()
    if node.node.op == "depth_to_space":
        turned = node.add("GATHER", [x, node.ints(order, "channels")], node.like(x), axis=3)
        node.add(code, [turned], y, block_size=block)
        return
    made = node.add(code, [x], node.like(y), block_size=block)
    back = np.argsort(order, kind="stable")
    node.add("GATHER", [made, node.ints(back, "channels")], y, axis=3)


@rule("space_to_batch", "batch_to_space")
def space_to_batch(node: ExportedNode) -> None:
    """SPACE_TO_BATCH_ND or BATCH_TO_SPACE_ND."""
    op = node.attrs
    is_to_batch = node.node.op == "space_to_batch"
    code = "SPACE_TO_BATCH_ND" if is_to_batch else "BATCH_TO_SPACE_ND"
    edges = node.ints(op.pads if is_to_batch else op.crops, "edges")
    node.add(code, [node.input(0), node.ints(op.block, "block"), edges], node.output())


@rule("shape")
def shape(node: ExportedNode) -> None:
    """SHAPE."""
    node.add("SHAPE", [node.input(0)], node.output(), out_type=tensor_type(DType.INT64))


@rule("lookup")
def lookup(node: ExportedNode) -> None:
    """GATHER from the table of mode "float", which LiteRT computes in, by the codes."""
    x, entries = node.input(0), node.data(1, "a table that is computed")[0]
    whole = TensorType(DType.INT32, x.type.shape)
    codes = node.add("CAST", [x], node.temporary(whole, "codes"),
                     in_data_type=tensor_type(x.type.dtype),
                     out_data_type=tensor_type(DType.INT32))  # fmt: skip
    if x.type.dtype is DType.INT8:
        entries = np.roll(entries, 128)
        codes = node.add("ADD", [codes, node.ints(128, "offset")], node.temporary(whole, "places"),
                         fused_activation_function=0)  # fmt: skip
    table = node.constant("table", entries, node.type.quant)
    node.add("GATHER", [table, codes], node.output(), axis=0, batch_dims=0)
