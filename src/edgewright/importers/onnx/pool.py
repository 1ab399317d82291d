"""MaxPool, AveragePool and their global forms."""

from __future__ import annotations

import math

from edgewright.graph import Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule
from edgewright.importers.onnx.windows import Pads, Window, window


@rule("MaxPool")
def max_pool(n: SourceNode) -> Value:
    """The largest value of each window; the indices of the maxima are not supported."""
    n.require(len([o for o in n.outputs if o]) == 1, "the Indices output is not supported")
    x = n.input(0)
    view = window(n, x, n.integers("kernel_shape") or ())
    pad = _with_ceil(n, x, view)
    y = _pool(n, "max_pool", n.to_nhwc(x), view, pad)
    return n.from_nhwc(y, x.type.rank)


@rule("AveragePool")
def average_pool(n: SourceNode) -> Value:
    """The mean of each window; `ceil_mode` adds positions that never count."""
    x = n.input(0)
    view = window(n, x, n.integers("kernel_shape") or ())
    pad = _with_ceil(n, x, view)
    nhwc = n.to_nhwc(x)
    if not n.integer("count_include_pad", 0):
        return n.from_nhwc(_pool(n, "avg_pool", nhwc, view, pad), x.type.rank)
    if pad == view.pad:
        y = _pool(n, "avg_pool", nhwc, view, pad, count_include_pad=True)
        return n.from_nhwc(y, x.type.rank)
    # The source's own padding counts, what ceil_mode adds after it does not.
    nhwc = n.add("pad", nhwc, pads=((0, 0), *view.pad, (0, 0)))
    extra = tuple((0, p[1] - q[1]) for p, q in zip(pad, view.pad, strict=True))
    y = _pool(n, "avg_pool", nhwc, view, (extra[0], extra[1]))
    return n.from_nhwc(y, x.type.rank)


def _pool(n: SourceNode, op: str, x: Value, view: Window, pad: Pads, **attrs: bool) -> Value:
    return n.add(
        op,
        x,
        kernel=view.kernel,
        stride=view.stride,
        dilation=view.dilation,
        pad=pad,
        **attrs,
    )


def _with_ceil(n: SourceNode, x: Value, view: Window) -> Pads:
    """The padding, larger at the end where `ceil_mode` asks for a last, partial window."""
    if not n.integer("ceil_mode", 0):
        return view.pad
    sizes = x.type.shape[2:] if x.type.rank == 4 else (1, x.type.shape[2])
    found = []
    for axis, size in enumerate(sizes):
        before, after = view.pad[axis]
        if not isinstance(size, int):
            n.refuse(f"ceil_mode with a run-time size {size}", "fix the input shapes")
        span = size + before + after - view.extent(axis)
        positions = math.ceil(span / view.stride[axis]) + 1
        if (positions - 1) * view.stride[axis] >= size + before:
            positions -= 1  # a window that starts in the padding after the image is dropped
        found.append((before, after + max((positions - 1) * view.stride[axis] - span, 0)))
    return found[0], found[1]


@rule("GlobalAveragePool", "GlobalMaxPool")
def global_pool(n: SourceNode) -> Value:
    """The mean or maximum over all spatial axes."""
    op = "reduce_mean" if n.op_type == "GlobalAveragePool" else "reduce_max"
    x = n.input(0)
    if x.type.rank not in (3, 4):
        return n.add(op, x, axes=tuple(range(2, x.type.rank)), keepdims=True)
    y = n.add(op, n.to_nhwc(x), axes=(1, 2), keepdims=True)
    return n.from_nhwc(y, x.type.rank)
