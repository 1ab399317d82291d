"""Blocks of pixels moved to the channels or to the batch, and back."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.exporters.onnx.layout import CHANNELS_FIRST
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.graph import Size


@rule("depth_to_space")
def depth_to_space(n: NodeWriter) -> None:
    """DepthToSpace."""
    x = n.real(n.x, CHANNELS_FIRST)
    mode = n.op.mode.upper()
    n.finish(n.emit("DepthToSpace", [x], blocksize=n.op.block, mode=mode), CHANNELS_FIRST)


@rule("space_to_depth")
def space_to_depth(n: NodeWriter) -> None:
    """SpaceToDepth, which knows one order of channels; the other is shuffled by hand."""
    x, block = n.real(n.x, CHANNELS_FIRST), n.op.block
    if n.op.mode == "dcr":
        n.finish(n.emit("SpaceToDepth", [x], blocksize=block), CHANNELS_FIRST)
        return
    batch, height, width, channels = n.x.type.shape
    apart = (batch, channels, height // block, block, width // block, block)
    moved = n.emit("Transpose", [n.writer.reshaped(x, apart)], perm=[0, 1, 3, 5, 2, 4])
    flat = (batch, channels * block * block, height // block, width // block)
    n.finish(n.writer.reshaped(moved, flat), CHANNELS_FIRST)


def _plane(n: NodeWriter) -> int:
    """How many axes are cut into blocks."""
    return len(n.op.block)


@rule("space_to_batch")
def space_to_batch(n: NodeWriter) -> None:
    """Pad, then a reshape, a transpose and a reshape: ONNX has no such operator."""
    count, shape = _plane(n), list(n.x.type.shape)
    x = n.real(n.x)
    if any(any(p) for p in n.op.pads):
        borders = [(0, 0), *n.op.pads, *[(0, 0)] * (len(shape) - 1 - count)]
        flat = [b[0] for b in borders] + [b[1] for b in borders]
        x = n.emit("Pad", [x, n.integers(flat)], mode="constant")
    sizes = n.y.type.shape[1 : 1 + count]
    apart: list[Size] = [shape[0]]
    for size, block in zip(sizes, n.op.block, strict=True):
        apart += [size, block]
    rest = shape[1 + count :]
    perm = [*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count, 2)]
    moved = _moved(n, x, [*apart, *rest], perm)
    n.finish(n.writer.reshaped(moved, n.y.type.shape))


@rule("batch_to_space")
def batch_to_space(n: NodeWriter) -> None:
    """A reshape, a transpose and a reshape, then a slice."""
    count, shape = _plane(n), list(n.x.type.shape)
    batch, sizes, rest = n.y.type.shape[0], shape[1 : 1 + count], shape[1 + count :]
    perm = [count]
    for axis in range(count):
        perm += [count + 1 + axis, axis]
    moved = _moved(n, n.real(n.x), [*n.op.block, batch, *sizes, *rest], perm)
    whole = [size * block for size, block in zip(sizes, n.op.block, strict=True)]
    result = n.writer.reshaped(moved, [batch, *whole, *rest])
    axes = [a for a in range(count) if any(n.op.crops[a])]
    if axes:
        begin = n.integers([n.op.crops[a][0] for a in axes])
        ends = n.writer.shape([whole[a] - n.op.crops[a][1] for a in axes])
        result = n.emit("Slice", [result, begin, ends, n.integers([1 + a for a in axes])])
    n.finish(result)


def _moved(n: NodeWriter, x: str, shape: Sequence[Size], perm: Sequence[int]) -> str:
    """A reshape and a transpose; axes behind those of `perm` stay."""
    whole = [*perm, *range(len(perm), len(shape))]
    return n.emit("Transpose", [n.writer.reshaped(x, shape)], perm=whole)
