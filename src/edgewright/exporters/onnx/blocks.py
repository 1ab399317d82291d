"""Blocks of pixels moved to the channels or to the batch, and back."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.exporters.onnx.layout import CHANNELS_FIRST, Perm, arranged, identity
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


@rule("space_to_batch")
def space_to_batch(n: NodeWriter) -> None:
    """Pad, then a reshape, a transpose and a reshape: ONNX has no such operator."""
    perm, count = _order(n), len(n.op.block)
    x = n.real(n.x, perm)
    if any(any(p) for p in n.op.pads):
        borders = arranged([(0, 0), *n.op.pads, *[(0, 0)] * (len(perm) - 1 - count)], perm)
        flat = [b[0] for b in borders] + [b[1] for b in borders]
        x = n.emit("Pad", [x, n.integers(flat)], mode="constant")
    apart: list[Size] = []
    blocks, kept = [0] * count, []
    for axis in perm:
        kept.append(len(apart))
        apart.append(n.y.type.shape[axis] if axis else n.x.type.shape[0])
        if 1 <= axis <= count:
            blocks[axis - 1] = len(apart)
            apart.append(n.op.block[axis - 1])
    order = [*blocks, *kept]
    moved = n.emit("Transpose", [n.writer.reshaped(x, apart)], perm=order)
    n.finish(n.writer.reshaped(moved, arranged(n.y.type.shape, perm)), perm)


@rule("batch_to_space")
def batch_to_space(n: NodeWriter) -> None:
    """A reshape, a transpose and a reshape, then a slice."""
    perm, count = _order(n), len(n.op.block)
    given = arranged(n.x.type.shape, perm)
    apart = [*n.op.block, n.y.type.shape[0], *given[1:]]
    order, whole = [count], [n.y.type.shape[0]]
    for place, axis in enumerate(perm[1:], start=1):
        order.append(count + place)
        size = given[place]
        if axis <= count:
            order.append(axis - 1)
            size = size * n.op.block[axis - 1]
        whole.append(size)
    x = n.writer.reshaped(n.real(n.x, perm), apart)
    result = n.writer.reshaped(n.emit("Transpose", [x], perm=order), whole)
    n.finish(_cropped(n, result, whole, perm), perm)


def _order(n: NodeWriter) -> Perm:
    """The order of axes of the operand, if the batch comes first."""
    perm = n.held()
    return perm if perm[0] == 0 else identity(len(perm))


def _cropped(n: NodeWriter, x: str, shape: Sequence[Size], perm: Perm) -> str:
    axes = [a for a in range(len(n.op.block)) if any(n.op.crops[a])]
    if not axes:
        return x
    places = [perm.index(1 + a) for a in axes]
    begin = n.integers([n.op.crops[a][0] for a in axes])
    ends = [shape[p] - n.op.crops[a][1] for p, a in zip(places, axes, strict=True)]
    return n.emit("Slice", [x, begin, n.writer.shape(ends), n.integers(places)])
