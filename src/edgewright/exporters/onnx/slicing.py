"""Boxes cut out of tensors, and borders put around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from edgewright.exporters.onnx.layout import arranged
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.graph import Size

WRAP_OPSET: Final = 19
BEFORE_ALL: Final = -(2**63)


@rule("slice")
def slice_(n: NodeWriter) -> None:
    """Slice along the axes that are cut."""
    perm = n.held()
    begin, size, stride = (arranged(a, perm) for a in (n.op.begin, n.op.size, n.op.stride))
    shape = arranged(n.x.type.shape, perm)
    axes = [a for a in range(len(perm)) if (begin[a], size[a], stride[a]) != (0, shape[a], 1)]
    x = n.real(n.x, perm)
    if not axes:
        n.finish(n.emit("Identity", [x]), perm)
        return
    ends = [_end(begin[a], size[a], stride[a]) for a in axes]
    given = [n.writer.shape([begin[a] for a in axes]), n.writer.shape(ends), n.integers(axes)]
    steps = [stride[a] for a in axes]
    if any(step != 1 for step in steps):
        given.append(n.integers(steps))
    n.finish(n.emit("Slice", [x, *given]), perm)


def _end(begin: Size, size: Size, stride: int) -> Size:
    """Where a cut ends: just behind its last element, before the first axis when it runs back."""
    if stride > 0:
        last = begin + (size - 1) * stride + 1
        return begin if size == 0 else last
    last = begin + (size - 1) * stride - 1
    return BEFORE_ALL if isinstance(last, int) and last < 0 else last


@rule("pad")
def pad(n: NodeWriter) -> None:
    """Pad; a mirror image with the edge is gathered, since ONNX has none."""
    perm, mode = n.held(), n.op.mode
    pads = arranged(n.op.pads, perm)
    x = n.real(n.x, perm)
    if mode == "symmetric" or (mode == "wrap" and n.file.opset < WRAP_OPSET):
        n.finish(_gathered(n, x, pads, arranged(n.x.type.shape, perm)), perm)
        return
    given = [x, n.integers([p[0] for p in pads] + [p[1] for p in pads])]
    if mode == "constant" and n.op.value != 0:
        given.append(n.number(n.op.value, n.x.type))
    n.finish(n.emit("Pad", given, mode=mode), perm)


def _gathered(n: NodeWriter, x: str, pads: Sequence[tuple[int, int]], shape: Sequence[Size]) -> str:
    """Each padded axis gathered from itself."""
    for axis, (before, after) in enumerate(pads):
        if not before and not after:
            continue
        size = shape[axis]
        if not isinstance(size, int):
            n.refuse(f"mode {n.op.mode!r} along a run-time size {size}", "fix the input shapes")
        places = np.pad(np.arange(size), (before, after), mode=n.op.mode)
        x = n.emit("Gather", [x, n.integers([int(p) for p in places])], axis=axis)
    return x
