"""lookup: every code of both types, and the row of the mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_ops, const, one_node, quantised

from edgewright import ops, targets
from edgewright.errors import InvalidGraph
from edgewright.graph import Quant


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_c(mode: str, rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for dtype in (np.int8, np.uint8):
        codes = np.arange(256).astype(np.uint8).view(dtype)
        for made in (np.int8, np.uint8):
            table = rng.integers(0, 256, (2, 256)).astype(np.uint8).view(made)
            operands = [quantised(codes, 0.02, 3), const(table, Quant.per_tensor(0.1, 7))]
            cases.append(("lookup", operands, {}))
    check_ops(cases, requantization=mode)


def test_what_does_not_fit_is_an_error() -> None:
    x = quantised(np.zeros(5, np.int8), 0.1)
    with pytest.raises(InvalidGraph, match="the table is"):
        one_node("lookup", [x, const(np.zeros((1, 256), np.int8), Quant.per_tensor(0.1))])


@pytest.mark.parametrize(("made", "shared"), [(np.int8, (0,)), (np.uint8, ())])
def test_memory_of_another_type_is_not_taken_over(made: Any, shared: tuple[int, ...]) -> None:
    x = quantised(np.zeros(5, np.int8), 0.1)
    module, _ = one_node("lookup", [x, const(np.zeros((2, 256), made), Quant.per_tensor(0.1))])
    (node,) = module.main.nodes
    assert ops.of(node).inplace_operands(node, targets.get("host")) == shared
