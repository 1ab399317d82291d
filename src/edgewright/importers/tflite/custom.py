"""Custom operators that TensorFlow Lite itself comes with."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgewright.errors import InvalidModel
from edgewright.graph import Value
from edgewright.importers.tflite.flexbuffer import Number, read_map
from edgewright.importers.tflite.node import SourceNode
from edgewright.importers.tflite.rule import rule

_SCALES = ("y_scale", "x_scale", "h_scale", "w_scale")
_DETECTIONS_PER_CLASS = 100  # where the file does not say


@rule("custom TFLite_Detection_PostProcess")
def detection_post_process(node: SourceNode) -> list[Value]:
    """Decoding and suppression."""
    options = _Options(node)
    node.require(node.count() == 3, f"{node.count()} inputs instead of 3")
    node.require(len(node.outputs) == 4, f"{len(node.outputs)} outputs instead of 4")
    node.constant(2, "the anchors")
    return node.add_all(
        "detection_post_process",
        node.inputs(),
        num_classes=options.whole("num_classes"),
        max_detections=options.whole("max_detections"),
        max_classes_per_detection=options.whole("max_classes_per_detection"),
        detections_per_class=options.whole("detections_per_class", _DETECTIONS_PER_CLASS),
        regular=bool(options.whole("use_regular_nms", 0)),
        score_threshold=options.real("nms_score_threshold"),
        iou_threshold=options.real("nms_iou_threshold"),
        scale=tuple(options.real(name) for name in _SCALES),
    )


class _Options:
    """The numbers of a custom operator's options."""

    def __init__(self, node: SourceNode) -> None:
        self.node = node
        try:
            self.held: Mapping[str, Number] = read_map(node.operator.custom_options)
        except InvalidModel as error:
            raise node.fail(error.what) from None

    def real(self, name: str) -> float:
        """A number as float32."""
        self.node.require(name in self.held, f"the option {name} is missing")
        value = self.held[name]
        self.node.require(abs(value) < 3.4e38, f"the option {name} is {value}")
        return float(np.float32(value))

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number; `default` where the option is absent."""
        if name not in self.held and default is not None:
            return default
        value = self.real(name)
        self.node.require(math.floor(value) == value, f"the option {name} is {value}")
        return int(value)
