"""Every real model in every other format: exported, run, equal, and the same when it comes back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import pytest

import edgewright as ew
from edgewright.errors import EdgewrightError
from edgewright.pipeline.convert import Conversion
from tests.exporters.canonical import canonical
from tests.models.catalog import CASES, Case
from tests.models.conftest import source

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]

#: what a format cannot express: model -> the words of the refusal
REFUSED = {
    ("mnist/models/lstm_int8.tflite", "onnx"): "lstm: an integer LSTM",
    ("detection/ssd_mobilenet_v1_coco_quant.tflite", "onnx"): "detection_post_process",
    ("trees/rf_iris.onnx", "tflite"): "tree_ensemble",
    ("trees/xgboost_classifier_tree/model.onnx", "tflite"): "tree_ensemble",
    ("trees/xgboost_regressor_tree/model.onnx", "tflite"): "tree_ensemble",
}
#: models that come back written otherwise, and why
REWRITTEN = {
    ("pose/movenet_single_pose_lightning_ptq.tflite", "onnx"): "ONNX has no FloorDiv",
    ("mnist/models/lstm_float.tflite", "onnx"): "ONNX's LSTM does not clip its cell",
    ("audio/dtln/model_2.tflite", "onnx"): "ONNX has no SquaredDifference",
    ("audio/dtln/model_quant_2.tflite", "onnx"): "ONNX has no SquaredDifference",
    ("onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx", "onnx"): "a product by one is dropped",
    ("onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx", "tflite"): "its Scan is unrolled",
    ("onnx_misc/super_resolution/pytorch_super_resolution.onnx", "tflite"): "no DepthToSpace CRD",
    ("audio/dtln/model_1.onnx", "tflite"): "an LSTM of one step becomes its products",
    ("audio/dtln/model_2.onnx", "tflite"): "an LSTM of one step becomes its products",
}
#: transposes that are the model's own work, inside of it
OWN_TRANSPOSES = {
    ("pose/movenet_single_pose_lightning_ptq.tflite", "onnx"),
    ("wakeword/alexa.tflite", "onnx"),
}
QUICK = (
    "kws/models/dscnn_int8.tflite", "cifar10/models/resnet8_mlperf.onnx", "trees/rf_iris.onnx",
    "wakeword/alexa.tflite",
)  # fmt: skip
SUBJECTS = [
    pytest.param(case, suffix, id=f"{case.id}-{suffix}",
                 marks=() if case.path in QUICK else (pytest.mark.slow,))
    for case in CASES
    for suffix in ("onnx", "tflite")
]  # fmt: skip
each = pytest.mark.parametrize(("case", "suffix"), SUBJECTS)


def as_source(suffix: str) -> bool | None:
    """The option that leaves the interface as the source has it."""
    return True if suffix == "tflite" else None


def converted(models: Path, case: Case, out: Path, verified: bool = True) -> Conversion:
    """The model in the format of `out`; skipped where that is refused."""
    path, key = source(models, case), (case.path, out.suffix[1:])
    if key in REFUSED:
        with pytest.raises(EdgewrightError) as caught:
            ew.convert(path, out, states=case.states, channels_first=as_source(out.suffix[1:]))
        assert REFUSED[key] in caught.value.render()
        assert not out.exists()
        pytest.skip(REFUSED[key])
    return ew.convert(path, out, states=case.states, verified=verified,
                      channels_first=as_source(out.suffix[1:]))  # fmt: skip


@each
def test_it_is_written_and_equal(models: Path, case: Case, suffix: str, tmp_path: Path) -> None:
    made = converted(models, case, tmp_path / f"out.{suffix}")
    assert made.proof is not None
    assert made.proof.good
    if case.quantised:
        assert max((layer.error for layer in made.layers), default=0) <= 1
    else:
        assert made.proof.error <= 1e-4
    if case.cnn and (case.path, suffix) not in OWN_TRANSPOSES:
        assert made.contents.inside == 0


@each
def test_it_comes_back_the_same(models: Path, case: Case, suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"out.{suffix}"
    made = converted(models, case, out, verified=False)
    states = {}
    if suffix == "onnx":
        graph = onnx.load(out).graph
        names = [v.name for v in graph.output]
        states = {v.name: f"{v.name}_next" for v in graph.input if f"{v.name}_next" in names}
    before = ew.load_model(models / case.path, states=case.states, lookups=False)
    after = ew.load_model(out, states=states, lookups=False)
    if (case.path, suffix) in REWRITTEN:
        assert canonical(after.module) != canonical(before.module), "take it off the list"
    else:
        assert canonical(after.module) == canonical(before.module)
    again = ew.convert(models / case.path, tmp_path / f"again.{suffix}", verified=False,
                       states=case.states, channels_first=as_source(suffix))  # fmt: skip
    assert again.bytes_after == made.bytes_after
    digests = {hashlib.sha256(p.read_bytes()).digest() for p in (out, again.path)}
    assert len(digests) == 1
