"""transpose: ONNX Runtime's answer, every element size, lengths around blocks and lanes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.harness import check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Node, Quant, Symbol, TensorType, Value, upper
from edgewright.ops.strided import Axis, merge

DTYPES = (np.int8, np.uint16, np.float32, np.float64)


def test_reference_is_onnx_runtimes(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 4, 5), dtype=np.float32)
    for perm in ((0, 2, 3, 1), (3, 2, 1, 0), (0, 1, 2, 3), (1, 0, 3, 2)):
        ours = ops.of(Node("transpose", [], [], {"perm": perm})).reference(ops.Call([], []), x)
        np.testing.assert_array_equal(ours, onnx_node("Transpose", [x], perm=perm)[0])


def test_c_of_matrices_around_the_blocks(rng: np.random.Generator) -> None:
    sizes = (1, 2, 3, 4, 5, 15, 16, 17, 33, 64, 67)
    pairs = [*zip(sizes, reversed(sizes), strict=True), (16, 16), (33, 21), (300, 17), (20, 260)]
    cases = []
    for dtype in DTYPES:
        for rows, columns in pairs:
            for shape in ((rows, columns), (2, rows, columns)):
                x = rng.integers(0, 100, shape).astype(dtype)
                perm = tuple(range(len(shape) - 2)) + (len(shape) - 1, len(shape) - 2)
                cases.append(("transpose", [x], {"perm": perm}))
    cases.append(
        ("transpose", [rng.integers(0, 100, (130, 200)).astype(np.int8)], {"perm": (1, 0)})
    )
    check_ops(cases, tolerance=0.0)


def test_c_of_images_and_odd_permutations(rng: np.random.Generator) -> None:
    perms = [(0, 3, 1, 2), (0, 2, 3, 1), (3, 1, 2, 0), (2, 0, 3, 1), (1, 3, 0, 2), (0, 1, 2, 3)]
    cases: list[tuple[str, list[Any], dict[str, Any]]] = []
    for dtype in DTYPES:
        for perm in perms:
            x = rng.integers(0, 100, (2, 5, 7, 3)).astype(dtype)
            cases.append(("transpose", [x], {"perm": perm}))
        x = rng.integers(0, 100, (2, 3, 2, 3, 2, 5)).astype(dtype)
        cases.append(("transpose", [x], {"perm": (5, 3, 1, 0, 2, 4)}))
    check_ops(cases, tolerance=0.0)


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(5)), st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_merged_axes_say_the_same(perm: list[int], shape: list[int]) -> None:
    x = np.arange(np.prod(shape)).reshape(shape)
    y = x.transpose(perm)
    steps = np.cumprod([1, *y.shape[:0:-1]])[::-1]
    held = [s // 8 for s in np.arange(np.prod(shape)).reshape(shape).transpose(perm).strides]
    axes = [Axis(int(n), int(t), int(f)) for n, t, f in zip(y.shape, steps, held, strict=True)]
    merged = merge(axes)
    assert len(merged) <= len(axes)
    places = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for axis in merged:
        index = np.arange(upper(axis.size))
        places = tuple(
            (p[:, None] + index * upper(step)).ravel()
            for p, step in zip(places, (axis.to, axis.source), strict=True)
        )  # type: ignore[assignment]
    if y.size:
        result = np.zeros(y.size, x.dtype)
        result[places[0]] = x.ravel()[places[1]]
        np.testing.assert_array_equal(result.reshape(y.shape), y)


def test_quantisation_and_run_time_sizes_move_along() -> None:
    h = Symbol("h", 1, 9)
    x = Value("x", TensorType(DType.INT8, (1, h, 2), Quant((1.0, 2.0), (0, 0), axis=2)))
    (y,) = ops.infer(Node("transpose", [x], [], {"perm": (2, 0, 1)}))
    assert y == TensorType(DType.INT8, (2, 1, h), Quant((1.0, 2.0), (0, 0), axis=0))


def test_a_wrong_perm_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="perm"):
        one_node("transpose", [np.zeros((2, 3))], perm=(0, 0))
