"""fully_connected: rows around the tiles, in one register tile's height or another."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.ops.harness import check_ops, const

F32 = np.float32


def test_rows_around_the_tiles(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for rows in (1, 7, 8, 12, 16, 20, 24, 32, 128):
        for depth, columns in ((5, 33), (700, 100)):  # the larger one passes in blocks of columns
            shapes = ((rows, depth), (columns, depth), (columns,))
            x, w, bias = (rng.normal(0, 1, shape).astype(F32) for shape in shapes)
            cases.append(("fully_connected", [x, const(w), const(bias)], {}))
    check_ops(cases)
