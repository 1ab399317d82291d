"""Elements chosen by indices that are known only at run time."""

from __future__ import annotations

import numpy as np

from edgewright.errors import InvalidInput
from edgewright.graph import DType, Quant, Size, TensorType, product, upper
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.strided import strides

INDEX_TYPES = (DType.INT32, DType.INT64)


def _check_indices(x: TensorType, indices: TensorType, batch_dims: int) -> None:
    require(indices.dtype in INDEX_TYPES, f"indices are {indices}, not int32 or int64")
    require(
        0 <= batch_dims <= min(x.rank, indices.rank)
        and x.shape[:batch_dims] == indices.shape[:batch_dims],
        f"{x} and {indices} have not {batch_dims} batch axes in common",
    )


def _wrapped(indices: Array, size: int) -> Array:
    """Indices from the end made positive. Raises InvalidInput outside of [-size, size)."""
    if indices.size and not (-size <= int(indices.min()) and int(indices.max()) < size):
        bad = indices[(indices < -size) | (indices >= size)][0]
        raise InvalidInput(f"index {bad} is outside an axis of {size}")
    return np.where(indices < 0, indices + size, indices)


def _quant(x: TensorType) -> Quant | None:
    return x.quant if x.quant and x.quant.axis is None else None


@op("gather")
class Gather(Op):
    """x[..., indices, ...] along `axis`; negative indices count from the end.

    With `batch_dims`, x and indices share that many leading axes. Run-time error: INDEX.
    """

    axis: int = 0
    batch_dims: int = 0

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        _check_indices(x, indices, self.batch_dims)
        require(
            self.batch_dims <= self.axis < x.rank,
            f"axis {self.axis} is outside {x} behind {self.batch_dims} batch axes",
        )
        before, after = x.shape[: self.axis], x.shape[self.axis + 1 :]
        return TensorType(x.dtype, (*before, *indices.shape[self.batch_dims :], *after), _quant(x))

    def reference(self, call: Call, x: Array, indices: Array) -> Array:
        indices = _wrapped(indices, x.shape[self.axis])
        shared = self.batch_dims
        if shared == 0:
            return np.take(x, indices, self.axis)
        rows = x.reshape(-1, *x.shape[shared:])
        wanted = indices.reshape(-1, *indices.shape[shared:])
        parts = [np.take(r, i, self.axis - shared) for r, i in zip(rows, wanted, strict=True)]
        shape = (*x.shape[: self.axis], *indices.shape[shared:], *x.shape[self.axis + 1 :])
        return (np.stack(parts) if parts else np.empty(0, x.dtype)).reshape(shape)

    def emit(self, e: Emit) -> None:
        x, indices = e.inputs
        assert x is not None and indices is not None
        shape, shared = x.type.shape, self.batch_dims
        sizes = (
            product(shape[:shared]),
            product(shape[shared : self.axis]),
            shape[self.axis],
            product(indices.type.shape[shared:]),
            product(shape[self.axis + 1 :]) * x.type.dtype.itemsize,
        )
        e.header("gather.h")
        arguments = [e.ptr(e.outputs[0]), e.ptr(x), e.ptr(indices), *map(e.size, sizes)]
        function = f"ew_gather_i{indices.type.dtype.bits}"
        e.fail_if(f"{function}({', '.join(arguments)})", "EW_ERROR_INDEX")


@op("gather_nd")
class GatherNd(Op):
    """y[b, i, ...] = x[b, indices[b, i, 0], indices[b, i, 1], ..., :]; negative ones from the end.

    The last axis of `indices` holds one coordinate per axis of x behind the `batch_dims` shared
    ones. Run-time error: INDEX.
    """

    batch_dims: int = 0

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        require(indices.rank > self.batch_dims, f"{indices} has no axis of coordinates")
        _check_indices(x, indices, self.batch_dims)
        depth = self._depth(indices)
        require(
            1 <= depth <= x.rank - self.batch_dims,
            f"{depth} coordinates for {x} behind {self.batch_dims} batch axes",
        )
        tail = x.shape[self.batch_dims + depth :]
        return TensorType(x.dtype, (*indices.shape[:-1], *tail), _quant(x))

    @staticmethod
    def _depth(indices: TensorType) -> int:
        depth = indices.shape[-1]
        require(isinstance(depth, int), f"the last axis of {indices} must be a number")
        return upper(depth)

    def reference(self, call: Call, x: Array, indices: Array) -> Array:
        shared, depth = self.batch_dims, indices.shape[-1]
        batch = x.shape[:shared]
        rows = indices.reshape(*batch, -1, depth)
        found = [_wrapped(rows[..., k], x.shape[shared + k]) for k in range(depth)]
        grid = [
            np.arange(size).reshape((-1,) + (1,) * (shared - axis))
            for axis, size in enumerate(batch)
        ]
        shape = (*indices.shape[:-1], *x.shape[shared + depth :])
        return np.reshape(x[(*grid, *found)], shape)

    def emit(self, e: Emit) -> None:
        x, indices = e.inputs
        assert x is not None and indices is not None
        shared, depth = self.batch_dims, self._depth(indices.type)
        shape, step = x.type.shape, strides(x.type.shape)
        axes = range(shared, shared + depth)
        sizes = self._table(e, "sizes", [shape[axis] for axis in axes])
        steps = self._table(e, "steps", [step[axis] * x.type.dtype.itemsize for axis in axes])
        counts: tuple[Size, ...] = (
            product(shape[:shared]),
            product(shape[shared:]) * x.type.dtype.itemsize,
            product(indices.type.shape[shared:-1]),
            depth,
            product(shape[shared + depth :]) * x.type.dtype.itemsize,
        )
        e.header("gather.h")
        arguments = [e.ptr(e.outputs[0]), e.ptr(x), e.ptr(indices), sizes, steps]
        arguments += map(e.size, counts)
        function = f"ew_gather_nd_i{indices.type.dtype.bits}"
        e.fail_if(f"{function}({', '.join(arguments)})", "EW_ERROR_INDEX")

    @staticmethod
    def _table(e: Emit, stem: str, sizes: list[Size]) -> str:
        """A small array of numbers on the stack; at most one per axis."""
        name = e.unique(stem)
        e.line(f"const int32_t {name}[] = {{{', '.join(map(e.size, sizes))}}};")
        return name
