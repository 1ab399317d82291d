"""What ends SSD models."""

from __future__ import annotations

from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule


@rule("detection_post_process")
def detection_post_process(n: NodeWriter) -> None:
    """Refused: NonMaxSuppression has another order and another form of result."""
    n.refuse(
        "no ONNX operator gives these detections", "export to .tflite, or cut the model before"
    )
