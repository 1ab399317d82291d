"""concat: every axis and element size; 8-bit inputs of other scales as LiteRT rescales them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, one_node, quantised

from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Quant, TensorType
from edgewright.ops.concat import rescale_table

DTYPES = (np.int8, np.int16, np.float32, np.float64)


def test_c_along_every_axis(rng: np.random.Generator) -> None:
    cases = []
    for dtype in DTYPES:
        for axis in range(3):
            parts = []
            for size in (1, 4, 2):
                shape = [2, 3, 5]
                shape[axis] = size
                parts.append(rng.integers(0, 100, shape).astype(dtype))
            cases.append(("concat", parts, {"axis": axis}))
    cases.append(
        ("concat", [np.zeros((1, 2, 1, 40), np.int8), np.ones((1, 3, 1, 40), np.int8)], {"axis": 1})
    )
    check_ops(cases, tolerance=0.0)


def test_c_transposes_what_it_joins(rng: np.random.Generator) -> None:
    cases = []
    for axis, perm in ((1, (0, 2, 1)), (1, (2, 1, 0)), (0, (1, 2, 0)), (2, (2, 0, 1))):
        parts = []
        for size in (1, 4, 21):
            shape = [2, 3, 5]
            shape[axis] = size
            parts.append(rng.normal(0, 1, shape).astype(np.float32))
        cases.append(("concat", parts, {"axis": axis, "perm": perm}))
    check_ops(cases, tolerance=0.0)


def test_a_bad_order_is_refused() -> None:
    with pytest.raises(InvalidGraph, match="does not order"):
        one_node("concat", [np.zeros((2, 3), np.float32)], axis=0, perm=(0, 2))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_inputs_of_other_scales_are_rescaled(
    rng: np.random.Generator, dtype: type[np.generic], axis: int
) -> None:
    info = np.iinfo(dtype)  # type: ignore[type-var]
    x = [
        rng.integers(info.min, info.max, (2, 3, 67), endpoint=True).astype(dtype) for _ in range(3)
    ]
    shape = [2, 3, 67]
    shape[axis] *= 3
    quant = Quant.per_tensor(0.25, 3)
    y = TensorType(DType.of(x[0].dtype), tuple(shape), quant)
    operands = [quantised(x[0], 0.25, 3), quantised(x[1], 0.5, -1), quantised(x[2], 0.1, 7)]
    (result,) = check_op("concat", operands, [y], axis=axis)
    parts = np.split(result, 3, axis)
    np.testing.assert_array_equal(parts[0], x[0])
    real = (x[2].astype(np.float64) - 7) * 0.1
    wanted = np.clip(real / 0.25 + 3, info.min, info.max)
    assert np.abs(parts[2] - wanted).max() <= 0.5 + 1e-6


def test_table_rounds_halves_away_from_zero() -> None:
    table = rescale_table(Quant.per_tensor(0.5), Quant.per_tensor(1.0), np.dtype(np.int8))
    assert table[[1, 3, 0xFF, 0xFD]].tolist() == [1, 2, -1, -2]  # 0.5, 1.5, -0.5, -1.5


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="does not fit"):
        one_node("concat", [np.zeros((2, 3)), np.zeros((3, 3))], axis=1)
    with pytest.raises(InvalidGraph, match="8 bits only"):
        x = quantised(np.zeros(2, np.int16), 0.5)
        y = TensorType(DType.INT16, (2,), Quant.per_tensor(0.25))
        one_node("concat", [x], [y], axis=0)
