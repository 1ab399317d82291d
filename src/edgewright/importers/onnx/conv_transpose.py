"""ConvTranspose."""

from __future__ import annotations

from edgewright.graph import Size, Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule
from edgewright.importers.onnx.windows import Pair, Window, explicit_pads, split_pad, window


@rule("ConvTranspose")
def conv_transpose(n: SourceNode) -> Value:
    """[N,I,H,W] scattered through [I,O/groups,KH,KW]."""
    x, w = n.input(0), n.input(1)
    groups = n.integer("group", 1)
    if w.type.rank != x.type.rank or groups < 1 or x.type.shape[1] != w.type.dims[0]:
        n.invalid(f"{x.type.shape[1]} channels in {groups} groups, the weight is {w.type}")
    view = window(n, x, n.integers("kernel_shape") or w.type.dims[2:])
    extra = _pair(n, "output_padding", x.type.rank - 2, 0)
    pads = _pads(n, x, view, extra)
    y = n.add(
        "conv_transpose",
        n.to_nhwc(x),
        _weight(n, w, groups),
        n.optional(2),
        stride=view.stride,
        dilation=view.dilation,
        pad=(pads[0], pads[1]),
        output_pad=extra,
        groups=groups,
    )
    return n.from_nhwc(y, x.type.rank)


def _weight(n: SourceNode, w: Value, groups: int) -> Value:
    """[I,O/groups,KH,KW] as [O,KH,KW,I/groups]: the groups move to the output axis."""
    if w.type.rank == 3:
        w = n.expand_weight(w, 2)
    if groups == 1:
        return n.transpose(w, (1, 2, 3, 0))
    inputs, outputs, height, width = w.type.dims
    split = n.reshape(w, (groups, inputs // groups, outputs, height, width))
    moved = n.transpose(split, (0, 2, 3, 4, 1))
    return n.reshape(moved, (groups * outputs, height, width, inputs // groups))


def _pair(n: SourceNode, name: str, count: int, missing: int) -> Pair:
    values = n.integers(name) or (missing,) * count
    if len(values) != count or min(values) < 0:
        n.invalid(f"{name} is {list(values)}, but there are {count} spatial axes")
    return (missing, values[0]) if count == 1 else (values[0], values[1])


def _pads(n: SourceNode, x: Value, view: Window, extra: Pair) -> list[Pair]:
    """What is cut from the scattered result, from `output_shape`, `auto_pad` or `pads`."""
    count = x.type.rank - 2
    mode = n.text("auto_pad", "NOTSET")
    shape = n.integers("output_shape")
    if shape is None and mode in ("NOTSET", "VALID"):
        pads = explicit_pads(n, count) if mode == "NOTSET" else [(0, 0)] * count
        return [(0, 0), *pads] if count == 1 else pads
    sizes: tuple[Size, ...] = x.type.shape[2:] if count == 2 else (1, x.type.shape[2])
    wanted = None if shape is None else (1, *shape[-count:])[-2:]
    found = []
    for axis, size in enumerate(sizes):
        if not isinstance(size, int):
            n.refuse(f"the padding depends on a run-time size {size}", "state pads explicitly")
        target = wanted[axis] if wanted else size * view.stride[axis]
        total = (size - 1) * view.stride[axis] + extra[axis] + view.extent(axis) - target
        n.require(total >= 0, f"an output of {target} is larger than the scattered result")
        found.append(split_pad("SAME_UPPER" if mode == "SAME_UPPER" else "SAME_LOWER", total))
    return found
