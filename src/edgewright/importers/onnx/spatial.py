"""Pixels moved between channels and the plane: DepthToSpace, SpaceToDepth."""

from __future__ import annotations

from edgewright.graph import Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule


@rule("DepthToSpace", "SpaceToDepth")
def move_blocks(n: SourceNode) -> Value:
    """Blocks of `blocksize` pixels; SpaceToDepth knows only the mode DCR before opset 28."""
    x, mode = n.input(0), n.text("mode", "DCR").lower()
    if x.type.rank != 4 or mode not in ("dcr", "crd"):
        n.invalid(f"mode {mode!r} on {x.type}")
    op = "depth_to_space" if n.op_type == "DepthToSpace" else "space_to_depth"
    y = n.add(op, n.to_nhwc(x), block=n.integer("blocksize", 1), mode=mode)
    return n.from_nhwc(y, 4)
