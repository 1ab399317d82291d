"""Reductions: ONNX Runtime's answers, every pattern of axes, NaN, long sums, integers, 8 bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, one_node, quantised
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Node, Quant, TensorType
from edgewright.ops.reduce import TABLE

F32 = np.float32
THEIRS = {"mean": "ReduceMean", "sum": "ReduceSum", "prod": "ReduceProd", "max": "ReduceMax",
          "min": "ReduceMin"}  # fmt: skip
PATTERNS = [axes for n in range(1, 5) for axes in itertools.combinations(range(4), n)]


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_c(kind: str, rng: np.random.Generator) -> None:
    """Every subset of four axes, then lengths around the lanes."""
    x = rng.normal(0, 1, (3, 5, 2, 17)).astype(F32)
    cases: list[Any] = [(f"reduce_{kind}", [x], {"axes": axes}) for axes in PATTERNS]
    for size in (1, 15, 16, 17, 33, 130):
        y = rng.normal(0, 1, (3, size)).astype(F32)
        cases += [(f"reduce_{kind}", [y], {"axes": (axis,), "keepdims": True}) for axis in (0, -1)]
    check_ops(cases)


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_references_are_onnx_runtimes(kind: str, rng: np.random.Generator) -> None:
    x = rng.normal(0, 1, (3, 5, 2, 4)).astype(F32)
    call = ops.Call([TensorType(DType.FLOAT32, x.shape)], [])
    for axes in PATTERNS:
        for keepdims in (False, True):
            given: list[Any] = [x, np.array(axes, np.int64)]
            (wanted,) = onnx_node(THEIRS[kind], given, keepdims=int(keepdims))
            node = Node(f"reduce_{kind}", [], [], {"axes": axes, "keepdims": keepdims})
            ours = ops.of(node).reference(call, x)
            np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-6)


def test_long_sums_stay_accurate(rng: np.random.Generator) -> None:
    x = rng.uniform(1, 2, (150_000,)).astype(F32)
    check_op("reduce_sum", [x], axes=(0,), tolerance=2e-6)
    check_op(
        "reduce_mean", [x.reshape(-1, 3) * np.array([1, 2, 3], F32)], axes=(0,), tolerance=2e-6
    )


def test_nan_and_infinity() -> None:
    rows = [[np.nan, 1, 2], [1, np.nan, 0], [np.inf, -1, 3], [-np.inf] * 3, [np.inf, -np.inf, 0]]
    x = np.tile(np.array(rows, F32), (1, 7))
    with np.errstate(all="ignore"):
        check_ops(
            [
                (f"reduce_{kind}", [part], {"axes": (axis,)})
                for kind in ("max", "min", "sum", "mean")
                for axis, parts in ((1, np.split(x, 5)), (0, np.split(x.T.copy(), 5, axis=1)))
                for part in parts
            ]
        )


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.int8])
def test_integers(dtype: type[np.integer[Any]], rng: np.random.Generator) -> None:
    x = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (3, 4, 5), endpoint=True)
    kinds = ("sum", "prod", "max", "min") if dtype is not np.int8 else ("max", "min")
    cases: list[Any] = [
        (f"reduce_{kind}", [x.astype(dtype)], {"axes": axes})
        for kind in kinds
        for axes in ((0,), (1,), (2,), (0, 2), ())
    ]
    small = rng.integers(-9, 9, (3, 4, 5)).astype(dtype)
    check_ops([*cases, ("reduce_mean", [small], {"axes": (1,)})])


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_quantised(dtype: type[np.integer[Any]], mode: str, rng: np.random.Generator) -> None:
    edges, held = np.iinfo(dtype), DType.of(np.dtype(dtype))
    zero = 0 if dtype is np.int16 else 5
    cases: list[Any] = []
    for axes in PATTERNS:
        for kind in ("mean", "sum", "max", "min"):
            x = rng.integers(edges.min, edges.max, (3, 5, 2, 17), endpoint=True).astype(dtype)
            shape = tuple(n for i, n in enumerate(x.shape) if i not in axes)
            keeps = kind in ("max", "min")
            quant = Quant.per_tensor(0.05 if keeps else 0.03 if kind == "mean" else 0.9, zero)
            outputs = [TensorType(held, shape, quant)]
            attrs = {"axes": axes, "outputs": outputs}
            cases.append((f"reduce_{kind}", [quantised(x, 0.05, zero)], attrs))
    check_ops(cases, requantization=mode)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="axis 2"):
        one_node("reduce_sum", [np.zeros((2, 2), F32)], axes=(2,))
