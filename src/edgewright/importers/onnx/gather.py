"""Elements chosen by index: Gather, GatherND, GatherElements, OneHot, Trilu."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, Value
from edgewright.importers.onnx.linear import product_of
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule


@rule("Gather")
def gather(n: SourceNode) -> Value:
    """Slices of an axis; negative indices count from the end."""
    x = n.input(0)
    axis = n.axis(n.integer("axis", 0), x.type.rank)
    return n.add("gather", x, _indices(n, 1, x, axis), axis=axis)


def _indices(n: SourceNode, operand: int, x: Value, axis: int) -> Value:
    """Indices; constant ones are checked now."""
    index, size = n.input(operand), x.type.shape[axis]
    if index.data is None or not isinstance(size, int):
        return index
    if index.data.size and not (-size <= index.data.min() and index.data.max() < size):
        n.invalid(f"an index is outside axis {axis}, which has {size} elements")
    return index


@rule("GatherND", since=11)
def gather_nd(n: SourceNode) -> Value:
    """Slices chosen by index tuples."""
    return n.add("gather_nd", n.input(0), n.input(1), batch_dims=n.integer("batch_dims", 0))


@rule("GatherElements", since=11)
def gather_elements(n: SourceNode) -> Value:
    """y[i][j] = x[index[i][j]][j] for axis 0, and so on: `gather_nd` with full index tuples."""
    x, index = n.input(0), n.input(1)
    n.require(x.type.is_static and index.type.is_static, "run-time sizes", "fix the input shapes")
    axis, shape = n.axis(n.integer("axis", 0), x.type.rank), index.type.dims
    n.bound(float(np.prod(shape, dtype=float)) * len(shape), "indices")
    size = x.type.dims[axis]
    index = n.cast(index, DType.INT64)
    wrapped = n.add("add", index, n.constant(np.array(size, np.int64)))
    zero = n.constant(np.array(0, np.int64))
    index = n.add("select", n.add("less", index, zero), wrapped, index)
    places = np.meshgrid(*[np.arange(d) for d in shape], indexing="ij")
    parts = []
    for i, place in enumerate(places):
        held = index if i == axis else n.constant(place.astype(np.int64))
        parts.append(n.reshape(held, (*shape, 1)))
    return n.add("gather_nd", x, n.add("concat", *parts, axis=len(shape)), batch_dims=0)


@rule("OneHot", since=9)
def one_hot(n: SourceNode) -> Value:
    """`on` where an index equals the position along a new axis, else `off`."""
    index, values = n.input(0), n.input(2)
    depth = int(n.array(1, "depth").reshape(-1)[0])
    n.bound(depth, "a depth")
    rank = index.type.rank + 1
    axis = n.axis(n.integer("axis", -1), rank)
    index = n.cast(index, DType.INT64)
    wrapped = n.add("floor_mod", index, n.constant(np.array(depth, np.int64)))
    shape = list(index.type.shape)
    shape.insert(axis, 1)
    place = np.arange(depth, dtype=np.int64).reshape([-1 if i == axis else 1 for i in range(rank)])
    hit = n.add("equal", n.reshape(wrapped, shape), n.constant(place))
    inside = n.add(
        "logical_and",
        n.add("greater_equal", index, n.constant(np.array(-depth, np.int64))),
        n.add("less", index, n.constant(np.array(depth, np.int64))),
    )
    hit = n.add("logical_and", hit, n.reshape(inside, shape))
    off, on = (n.reshape(part, ()) for part in n.add_all("split", [values], axis=0, sizes=(1, 1)))
    return n.add("select", hit, on, off)


@rule("Trilu", since=14)
def trilu(n: SourceNode) -> Value:
    """The upper or lower triangle of the last two axes; zeros elsewhere."""
    x = n.input(0)
    rows, columns = x.type.shape[-2:]
    if not isinstance(rows, int) or not isinstance(columns, int):
        n.refuse(f"a triangle of run-time sizes {rows} and {columns}", "fix the input shapes")
    n.bound(float(rows) * columns, "a triangle")
    k = int(n.array(1, "k").reshape(-1)[0]) if n.optional(1) else 0
    ones = np.ones((rows, columns), np.bool_)
    mask = np.triu(ones, k) if n.integer("upper", 1) else np.tril(ones, k)
    return n.add("select", n.constant(mask), x, n.scalar(0, x))


@rule("CumSum", since=11)
def cumulative_sum(n: SourceNode) -> Value:
    """Running sums along an axis: a product with a triangle of ones."""
    x = n.input(0)
    axis = n.axis(int(n.array(1, "axis").reshape(-1)[0]), x.type.rank)
    size, last = x.type.shape[axis], x.type.rank - 1
    if not isinstance(size, int):
        n.refuse(f"a running sum over a run-time size {size}", "fix the input shapes")
    n.bound(float(size) * size, "a triangle")
    triangle = np.tril(np.ones((size, size)), -1 if n.integer("exclusive", 0) else 0)
    triangle = triangle[::-1, ::-1] if n.integer("reverse", 0) else triangle
    weight = n.constant(np.ascontiguousarray(triangle.T).astype(x.type.dtype.numpy))
    perm = list(range(x.type.rank))
    perm[axis], perm[last] = last, axis
    return n.transpose(product_of(n, n.transpose(x, perm), weight), perm)
