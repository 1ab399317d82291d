"""Custom operators: TFLite_Detection_PostProcess read back, refused, and on a real detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flatbuffers import flexbuffers

import edgewright as ew
from edgewright.errors import Problems, UnsupportedModel
from edgewright.exporters.tflite import export
from edgewright.importers.tflite.flexbuffer import read_map
from edgewright.importers.tflite.reader import parse
from tests.exporters.tflite.harness import litert
from tests.importers.tflite.single import load
from tests.ops.harness import one_node
from tests.ops.test_detection_post_process import CASES

OPTIONS = {
    "num_classes": 3, "max_detections": 10, "max_classes_per_detection": 1,
    "nms_score_threshold": 0.25, "nms_iou_threshold": 0.5,
    "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0,
}  # fmt: skip


def file_with(options: Any) -> bytes:
    """A file of one such operator, with these options (bytes, or what makes a map)."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    op, operands, attrs = CASES[0]
    module, _ = one_node(op, operands, **attrs)
    model = schema.ModelT.InitFromPackedBuf(export(module).data, 0)
    content = options
    if not isinstance(options, bytes):
        builder = flexbuffers.Builder()
        builder.Add(options)
        content = bytes(builder.Finish())
    model.subgraphs[0].operators[0].customOptions = np.frombuffer(content, np.uint8)
    packed = flatbuffers.Builder()
    packed.Finish(model.Pack(packed), file_identifier=b"TFL3")
    return bytes(packed.Output())


def imported(options: Any) -> dict[str, Any]:
    """The attributes of the operator."""
    return dict(load(file_with(options)).main.nodes[-1].attrs)


def test_options_of_all_kinds() -> None:
    assert imported(OPTIONS) == {
        "num_classes": 3, "max_detections": 10, "max_classes_per_detection": 1,
        "detections_per_class": 100, "regular": False, "score_threshold": 0.25,
        "iou_threshold": 0.5, "scale": (10.0, 10.0, 5.0, 5.0),
    }  # fmt: skip
    more = imported(OPTIONS | {"use_regular_nms": True, "detections_per_class": 7, "y_scale": 8})
    assert (more["regular"], more["detections_per_class"]) == (True, 7)
    assert more["scale"] == (8.0, 10.0, 5.0, 5.0)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (b"", "options are damaged"),
        (b"\xff\x24\x01", "options are damaged"),
        ({k: v for k, v in OPTIONS.items() if k != "h_scale"}, "h_scale is missing"),
        (OPTIONS | {"max_detections": "ten"}, "max_detections is missing"),
        (OPTIONS | {"max_detections": 2.5}, "max_detections is 2.5"),
        (OPTIONS | {"max_detections": 1 << 40}, "more than"),
        (OPTIONS | {"max_detections": -1}, "max_detections is -1"),
        (OPTIONS | {"num_classes": 90}, "columns of scores for 90"),
        (OPTIONS | {"y_scale": float("nan")}, "y_scale is nan"),
        (OPTIONS | {"y_scale": float("inf")}, "y_scale is inf"),
        (OPTIONS | {"nms_iou_threshold": 0.0}, "iou_threshold"),
    ],
)
def test_options_without_a_meaning_are_refused(options: Any, what: str) -> None:
    with pytest.raises((UnsupportedModel, Problems), match=what) as caught:
        imported(options)
    assert "TFLite_Detection_PostProcess #0" in str(caught.value)


def test_a_custom_operator_is_not_taken_for_a_builtin_one() -> None:
    content = file_with(OPTIONS).replace(b"TFLite_Detection_PostProcess", b"RELU".ljust(28, b"\0"))
    with pytest.raises((UnsupportedModel, Problems), match="not supported"):
        load(content)


@pytest.mark.models
@pytest.mark.slow
def test_a_real_detector(models: Path, tmp_path: Path) -> None:
    from PIL import Image

    path = models / "detection" / "ssd_mobilenet_v1_coco_quant.tflite"
    photo = path.with_name("cats_and_dogs.jpg")
    if not path.exists():
        pytest.skip(f"{path} is absent; see MANIFEST.md of the models")
    held = read_map(parse(path.read_bytes(), path.name).subgraphs[0].operators[-1].custom_options)
    assert held["max_detections"] == 10 and held["num_classes"] == 90
    image = np.asarray(Image.open(photo).convert("RGB").resize((300, 300), 2))[None]
    package = ew.build(path, out=tmp_path / "ssd")
    feeds = {"normalized_input_image_tensor": image}
    ours = list(package.run(feeds).values())
    theirs = list(litert(path.read_bytes(), feeds).values())
    np.testing.assert_allclose(ours[0], theirs[0], rtol=0, atol=3e-7)
    for a, b in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_array_equal(a, b)
