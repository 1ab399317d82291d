"""fully_connected: rows around the tiles, in one register tile's height or another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import Operand, check_ops, const, quantised

from edgewright.graph import DType, Quant, TensorType

F32 = np.float32


def test_rows_around_the_tiles(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for rows in (1, 7, 8, 12, 16, 20, 24, 32, 128):
        for depth, columns in ((5, 33), (700, 100)):  # the larger one passes in blocks of columns
            shapes = ((rows, depth), (columns, depth), (columns,))
            x, w, bias = (rng.normal(0, 1, shape).astype(F32) for shape in shapes)
            cases.append(("fully_connected", [x, const(w), const(bias)], {}))
    check_ops(cases)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_one_row_of_bytes(mode: str, rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for dtype, lo, hi in ((np.int8, -128, 127), (np.uint8, 0, 255)):
        # 128 columns at once, then 64, then blocks of 16; few columns of long rows
        for depth, columns in ((36, 198), (4, 64), (7, 65), (128, 4), (201, 7), (150, 1)):
            x = quantised(rng.integers(lo, hi + 1, (1, depth)).astype(dtype), 0.02, lo + 3)
            stored = rng.integers(-127, 128, (columns, depth)).astype(np.int8)
            scales = tuple(float(F32(s)) for s in rng.uniform(1e-4, 2e-3, columns))
            w = Operand(stored, Quant(scales, (0,) * columns, axis=0), constant=True)
            bias = const(rng.integers(-9000, 9000, columns).astype(np.int32))
            out = TensorType(
                DType.of(np.dtype(dtype)), (1, columns), Quant.per_tensor(0.05, lo + 9)
            )
            cases.append(("fully_connected", [x, w, bias], {"outputs": [out]}))
            cases.append(("fully_connected", [x, w, bias], {"outputs": [out], "clamp": (0.0, 6.0)}))
    check_ops(cases, requantization=mode)


def test_long_sums_are_split(rng: np.random.Generator) -> None:
    """4096 numbers of one sign: added one after the other they err by five times as much."""
    x = rng.uniform(0, 1, (7, 4096)).astype(F32)
    w = rng.uniform(0, 1, (80, 4096)).astype(F32)
    check_ops([("fully_connected", [x, const(w)], {})], tolerance=2e-5)
