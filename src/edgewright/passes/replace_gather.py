"""Slice where the indices of a gather are evenly spaced constants."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import has_scales
from edgewright.passes.editing import become, insert


@rewrite("gather")
def replace_gather(graph: Graph, node: Node) -> bool:
    """Turn a gather of evenly spaced positions into a slice, which other passes understand.

    Given:
        graph main(%x: float32[2,6]) -> (%y) {
          const %i: int64[3] = [1, 3, 5]
          %y = gather(%x, %i) {axis=1}
        }
    Result:
        graph main(%x: float32[2,6]) -> (%y) {
          %y = slice(%x) {begin=[0, 1], size=[2, 3], stride=[1, 2]}
        }
    """
    x, indices = node.input(0), node.input(1).data
    axis = node.attrs.get("axis", 0) % x.type.rank
    count = x.type.shape[axis]
    if indices is None or indices.ndim > 1 or indices.size == 0 or not isinstance(count, int):
        return False
    if node.attrs.get("batch_dims", 0) or has_scales(x.type):
        return False
    places = [int(i) % count for i in indices.ravel() if -count <= i < count]
    step = places[1] - places[0] if len(places) > 1 else 1
    if step == 0 or places != [places[0] + k * step for k in range(indices.size)]:
        return graph.keep(node, "its indices are not evenly spaced")
    begin, stride = [0] * x.type.rank, [1] * x.type.rank
    begin[axis], stride[axis] = places[0], step
    size = (*x.type.shape[:axis], len(places), *x.type.shape[axis + 1 :])
    attrs = {"begin": tuple(begin), "size": size, "stride": tuple(stride)}
    y = insert(graph, node, "slice", [x], attrs, like=node.output)
    if indices.ndim == 0:
        y = insert(graph, node, "reshape", [y], {"shape": node.output.type.shape}, like=node.output)
    return become(graph, node, y)
