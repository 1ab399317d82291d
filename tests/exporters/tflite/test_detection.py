"""Detections as LiteRT's own custom operator gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgewright.exporters.tflite import export
from edgewright.importers.tflite.reader import parse
from edgewright.ops.interpreter import Interpreter
from tests.exporters.tflite.harness import litert
from tests.ops.harness import one_node
from tests.ops.test_detection_post_process import CASES, case, narrow


def distinct(given: Any) -> Any:
    """The same case with scores of which no two are equal: LiteRT orders those as it likes."""
    op, (encodings, scores, fixed), attrs = given
    order = np.random.default_rng(3).permutation(scores.size)
    spread = (order.reshape(scores.shape) / scores.size).astype(np.float32)
    return op, [encodings, spread, fixed], attrs


@pytest.mark.parametrize("given", range(12))
def test_litert_gives_the_same(given: int) -> None:
    several = [distinct(CASES[k]) for k in (1, 3, 4, 5, 7)]
    others = [case(12, 90, 9, max_detections=2), case(13, 5, 1, max_detections=9)]
    eight = [narrow(CASES[0], "uint8"), narrow(case(11, 64, 6, max_detections=3), "int8")]
    subject = [CASES[0], CASES[2], CASES[6], *several, *eight, *others][given]
    module, feeds = one_node(subject[0], subject[1], **subject[2])
    made = export(module)
    got = list(litert(made.data, dict(zip(made.inputs, feeds.values(), strict=True))).values())
    wanted = list(Interpreter(module).run(feeds).values())
    assert got[3].tolist() == wanted[3].tolist()
    op = subject[2]
    count = int(wanted[3][0]) * (1 if op.get("regular") else op.get("max_classes_per_detection", 1))
    if not op.get("regular") and op["num_classes"] < op.get("max_classes_per_detection", 1):
        return  # LiteRT leaves places as they were
    np.testing.assert_allclose(got[0][:, :count], wanted[0][:, :count], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(got[1][:, :count], wanted[1][:, :count])
    np.testing.assert_array_equal(got[2][:, :count], wanted[2][:, :count])


def test_the_file_names_the_operator() -> None:
    module, _ = one_node(CASES[0][0], CASES[0][1], **CASES[0][2])
    made = parse(export(module).data, "model.tflite").subgraphs[0].operators
    assert [(o.code, o.custom_code) for o in made] == [("CUSTOM", "TFLite_Detection_PostProcess")]
