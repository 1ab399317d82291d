"""Drop the taps of a window that never see anything but padding."""

from __future__ import annotations

from typing import Any

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import frozen, rebuilt

Span = tuple[int, int]
NONE = ((0, 0), (0, 0))


@rewrite("conv", "depthwise_conv")
def trim_taps(graph: Graph, node: Node) -> bool:
    """Cut off the rows and columns of a kernel that lie outside the image at every position.

    Dilated pyramids have them: at a dilation of 18, a 3x3 window on a 16x16 image only ever sees
    its middle, and is a 1x1 convolution.

    Given:
        graph main(%x: float32[1,2,2,1]) -> (%y) {
          const %w: float32[1,3,3,1] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
          %y = conv(%x, %w, none) {dilation=[2, 2], pad=[[2, 2], [2, 2]]}
        }
    Result:
        graph main(%x: float32[1,2,2,1]) -> (%y) {
          const %w.1: float32[1,1,1,1] = [5.0]
          %y = conv(%x, %w.1, none) {dilation=[2, 2], pad=[[0, 0], [0, 0]]}
        }
    """
    first = 1 if node.op == "conv" else 0  # the axis of the kernel's rows in the weight
    live = [_live(node, axis, first + axis) for axis in range(2)]
    sizes = node.input(1).type.dims[first : first + 2]
    if all(span == (0, size) for span, size in zip(live, sizes, strict=True)):
        return False
    held = frozen(node.input(1))
    if held is None or held.data is None:
        return graph.keep(node, "its weight is not a constant")
    cut = tuple(slice(*span) for span in live)
    array = held.data[(slice(None),) * first + cut]
    node.attrs["pad"] = tuple(_pad(node, axis, live[axis], sizes[axis]) for axis in range(2))
    weight = rebuilt(graph, node, node.input(1), array.copy(), held.type.quant)
    graph.set_input(node, 1, weight)
    return True


def _live(node: Node, axis: int, weight_axis: int) -> Span:
    """The first tap that sees the image somewhere, and the one after the last."""
    size, count = node.input(0).type.shape[1 + axis], node.output.type.shape[1 + axis]
    taps = node.input(1).type.dims[weight_axis]
    if not isinstance(size, int) or not isinstance(count, int):
        return 0, taps
    before, after = _attr(node, "pad", NONE)[axis]
    stride, dilation = _attr(node, "stride", (1, 1))[axis], _attr(node, "dilation", (1, 1))[axis]
    live = [
        tap
        for tap in range(taps)
        if any(0 <= o * stride - before + tap * dilation < size for o in range(count))
    ]
    if not live or live[0] * dilation > before or (taps - 1 - live[-1]) * dilation > after:
        return 0, taps  # no padding is negative
    return live[0], live[-1] + 1


def _pad(node: Node, axis: int, live: Span, taps: int) -> Span:
    """The padding for which the window that is left gives the same positions."""
    before, after = _attr(node, "pad", NONE)[axis]
    dilation = _attr(node, "dilation", (1, 1))[axis]
    return before - live[0] * dilation, after - (taps - live[1]) * dilation


def _attr(node: Node, name: str, default: Any) -> Any:
    return node.attrs.get(name, default)
