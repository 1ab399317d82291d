"""detection_post_process has no ONNX operators."""

from __future__ import annotations

import pytest

from edgewright.errors import Problems, UnsupportedModel
from edgewright.exporters.onnx import export
from tests.ops.harness import one_node
from tests.ops.test_detection_post_process import CASES


def test_it_is_refused() -> None:
    module, _ = one_node(CASES[0][0], CASES[0][1], **CASES[0][2])
    with pytest.raises((Problems, UnsupportedModel), match="detection_post_process"):
        export(module)
