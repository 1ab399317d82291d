"""batch_norm: ONNX Runtime's answer, channels around the lanes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, const, one_node
from tests.ops.onnx_node import onnx_node

from edgewright.errors import InvalidGraph

F32 = np.float32


def operands(rng: np.random.Generator, channels: int) -> list[np.ndarray[Any, np.dtype[Any]]]:
    x = rng.normal(0, 3, (2, 3, 4, channels)).astype(F32)
    parts = [rng.normal(0, 1, channels).astype(F32) for _ in range(3)]
    return [x, *parts, rng.uniform(0.1, 2, channels).astype(F32)]


def test_c(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for channels in (1, 15, 16, 17, 40):
        x, *parts = operands(rng, channels)
        cases.append(("batch_norm", [x, *map(const, parts)], {"epsilon": 1e-3}))
    check_ops(cases)


def test_is_onnx_runtimes(rng: np.random.Generator) -> None:
    x, *parts = operands(rng, 5)
    given = [x.transpose(0, 3, 1, 2), *parts]
    (wanted,) = onnx_node("BatchNormalization", given, epsilon=0.01)
    (ours,) = check_op("batch_norm", [x, *map(const, parts)], epsilon=0.01)
    np.testing.assert_allclose(ours, wanted.transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_an_error(rng: np.random.Generator) -> None:
    x, *parts = operands(rng, 5)
    with pytest.raises(InvalidGraph, match="does not fit"):
        one_node("batch_norm", [x, *parts[:3], parts[3][:4]])
