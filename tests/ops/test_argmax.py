"""argmax and argmin: ONNX Runtime's answers, ties, NaN, every dtype, lengths around lanes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import Node

DTYPES = (np.int8, np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64)


@pytest.mark.parametrize(("op", "theirs"), [("argmax", "ArgMax"), ("argmin", "ArgMin")])
def test_references_are_onnx_runtimes(rng: np.random.Generator, op: str, theirs: str) -> None:
    x = rng.integers(-3, 4, (3, 9, 5)).astype(np.float32)  # small integers: many ties
    for axis in range(3):
        for keepdims in (True, False):
            attrs = {"axis": axis, "keepdims": keepdims}
            ours = ops.of(Node(op, [], [], attrs)).reference(ops.Call([], []), x)
            wanted = onnx_node(theirs, [x], axis=axis, keepdims=int(keepdims))[0]
            np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("op", ["argmax", "argmin"])
def test_c(rng: np.random.Generator, op: str) -> None:
    cases = []
    for number, dtype in enumerate(DTYPES):
        for shape, axis in (
            ((2, 1), 1), ((2, 15), 1), ((3, 64), 1), ((2, 79), 1), ((1, 40, 17), 1),
            ((3, 5, 33), 0),
        ):  # fmt: skip
            for x in (rng.integers(0, 100, shape), rng.integers(0, 3, shape), np.ones(shape)):
                attrs = {"axis": axis, "to": ("int32", "int64")[number % 2], "keepdims": axis == 1}
                cases.append((op, [x.astype(dtype)], attrs))
    check_ops(cases)


@pytest.mark.parametrize("op", ["argmax", "argmin"])
def test_extremes(op: str) -> None:
    worst = -np.inf if op == "argmax" else np.inf
    rows = [[np.nan, 1, 2], [1, np.nan, 0], [np.nan] * 3, [worst] * 3, [np.nan, worst, worst]]
    x = np.tile(np.array(rows, np.float32), (1, 23))
    (y,) = check_op(op, [x], axis=1, keepdims=False)
    assert y.tolist() == ([2, 0, 0, 0, 0] if op == "argmax" else [1, 2, 0, 0, 0])
    low, high = np.iinfo(np.int8).min, np.iinfo(np.int8).max
    x8 = np.array([[low] * 80, [high] * 80, [0] * 79 + [low], [0] * 79 + [high]], np.int8)
    (y,) = check_op(op, [x8], axis=1, keepdims=False)
    assert y.tolist() == ([0, 0, 0, 79] if op == "argmax" else [0, 0, 79, 0])


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="empty axis"):
        one_node("argmax", [np.zeros((2, 0), np.float32)], axis=1)
    with pytest.raises(InvalidGraph, match="int32 or int64"):
        one_node("argmax", [np.zeros((2, 3), np.float32)], axis=1, to="int8")
