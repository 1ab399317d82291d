"""reshape: the same bytes, also with sizes chosen at run time and between region edges."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_module, check_op, one_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import parse_module


def test_c_keeps_the_elements(rng: np.random.Generator) -> None:
    check_op("reshape", [rng.standard_normal((2, 3, 4), dtype=np.float32)], shape=(6, 4))


def test_shape_may_hold_run_time_dims(rng: np.random.Generator) -> None:
    module = parse_module(
        """
        module requantization="float"
        dim h: 1..6
        graph main(%x: float32[h,4]) -> (%y) {
          %a: float32[2*h,2] = reshape(%x) {shape=[2*h, 2]}
          %y: float32[2,2*h] = transpose(%a) {perm=[1, 0]}
        }
        """,
        infer=ops.infer,
    )
    samples = [{"x": rng.standard_normal((h, 4), dtype=np.float32)} for h in (1, 3, 6)]
    check_module(module, samples, tolerance=0.0)


def test_other_counts_are_an_error() -> None:
    with pytest.raises(InvalidGraph, match="6 elements, the shape"):
        one_node("reshape", [np.zeros((2, 3))], shape=(5,))
