"""shape: numbers where they are known, run-time sizes where not."""

from __future__ import annotations

import numpy as np
from tests.ops.harness import check_module

from edgewright import ops
from edgewright.graph import parse_module


def test_c_with_run_time_sizes() -> None:
    module = parse_module(
        """
        module requantization="float"
        dim h: 1..6
        graph main(%x: int8[2,h]) -> (%y) {
          %y: int64[2] = shape(%x)
        }
        """,
        infer=ops.infer,
    )
    (first, second) = check_module(module, [{"x": np.zeros((2, h), np.int8)} for h in (1, 5)])
    assert first["y"].tolist() == [2, 1]
    assert second["y"].tolist() == [2, 5]
