"""Let convolutions and pools pad for themselves."""

from __future__ import annotations

from typing import Any

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.editing import drop_unused, feeder

Pads = tuple[tuple[int, int], tuple[int, int]]
NONE: Pads = ((0, 0), (0, 0))


@rewrite("conv", "depthwise_conv", "avg_pool", "max_pool")
def merge_pad(graph: Graph, node: Node) -> bool:
    """Put an explicit zero padding into the `pad` attribute of the window operator that reads it.

    Given:
        graph main(%x: float32[1,4,4,2], %w: float32[3,3,3,2]) -> (%y) {
          %p = pad(%x) {pads=[[0, 0], [1, 1], [1, 1], [0, 0]]}
          %y = conv(%p, %w, none)
        }
    Result:
        graph main(%x: float32[1,4,4,2], %w: float32[3,3,3,2]) -> (%y) {
          %y = conv(%x, %w, none) {pad=[[1, 1], [1, 1]]}
        }
    """
    pad = feeder(node, 0, "pad")
    if pad is None:
        return False
    why = _obstacle(node, pad)
    if why:
        return graph.keep(node, why)
    (top, bottom), (left, right) = pad.attrs["pads"][1:3]
    (a, b), (c, d) = node.attrs.get("pad", NONE)
    node.attrs["pad"] = ((a + top, b + bottom), (c + left, d + right))
    if node.op == "avg_pool":
        node.attrs["count_include_pad"] = True
    graph.set_input(node, 0, pad.input(0))
    drop_unused(graph, pad)
    return True


def _obstacle(node: Node, pad: Node) -> str:
    """Why the padding cannot move; empty when it can."""
    pads: Any = pad.attrs["pads"]
    if pad.attrs.get("mode", "constant") != "constant" or pad.attrs.get("value", 0.0) != 0.0:
        return "the padding is not with zeros"
    if any(p != (0, 0) for p in (tuple(pads[0]), tuple(pads[3]))):
        return "batch or channels are padded too"
    if pad.output.type.quant != pad.input(0).type.quant:
        return "the padding also changes the quantisation"
    if node.op == "avg_pool":
        own = node.attrs.get("pad", NONE)
        counted = node.attrs.get("count_include_pad", False)
        return "" if own == NONE or counted else "the pool leaves its own padding out of the mean"
    return _obstacle_max(node, pad) if node.op == "max_pool" else ""


def _obstacle_max(node: Node, pad: Node) -> str:
    """A maximum leaves padding out: zeros may go where none is above the least real value."""
    made = pad.input(0).producer
    low = made.attrs.get("lo" if made.op == "clip" else "clamp") if made else None
    low = low[0] if isinstance(low, tuple) else low
    if low is None or low < 0:
        return "the padded tensor may be below zero, so that zeros would win the maximum"
    for kernel, (before, after) in zip(node.attrs["kernel"], pad.attrs["pads"][1:3], strict=True):
        if max(before, after) >= kernel or node.attrs.get("dilation", (1, 1)) != (1, 1):
            return "a window may see nothing but padding"
    return ""
