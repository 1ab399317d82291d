"""What ends SSD models: a custom operator that runtimes come with."""

from __future__ import annotations

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import CUSTOM
from edgewright.exporters.tflite.rule import rule


@rule("detection_post_process")
def detection_post_process(node: ExportedNode) -> None:
    """TFLite_Detection_PostProcess on float32: its quantised anchors are no copy of ours."""
    op = node.attrs
    names = ("y_scale", "x_scale", "h_scale", "w_scale")
    node.add(
        f"{CUSTOM}TFLite_Detection_PostProcess",
        [node.real(node.input(0)), node.real(node.input(1)), node.input(2)],
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
