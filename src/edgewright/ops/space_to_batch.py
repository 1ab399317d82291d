"""Moving blocks of pixels between the batch and the plane (TensorFlow's dilated convolutions)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.graph import Size, TensorType, Value
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.pad import stored_value

Pads = tuple[tuple[int, int], ...]


def _check(name: str, x: TensorType, block: tuple[int, ...], pads: Pads) -> None:
    spatial = len(block)
    require(1 <= spatial <= 2, f"{name} over {spatial} axes; one or two are supported")
    require(len(pads) == spatial, f"{name} has {spatial} blocks and {len(pads)} pads or crops")
    require(x.rank > spatial, f"{name} over {spatial} axes of {x}")
    require(all(b >= 1 for b in block), f"{name} of block {list(block)}")
    require(all(min(p) >= 0 for p in pads), f"{name} has negative pads or crops")


def _emit(
    e: Emit, space: Value, batch: Value, blocks: Sequence[tuple[int, int]], fill: str
) -> None:
    """The call for both directions; `fill` is empty for the way back to space.

    `blocks` holds the size of a block and the pixels padded or cropped before, per axis.
    """
    spatial = len(blocks)
    (tall_block, top), (wide_block, left) = [(1, 0), *blocks][-2:]
    height, width = _plane(space.type, spatial)
    tall, wide = _plane(batch.type, spatial)
    run: Size = space.type.dtype.itemsize
    for size in space.type.shape[spatial + 1 :]:
        run = run * size
    sizes = [space.type.shape[0], height, width, tall, wide, tall_block, wide_block, top, left, run]
    e.header("movement.h")
    if fill:
        e.call(
            "ew_space_to_batch", e.ptr(batch), e.ptr(space), fill,
            space.type.dtype.itemsize, *map(e.size, sizes),
        )  # fmt: skip
    else:
        e.call("ew_batch_to_space", e.ptr(space), e.ptr(batch), *map(e.size, sizes))


def _pairs(block: tuple[int, ...], pads: Pads) -> list[tuple[int, int]]:
    return [(size, before) for size, (before, _) in zip(block, pads, strict=True)]


def _plane(type: TensorType, spatial: int) -> tuple[Size, Size]:
    """Height and width; one axis alone is the width."""
    return (type.shape[1], type.shape[2]) if spatial == 2 else (1, type.shape[1])


@op("space_to_batch")
class SpaceToBatch(Op):
    """y[(i*BW + j)*N + n, h, w, ...] = padded x[n, h*BH + i, w*BW + j, ...].

    One or two axes behind the batch are padded with zero and cut into blocks.
    """

    block: tuple[int, ...] = ()
    pads: Pads = ()

    def infer(self, x: TensorType) -> TensorType:
        _check("space_to_batch", x, self.block, self.pads)
        n: Size = x.shape[0]
        plane: list[Size] = []
        for axis, (block, (before, after)) in enumerate(zip(self.block, self.pads, strict=True)):
            padded = x.shape[1 + axis] + before + after
            require(padded // block * block == padded, f"{padded} pixels do not divide by {block}")
            plane.append(padded // block)
            n = n * block
        stored_value(0.0, x)
        return x.with_shape(n, *plane, *x.shape[1 + len(plane) :])

    def reference(self, call: Call, x: Array) -> Array:
        spatial = len(self.block)
        fill = stored_value(0.0, call.outputs[0])
        rest = ((0, 0),) * (x.ndim - 1 - spatial)
        padded = np.pad(x, ((0, 0), *self.pads, *rest), constant_values=fill)
        cut: list[int] = [x.shape[0]]
        for axis, block in enumerate(self.block):
            cut += [padded.shape[1 + axis] // block, block]
        apart = padded.reshape(*cut, *x.shape[1 + spatial :])
        blocks = [2 + 2 * axis for axis in range(spatial)]
        order = [*blocks, 0, *[b - 1 for b in blocks], *range(1 + 2 * spatial, apart.ndim)]
        moved = apart.transpose(order)
        return moved.reshape(-1, *moved.shape[1 + spatial :])

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        fill = e.weight(stored_value(0.0, y.type).reshape(1))
        _emit(e, x, y, _pairs(self.block, self.pads), fill)


@op("batch_to_space")
class BatchToSpace(Op):
    """The inverse of `space_to_batch`: blocks go back to the plane, and `crops` are cut off."""

    block: tuple[int, ...] = ()
    crops: Pads = ()

    def infer(self, x: TensorType) -> TensorType:
        _check("batch_to_space", x, self.block, self.crops)
        count = int(np.prod(self.block, dtype=np.int64))
        n = x.shape[0] // count
        require(n * count == x.shape[0], f"a batch of {x.shape[0]} does not divide by {count}")
        plane: list[Size] = []
        for axis, (block, (before, after)) in enumerate(zip(self.block, self.crops, strict=True)):
            plane.append(x.shape[1 + axis] * block - before - after)
        return x.with_shape(n, *plane, *x.shape[1 + len(plane) :])

    def reference(self, call: Call, x: Array) -> Array:
        spatial = len(self.block)
        apart = x.reshape(*self.block, -1, *x.shape[1:])
        order = [spatial]
        for axis in range(spatial):
            order += [spatial + 1 + axis, axis]
        order += range(1 + 2 * spatial, apart.ndim)
        sizes = [size * block for size, block in zip(x.shape[1:], self.block, strict=False)]
        whole = apart.transpose(order).reshape(
            apart.shape[spatial], *sizes, *x.shape[1 + spatial :]
        )
        cut = [
            slice(before, size - after)
            for size, (before, after) in zip(sizes, self.crops, strict=True)
        ]
        return whole[(slice(None), *cut)]

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        _emit(e, y, x, _pairs(self.block, self.crops), "")
