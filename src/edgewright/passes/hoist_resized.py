"""Transpose images before they are enlarged."""

from __future__ import annotations

from edgewright.graph import DType, Graph, Node
from edgewright.ops.resize_bilinear import has_planes
from edgewright.passes import rewrite
from edgewright.passes.editing import become, insert, sole_feeder

TO_PLANES = (0, 3, 1, 2)


@rewrite("transpose")
def hoist_resized(graph: Graph, node: Node) -> bool:
    """Transpose the small image rather than the large one, and enlarge one channel at a time.

    Segmentation models end so. Runs after every pass that sinks transposes.

    Given:
        graph main(%x: float32[1,4,4,3]) -> (%z) {
          %y = resize_bilinear(%x) {size=[8, 8], coordinate="half_pixel"}
          %z = transpose(%y) {perm=[0, 3, 1, 2]}
        }
    Result:
        graph main(%x: float32[1,4,4,3]) -> (%z) {
          %y.1 = transpose(%x) {perm=[0, 3, 1, 2]}
          %y.2 = reshape(%y.1) {shape=[3, 4, 4, 1]}
          %y.3 = resize_bilinear(%y.2) {size=[8, 8], coordinate="half_pixel"}
          %z = reshape(%y.3) {shape=[1, 3, 8, 8]}
        }
    """
    made = sole_feeder(graph, node, 0, "resize_bilinear")
    if made is None or tuple(node.attrs["perm"]) != TO_PLANES:
        return False
    x, y = made.input(0), made.output
    if x.type.dtype is not DType.FLOAT32 or not (x.type.is_static and y.type.is_static):
        return False
    (batch, *small, channels), large = x.type.dims, y.type.dims[1:3]
    planes = [t.with_shape(batch * channels, *s, 1) for t, s in ((x.type, small), (y.type, large))]
    if channels == 1 or not has_planes(*planes):
        return graph.keep(node, f"{y} is not enlarged by so much that rows of it pay")
    turned = insert(graph, node, "transpose", [x], {"perm": TO_PLANES}, like=y)
    image = insert(graph, node, "reshape", [turned], {"shape": planes[0].shape}, like=y)
    wide = insert(graph, node, "resize_bilinear", [image], made.attrs, like=y)
    shape = {"shape": node.output.type.shape}
    become(graph, node, insert(graph, node, "reshape", [wide], shape, like=node.output))
    graph.remove(made)
    return True
