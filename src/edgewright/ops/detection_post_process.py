"""Detections from box encodings and class scores: what ends SSD models."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewright.graph import DType, Node, Quant, TensorType
from edgewright.ops import Array, Call, Emit, Op, Packing, op, require

MOST_PLACES = 1 << 20
_KINDS = {DType.FLOAT32: "EW_DETECTION_F32", DType.UINT8: "EW_DETECTION_U8",
          DType.INT8: "EW_DETECTION_S8"}  # fmt: skip
_NAMES = ("encodings", "scores", "anchors")
_CANDIDATE_BYTES, _BOX_BYTES = 8, 16
_EXP_TAIL = tuple(
    np.float32(c)
    for c in (0.000199166941, 0.00139462214, 0.00833326764, 0.0416662693, 0.166666672, 0.5)
)
Found = list[tuple[int, float, int]]  # (box, score, class)


@op("detection_post_process")
class DetectionPostProcess(Op):
    """The best of the boxes that do not overlap, their classes and scores, and their number.

    Inputs: encodings [1,N,4 or more], scores [1,N,num_classes or one more], anchors [N,4]. Each is
    float32, or 8-bit and quantised per tensor; anchors are constants (centre y, x, height,
    width, the last two not negative). An additional first column of the
    scores is a background class, which is ignored. With `scale` (y, x, height, width):

        centre = encoding / scale * anchor size + anchor centre      (y and x)
        half   = 0.5 * exp(encoding / scale) * anchor size           (height and width)

    in float32, step by step as written; boxes are (ymin, xmin, ymax, xmax). Boxes of at least
    `score_threshold` are taken in the order of their scores, of equals the first, unless a box
    that was taken before covers more than `iou_threshold` of the union with it:

    - of all boxes with the score of their best class, up to `max_detections`; each fills
      `max_classes_per_detection` places, with its best classes;
    - if `regular`, of the boxes of each class by themselves, up to `detections_per_class`, of which
      the best `max_detections` are kept, of equals those of the first class.

    Results, float32: boxes [1,M,4], classes [1,M], scores [1,M] and the number of detections [1],
    with M = max_detections * max_classes_per_detection; what is behind the last one is 0. NaN is
    the least score.
    """

    num_classes: int = 1
    max_detections: int = 1
    max_classes_per_detection: int = 1
    detections_per_class: int = 100
    regular: bool = False
    score_threshold: float = 0.0
    iou_threshold: float = 0.5
    scale: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)

    tolerance = 0.0

    def infer_node(self, node: Node) -> tuple[TensorType, ...]:
        require(len(node.inputs) == 3 and None not in node.inputs, "three inputs are needed")
        encodings, scores, anchors = (v.type for v in node.arguments)
        for name, type in (("encodings", encodings), ("scores", scores)):
            require(type.rank == 3 and type.is_static, f"{name} are {type}, not [1,N,columns]")
            require(type.shape[0] == 1, f"{name} are {type}: more than one image")
        for name, type in zip(_NAMES, (encodings, scores, anchors), strict=True):
            require(type.dtype in _KINDS, f"{name} are {type}, not float32 or 8-bit")
            whole = type.quant is None if type.dtype is DType.FLOAT32 else _is_per_tensor(type)
            require(whole, f"{name} are {type}, not quantised per tensor")
        count = encodings.dims[1]
        require(scores.dims[1] == count, f"encodings are {encodings}, scores {scores}")
        require(encodings.dims[2] >= 4, f"encodings are {encodings}, fewer than 4 columns")
        require(anchors.shape == (count, 4), f"anchors are {anchors}")
        require(node.input(2).data is not None, "the anchors must be constant")
        self._check_anchors(_real(np.asarray(node.input(2).data), anchors))
        self._check_attributes(scores.dims[2])
        places = self.max_detections * self.max_classes_per_detection
        shapes: list[tuple[int, ...]] = [(1, places, 4), (1, places), (1, places), (1,)]
        return tuple(TensorType(DType.FLOAT32, shape) for shape in shapes)

    def _check_anchors(self, anchors: Array) -> None:
        require(bool(np.isfinite(anchors).all()), "an anchor is not finite")
        require(bool((anchors[:, 2:] >= 0).all()), "an anchor has a negative size")

    def _check_attributes(self, columns: int) -> None:
        counts = ("num_classes", "max_detections", "max_classes_per_detection",
                  "detections_per_class")  # fmt: skip
        for name in counts:
            require(getattr(self, name) >= 1, f"{name} is {getattr(self, name)}")
        places = self.max_detections * self.max_classes_per_detection
        require(places <= MOST_PLACES, f"{places} detections are more than {MOST_PLACES}")
        background = columns - self.num_classes
        require(background in (0, 1), f"{columns} columns of scores for {self.num_classes} classes")
        require(0 < self.iou_threshold <= 1, f"iou_threshold is {self.iou_threshold}")
        require(not np.isnan(self.score_threshold), "score_threshold is not a number")
        sound = len(self.scale) == 4 and all(np.isfinite(s) and s != 0 for s in self.scale)
        require(sound, f"scale is {self.scale}")

    # -- the meaning ------------------------------------------------------------------------

    def reference(self, call: Call, encodings: Array, scores: Array, anchors: Array) -> Any:
        held = zip((encodings[0], scores[0], anchors), call.inputs, strict=True)
        x, score, anchors = (_real(a, t) for a, t in held)
        score = score[:, score.shape[1] - self.num_classes :]
        score = np.where(np.isnan(score), np.float32(-np.inf), score)
        with np.errstate(all="ignore"):
            boxes = self._decode(x, anchors)
            found = self._regular(boxes, score) if self.regular else self._fast(boxes, score)
        count = len(found)
        if not self.regular:
            found = [place for box, _, _ in found for place in self._classes(box, score[box])]
        places = self.max_detections * self.max_classes_per_detection
        made = [np.zeros((1, places, n), np.float32) for n in (4, 1, 1)]
        step = 1 if self.regular else min(self.max_classes_per_detection, self.num_classes)
        stride = 1 if self.regular else self.max_classes_per_detection
        for index, (box, value, kind) in enumerate(found):
            place = index // step * stride + index % step
            made[0][0, place], made[1][0, place], made[2][0, place] = boxes[box], kind, value
        return made[0], made[1][..., 0], made[2][..., 0], np.array([count], np.float32)

    def _decode(self, x: Array, anchors: Array) -> Array:
        """float32 [N,4]: ymin, xmin, ymax, xmax."""
        scaled = x[:, :4] / np.array(self.scale, np.float32)
        centre = scaled[:, :2] * anchors[:, 2:] + anchors[:, :2]
        half = np.float32(0.5) * _exp(scaled[:, 2:]) * anchors[:, 2:]
        return np.concatenate([centre - half, centre + half], axis=1)

    def _fast(self, boxes: Array, score: Array) -> Found:
        return self._suppress(boxes, score.max(axis=1), self.max_detections, 0)

    def _regular(self, boxes: Array, score: Array) -> Found:
        found: Found = []
        for kind in range(self.num_classes):
            found += self._suppress(boxes, score[:, kind], self.detections_per_class, kind)
        return sorted(found, key=lambda f: -f[1])[: self.max_detections]

    def _suppress(self, boxes: Array, score: Array, most: int, kind: int) -> Found:
        """The best boxes that do not overlap better ones."""
        order = np.argsort(-score, kind="stable")
        taken: list[int] = []
        for box in order[score[order] >= np.float32(self.score_threshold)].tolist():
            if len(taken) == most:
                break
            shared = _overlap(boxes[taken], boxes[box])
            if not (shared > np.float32(self.iou_threshold)).any():
                taken.append(box)
        return [(box, float(score[box]), kind) for box in taken]

    def _classes(self, box: int, score: Array) -> Found:
        """The best classes of a box."""
        order = np.argsort(-score, kind="stable")[: self.max_classes_per_detection]
        return [(box, float(score[k]), int(k)) for k in order]

    # -- C ----------------------------------------------------------------------------------

    def emit(self, e: Emit) -> None:
        e.header("detection.h")
        encodings, scores, anchors = e.inputs
        assert encodings is not None and scores is not None and anchors is not None
        assert anchors.data is not None
        count, columns = scores.type.dims[1:]
        fields: dict[str, Any] = {}
        for name, value in (("encodings", encodings), ("scores", scores)):
            quant = value.type.quant or Quant.per_tensor(1.0)
            numbers = e.weight(np.array([quant.scale[0], quant.zero[0]], np.float32))
            kind = _KINDS[value.type.dtype]
            fields[name] = f"{{{e.ptr(value)}, {kind}, {value.type.dims[2]}, {numbers}}}"
        fields |= {
            "anchors": e.weight(_real(anchors.data, anchors.type)),
            "scale": e.weight(np.array(self.scale, np.float32)),
            "least": e.weight(np.array([self.score_threshold, self.iou_threshold], np.float32)),
            "boxes": count,
            "classes": self.num_classes,
            "first": columns - self.num_classes,
            "most": self.max_detections,
            "repeats": self.max_classes_per_detection,
        }
        name = e.unique("detection")
        text = ", ".join(f".{key} = {value}" for key, value in fields.items())
        e.line(f"const ew_detection {name} = {{{text}}};")
        results = [e.ptr(value) for value in e.outputs]
        if self.regular:
            e.call("ew_detection_regular", *results, f"&{name}", self._own(count), e.scratch())
        else:
            e.call("ew_detection_fast", *results, f"&{name}", e.scratch())

    def _own(self, count: int) -> int:
        """Boxes that one class can give."""
        return min(count, self.detections_per_class)

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        count = node.input(0).type.dims[1]
        own = _BOX_BYTES * self._own(count) if self.regular else 0
        return max(1, _CANDIDATE_BYTES * count + own)


def _is_per_tensor(type: TensorType) -> bool:
    return type.quant is not None and type.quant.axis is None and type.quant.block is None


def _real(x: Array, type: TensorType | None) -> Array:
    """float32, as a quantised type means its integers."""
    if type is None or type.quant is None:
        return x
    scale, zero = np.float32(type.quant.scale[0]), np.float32(type.quant.zero[0])
    return np.asarray((x.astype(np.float32) - zero) * scale)


def _exp(x: Array) -> Array:
    """e**x in float32 by products and sums alone, two units of the last place off at most."""
    f = np.float32
    v = np.where(np.isnan(x), f(0), np.clip(x, f(-104), f(89)))
    k = np.rint(v * f(1.44269504))
    r = (v - k * f(0.693359375)) - k * f(-2.12194440e-4)
    tail = np.full_like(r, _EXP_TAIL[0])
    for c in _EXP_TAIL[1:]:
        tail = tail * r + c
    half = k.astype(np.int32) >> 1
    first, second = (((e + 127) << 23).view(f) for e in (half, k.astype(np.int32) - half))
    return np.where(np.isnan(x), x, (f(1) + (r + r * r * tail)) * first * second)


def _overlap(boxes: Array, box: Array) -> Array:
    """float32 [n]: what each of the boxes [n,4] and another share, in parts of their union."""
    first = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    second = (box[2] - box[0]) * (box[3] - box[1])
    low = np.where(boxes[:, :2] < box[:2], box[:2], boxes[:, :2])
    high = np.where(box[2:] < boxes[:, 2:], box[2:], boxes[:, 2:])
    side = high - low
    side = np.where(side < 0, np.float32(0), side)
    both = side[:, 0] * side[:, 1]
    is_flat = (first <= 0) | (second <= 0)
    return np.where(is_flat, np.float32(0), both / (first + second - both))
