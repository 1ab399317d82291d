"""split: ONNX Runtime's answer, and C along every axis."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import Node


def test_reference_is_onnx_runtimes(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 7, 3), dtype=np.float32)
    split = ops.of(Node("split", [], [], {"axis": 1, "sizes": (2, 0, 5)}))
    wanted = onnx_node("Split", [x, np.array([2, 0, 5])], outputs=3, axis=1)
    for ours, theirs in zip(split.reference(ops.Call([], []), x), wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_c(rng: np.random.Generator) -> None:
    cases = []
    for dtype in (np.int8, np.int16, np.float32, np.int64):
        for axis, sizes in ((0, (1, 3)), (1, (2, 5)), (2, (17, 1, 15))):
            x = rng.integers(0, 100, (4, 7, 33)).astype(dtype)
            cases.append(("split", [x], {"axis": axis, "sizes": sizes}))
    check_ops(cases, tolerance=0.0)


def test_parts_must_add_up() -> None:
    with pytest.raises(InvalidGraph, match="do not add up"):
        one_node("split", [np.zeros((2, 3))], axis=1, sizes=(1, 1))
