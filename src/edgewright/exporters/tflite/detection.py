"""What ends SSD models: a custom operator that runtimes come with."""

from __future__ import annotations

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import CUSTOM
from edgewright.exporters.tflite.rule import rule
from edgewright.graph import DType


@rule("detection_post_process")
def detection_post_process(node: ExportedNode) -> None:
    """TFLite_Detection_PostProcess, on float32 where its kernels do not take the types."""
    op, narrow = node.attrs, DType.UINT8
    encodings, scores, anchors = node.inputs()
    if encodings.type.dtype is not narrow or anchors.type.dtype is not narrow:
        encodings, anchors = node.real(encodings), node.real(anchors)
    if scores.type.dtype is not narrow:
        scores = node.real(scores)
    names = ("y_scale", "x_scale", "h_scale", "w_scale")
    node.add(
        f"{CUSTOM}TFLite_Detection_PostProcess",
        [encodings, scores, anchors],
        [node.output(i) for i in range(4)],
        num_classes=op.num_classes,
        max_detections=op.max_detections,
        max_classes_per_detection=op.max_classes_per_detection,
        detections_per_class=op.detections_per_class,
        use_regular_nms=op.regular,
        nms_score_threshold=float(op.score_threshold),
        nms_iou_threshold=float(op.iou_threshold),
        **dict(zip(names, map(float, op.scale), strict=True)),
    )
