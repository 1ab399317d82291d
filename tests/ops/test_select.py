"""select: ONNX Runtime's Where, and C over broadcasts of every element size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright.errors import InvalidGraph

SHAPES = (
    ((3, 37), (3, 37), (3, 37)),
    ((3, 1), (3, 17), (17,)),
    ((1,), (2, 3, 5), (2, 1, 5)),
    ((2, 3, 5), (), (5,)),
    ((), (4,), ()),
)


def test_c_is_onnx_runtimes_where(rng: np.random.Generator) -> None:
    cases: list[tuple[str, list[Any], dict[str, Any]]] = []
    for dtype in (np.int8, np.int16, np.float32, np.int64):
        for shape, first, second in SHAPES:
            condition = rng.integers(0, 2, shape).astype(np.bool_)
            a = rng.integers(0, 100, first).astype(dtype)
            b = rng.integers(0, 100, second).astype(dtype)
            cases.append(("select", [condition, a, b], {}))
            if dtype is np.float32:
                wanted = onnx_node("Where", [condition, a, b])[0]
                np.testing.assert_array_equal(np.where(condition, a, b), wanted)
    check_ops(cases, tolerance=0.0)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="not bool"):
        one_node("select", [np.zeros(2, np.int8), np.zeros(2), np.zeros(2)])
    with pytest.raises(InvalidGraph, match="differ in dtype"):
        one_node("select", [np.zeros(2, np.bool_), np.zeros(2), np.zeros(2, np.int8)])
