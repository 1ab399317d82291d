"""matmul of computed operands: NumPy's answers, broadcast batches, sizes around the tile, int8."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, one_node, quantised

from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Quant, TensorType

F32 = np.float32
SHAPES = [
    ((1, 1), (1, 1)), ((3, 5), (5, 17)), ((4, 16), (16, 16)), ((9, 33), (33, 40)),
    ((2, 5, 7), (2, 7, 15)), ((2, 1, 5, 7), (3, 7, 4)), ((5, 7), (2, 7, 31)), ((2, 3, 4), (4, 2)),
]  # fmt: skip


def test_c(rng: np.random.Generator) -> None:
    pairs = [(rng.normal(0, 1, a).astype(F32), rng.normal(0, 1, b).astype(F32)) for a, b in SHAPES]
    check_ops([("matmul", list(pair), {}) for pair in pairs])


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_reference_is_numpys(
    left: tuple[int, ...], right: tuple[int, ...], rng: np.random.Generator
) -> None:
    a, b = rng.normal(0, 1, left).astype(F32), rng.normal(0, 1, right).astype(F32)
    (y,) = check_op("matmul", [a, b])
    np.testing.assert_allclose(y, a.astype(np.float64) @ b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_quantised(dtype: type[np.integer[Any]], mode: str, rng: np.random.Generator) -> None:
    edges, held = np.iinfo(dtype), DType.of(np.dtype(dtype))
    cases: list[Any] = []
    for left, right in SHAPES:
        a, b = (
            rng.integers(edges.min, edges.max, s, endpoint=True).astype(dtype)
            for s in (left, right)
        )
        shape = np.matmul(a.astype(np.int64), b.astype(np.int64)).shape
        for scale in (0.01, 0.5):
            outputs = [TensorType(held, shape, Quant.per_tensor(scale, 4))]
            operands = [quantised(a, 0.02, 3), quantised(b, 0.03, -1)]
            cases.append(("matmul", operands, {"outputs": outputs}))
    check_ops(cases, requantization=mode)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="inner sizes"):
        one_node("matmul", [np.zeros((2, 3), F32), np.zeros((2, 3), F32)])
    with pytest.raises(InvalidGraph, match="matrices"):
        one_node("matmul", [np.zeros(3, F32), np.zeros((3, 3), F32)])
