"""expand and tile: ONNX Runtime's answers, and C for every element size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import Node

DTYPES = (np.int8, np.int16, np.float32, np.int64)


def test_references_are_onnx_runtimes(rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 1, 5), dtype=np.float32)
    call = ops.Call([], [])
    expand = ops.of(Node("expand", [], [], {"shape": (2, 3, 4, 5)}))
    wanted = onnx_node("Expand", [x, np.array([2, 3, 4, 5])])[0]
    np.testing.assert_array_equal(expand.reference(call, x), wanted)
    tile = ops.of(Node("tile", [], [], {"repeats": (2, 3, 1)}))
    wanted = onnx_node("Tile", [x, np.array([2, 3, 1])])[0]
    np.testing.assert_array_equal(tile.reference(call, x), wanted)


def test_c(rng: np.random.Generator) -> None:
    cases: list[tuple[str, list[Any], dict[str, Any]]] = []
    for dtype in DTYPES:
        for shape, wide in (
            ((3, 1, 5), (2, 3, 4, 5)), ((1,), (37,)), ((5, 1), (5, 19)), ((1, 7), (3, 7)),
            ((), (2,)), ((2, 1, 3, 1, 2), (2, 4, 3, 5, 2)),
        ):  # fmt: skip
            x = rng.integers(0, 100, shape).astype(dtype)
            cases.append(("expand", [x], {"shape": wide}))
        for shape, repeats in (
            ((2, 3), (2, 4)),
            ((7,), (3,)),
            ((2, 3, 4), (2, 1, 3)),
            ((1,), (17,)),
        ):
            x = rng.integers(0, 100, shape).astype(dtype)
            cases.append(("tile", [x], {"repeats": repeats}))
    check_ops(cases, tolerance=0.0)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="does not broadcast"):
        one_node("expand", [np.zeros((2, 3))], shape=(4, 3))
    with pytest.raises(InvalidGraph, match="repeats"):
        one_node("tile", [np.zeros((2, 3))], repeats=(4,))
