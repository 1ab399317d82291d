"""detection_post_process: C equals the reference to the last bit, and LiteRT's detections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import Operand, check_ops, const, one_node, quantised

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import Node, Quant

Array = np.ndarray[Any, Any]
SCALE = (10.0, 10.0, 5.0, 5.0)


def anchors(rng: np.random.Generator, boxes: int) -> Array:
    """float32 [boxes,4]: centres within the image, sizes of about a quarter of it."""
    centre, size = rng.random((boxes, 2)), 0.1 + 0.3 * rng.random((boxes, 2))
    return np.concatenate([centre, size], axis=1).astype(np.float32)


def case(
    seed: int, boxes: int, classes: int, background: int = 1, columns: int = 4, **attrs: Any
) -> tuple[str, list[Any], dict[str, Any]]:
    """Random float operands; scores are multiples of 1/16, so that there are equals."""
    rng = np.random.default_rng(seed)
    encodings = rng.normal(size=(1, boxes, columns)).astype(np.float32)
    scores = rng.integers(0, 17, (1, boxes, classes + background)).astype(np.float32) / 16
    operands = [encodings, scores, const(anchors(rng, boxes))]
    shared = {"num_classes": classes, "scale": SCALE, "score_threshold": 0.3, "iou_threshold": 0.4}
    return "detection_post_process", operands, shared | attrs


def narrow(given: tuple[str, list[Any], dict[str, Any]], dtype: str) -> Any:
    """The same case with 8-bit encodings and scores."""
    op, (encodings, scores, fixed), attrs = given
    zero = 128 if dtype == "uint8" else 0
    low = np.iinfo(dtype).min
    coded = np.clip(np.rint(encodings / 0.05) + zero, low, low + 255).astype(dtype)
    held = [quantised(coded, 0.05, zero)]
    held.append(quantised(np.clip(np.rint(scores * 256) + low, low, low + 255).astype(dtype),
                          1 / 256, low))  # fmt: skip
    near = np.clip(np.rint(fixed.array / 0.01), 0, 100).astype(dtype)
    return op, [*held, const(near, Quant.per_tensor(0.01, 0))], attrs


CASES = [
    case(0, 40, 3, max_detections=10),
    case(1, 33, 5, max_detections=7, max_classes_per_detection=2, columns=6),
    case(2, 50, 33, background=0, max_detections=60, max_classes_per_detection=1),
    case(3, 20, 2, max_detections=4, max_classes_per_detection=5),
    case(4, 50, 4, max_detections=10, regular=True),
    case(5, 30, 3, max_detections=90, detections_per_class=3, regular=True, background=0),
    case(6, 9, 2, max_detections=5, score_threshold=2.0),
    case(7, 60, 4, max_detections=3, regular=True, max_classes_per_detection=2),
    case(8, 1, 1, max_detections=1, score_threshold=-np.inf),
]


def run(given: tuple[str, list[Any], dict[str, Any]]) -> list[Array]:
    """The reference's results."""
    module, _ = one_node(given[0], given[1], **given[2])
    node = module.main.nodes[0]
    types = [v.type if v else None for v in node.inputs]
    call = ops.Call(types, [v.type for v in node.outputs])
    held = [o.array if isinstance(o, Operand) else o for o in given[1]]
    return list(ops.of(Node(given[0], [], [], given[2])).reference(call, *held))


def test_c_is_the_reference() -> None:
    odd = case(9, 40, 20, max_detections=20, score_threshold=-np.inf)
    rng = np.random.default_rng(1)
    odd[1][0][rng.random(odd[1][0].shape) < 0.1] = np.inf
    odd[1][0][0, :3] = np.nan
    odd[1][1][rng.random(odd[1][1].shape) < 0.3] = np.nan
    eight = [narrow(given, dtype) for given in CASES[:6] for dtype in ("uint8", "int8")]
    check_ops([*CASES, odd, *eight], tolerance=0)


def test_what_overlaps_is_left_out() -> None:
    fixed = np.array([[0.5, 0.5, 0.4, 0.4], [0.5, 0.55, 0.4, 0.4], [0.1, 0.1, 0.2, 0.2]])
    scores = np.array([[[0, 0.5, 0.25], [0, 0.75, 0], [0, 0, 0.5]]], np.float32)
    operands = [np.zeros((1, 3, 4), np.float32), scores, const(fixed.astype(np.float32))]
    attrs = {"num_classes": 2, "max_detections": 3, "score_threshold": 0.2, "scale": SCALE}
    boxes, classes, best, count = run(("detection_post_process", operands, attrs))
    np.testing.assert_allclose(boxes[0, 0], [0.3, 0.35, 0.7, 0.75], rtol=1e-6)
    assert classes.tolist() == [[0, 1, 0]] and best.tolist() == [[0.75, 0.5, 0]]
    assert count.tolist() == [2]
    regular = run(("detection_post_process", operands, attrs | {"regular": True}))
    assert regular[1].tolist() == [[0, 1, 1]] and regular[2].tolist() == [[0.75, 0.5, 0.25]]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"num_classes": 0}, "num_classes is 0"),
        ({"num_classes": 5}, "columns of scores for 5"),
        ({"max_detections": -1}, "max_detections is -1"),
        ({"max_detections": 1 << 21}, "more than"),
        ({"max_classes_per_detection": 0}, "max_classes_per_detection"),
        ({"detections_per_class": 0}, "detections_per_class"),
        ({"iou_threshold": 0.0}, "iou_threshold"),
        ({"iou_threshold": float("nan")}, "iou_threshold"),
        ({"score_threshold": float("nan")}, "score_threshold"),
        ({"scale": (1.0, 0.0, 1.0, 1.0)}, "scale"),
        ({"scale": (1.0,)}, "scale"),
    ],
)
def test_odd_attributes_are_an_error(change: dict[str, Any], what: str) -> None:
    op, operands, attrs = CASES[0]
    with pytest.raises(InvalidGraph, match=what):
        one_node(op, operands, **(attrs | change))


def test_operands_that_do_not_fit_are_an_error() -> None:
    op, (encodings, scores, fixed), attrs = CASES[0]
    less, late = const(fixed.array[1:]), fixed.array.copy()
    late[3, 2] = -0.5
    for operands, what in (
        ([encodings[:, :-1], scores, fixed], "encodings are"),
        ([encodings[..., :3], scores, fixed], "fewer than 4"),
        ([np.repeat(encodings, 2, 0), scores, fixed], "more than one image"),
        ([encodings, scores[0], fixed], "scores are"),
        ([encodings.astype(np.int32), scores, fixed], "not float32 or 8-bit"),
        ([(encodings * 9).astype(np.int8), scores, fixed], "not quantised"),
        ([encodings, scores, less], "anchors are"),
        ([encodings, scores, fixed.array], "must be constant"),
        ([encodings, scores, const(fixed.array.astype(np.uint8))], "not quantised"),
        ([encodings, scores, const(late)], "negative size"),
        ([encodings, scores, const(late * np.float32(np.inf))], "not finite"),
        ([encodings, scores, None], "three inputs"),
    ):
        with pytest.raises(InvalidGraph, match=what):
            one_node(op, operands, **attrs)
