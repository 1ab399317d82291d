"""What is refused: operators that TensorFlow Lite has no builtin form of."""

from __future__ import annotations

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.rule import rule


@rule("if", "loop", "scan")
def control(node: ExportedNode) -> None:
    """Refused: regions read outer values, stack results and change shapes."""
    raise node.fail("control flow is not written", "unroll it in the source model")


@rule("tree_ensemble")
def tree_ensemble(node: ExportedNode) -> None:
    """Refused: there are no trees among the builtin operators."""
    raise node.fail("there is no builtin operator for decision trees")
