"""Tensors that do not depend on data: Constant, ConstantOfShape, Shape, Size, Range, EyeLike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.graph import Array, DType, Size, TensorType, Value, product
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule

#: Constants that a node of a few bytes may ask for; beyond it the file is refused.
MAX_BYTES = 1 << 28


@rule("Constant")
def constant(n: SourceNode) -> Value:
    """The tensor that one of the attributes holds."""
    if n.has("value"):
        array, dtype = n.tensor("value")
        return n.constant(array, TensorType(dtype, array.shape))
    for name, dtype in (("value_float", DType.FLOAT32), ("value_floats", DType.FLOAT32),
                        ("value_int", DType.INT64), ("value_ints", DType.INT64)):  # fmt: skip
        if n.has(name):
            return n.constant(np.array(n.attribute(name), dtype.numpy))
    return n.refuse("the value is a string or sparse", "store a dense numeric tensor")


@rule("ConstantOfShape", since=9)
def constant_of_shape(n: SourceNode) -> Value:
    """One value everywhere; a constant where the shape is known."""
    fill, dtype = n.tensor("value") if n.has("value") else (np.zeros(1, np.float32), DType.FLOAT32)
    shape = n.sizes(0, "the shape")
    if all(isinstance(d, int) for d in shape):
        return _filled(n, fill, dtype, [int(str(d)) for d in shape])
    one = n.constant(fill.reshape(()), TensorType(dtype, ()))
    return n.add("expand", one, shape=shape)


def _filled(n: SourceNode, fill: Array, dtype: DType, shape: Sequence[int]) -> Value:
    if any(d < 0 for d in shape):
        n.invalid(f"the shape is {list(shape)}")
    held = int(np.prod([float(d) for d in shape])) * dtype.itemsize
    n.require(held <= MAX_BYTES, f"a constant of {held} bytes", "make the model smaller")
    return n.constant(np.full(shape, fill.reshape(()), dtype.numpy), TensorType(dtype, (*shape,)))


@rule("Shape")
def shape(n: SourceNode) -> Value:
    """The sizes from `start` to `end`; run-time sizes are remembered for shape arithmetic."""
    x = n.input(0)
    rank = x.type.rank
    start, stop = _clamp(n.integer("start", 0), rank), _clamp(n.integer("end", rank), rank)
    sizes = x.type.shape[start : max(stop, start)]
    if all(isinstance(d, int) for d in sizes):
        return n.constant(np.array(sizes, np.int64).reshape(len(sizes)))
    y = n.add("shape", x)
    if len(sizes) != rank:
        y = n.add("slice", y, begin=(start,), size=(len(sizes),), stride=(1,))
    n.builder.set_known(y, sizes)
    return y


def _clamp(index: int, rank: int) -> int:
    return min(max(index + rank if index < 0 else index, 0), rank)


@rule("Size")
def size(n: SourceNode) -> Value:
    """The number of elements."""
    x = n.input(0)
    count: Size = product(x.type.shape)
    if isinstance(count, int):
        return n.constant(np.array(count, np.int64))
    y = n.add("reduce_prod", n.add("shape", x), axes=(0,), keepdims=False)
    held = np.empty((), object)
    held[()] = count
    n.builder.sizes[y] = held
    return y


@rule("Range", since=11)
def number_range(n: SourceNode) -> Value:
    """start, start + delta, … before limit; all three must be constants."""
    start, limit, delta = (
        n.array(i, name).reshape(-1)[0] for i, name in enumerate(("start", "limit", "delta"))
    )
    if not delta:
        n.invalid("delta is 0")
    dtype = n.input(0).type.dtype
    n.require(dtype is not DType.BFLOAT16, "a range of bfloat16", "use float32")
    count = max(int(np.ceil((float(limit) - float(start)) / float(delta))), 0)
    n.require(count * dtype.itemsize <= MAX_BYTES, f"a range of {count} numbers")
    return n.constant((start + np.arange(count) * delta).astype(dtype.numpy).reshape(count))


@rule("EyeLike", since=9)
def eye_like(n: SourceNode) -> Value:
    """Ones on the diagonal `k`."""
    x = n.input(0)
    dtype = n.dtype(n.integer("dtype", 1)) if n.has("dtype") else x.type.dtype
    n.require(x.type.is_static and x.type.rank == 2, f"the shape of {x.type} is not known")
    rows, columns = x.type.dims
    n.bound(float(rows) * columns, "a matrix")
    return n.constant(np.eye(rows, columns, n.integer("k", 0)).astype(dtype.numpy))


@rule("Identity", "Dropout")
def same(n: SourceNode) -> list[Value | None]:
    """The operand itself; a Dropout's mask is all true in inference."""
    if n.op_type == "Dropout" and len(n.inputs) > 2 and n.optional(2) is not None:
        n.require(
            not n.array(2, "training_mode").any(), "training_mode is true", "export for inference"
        )
    results: list[Value | None] = [n.input(0)]
    if len(n.outputs) > 1 and n.outputs[1]:
        x = n.input(0)
        n.require(x.type.is_static, "the mask of a tensor with run-time sizes")
        n.bound(float(np.prod(x.type.dims, dtype=float)), "a mask")
        results.append(n.constant(np.ones(x.type.dims, np.bool_), name="mask"))
    return results


@rule("Cast", "CastLike")
def cast(n: SourceNode) -> Value:
    """Another element type; float values are cut towards zero."""
    x = n.input(0)
    to = n.input(1).type.dtype if n.op_type == "CastLike" else n.dtype(n.integer("to", 0))
    return n.cast(x, to)
