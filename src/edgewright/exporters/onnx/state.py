"""Memory between calls: ONNX has none, so that it goes in and out."""

from __future__ import annotations

from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule


@rule("read_state")
def read_state(n: NodeWriter) -> None:
    """An input of the state's name, or what was written before in this call."""
    n.writer.define(n.y, n.writer.state(n.op.state))


@rule("write_state")
def write_state(n: NodeWriter) -> None:
    """What an output of the file will be."""
    if n.writer.parent is not None:
        n.refuse(f"state {n.op.state!r} is written inside of a region", "move it outside")
    n.writer.write_state(n.op.state, n.writer.tensor(n.x))
