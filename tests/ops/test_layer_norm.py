"""layer_norm: rows around the lanes, offsets that a careless variance loses, ONNX Runtime's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, const, one_node
from tests.ops.onnx_node import onnx_node

from edgewright.errors import InvalidGraph

F32 = np.float32


def test_c(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for columns in (2, 15, 16, 17, 64, 79, 131, 384):
        x = (rng.normal(0, 2, (2, 3, columns)) + 50).astype(F32)
        scale, bias = (rng.normal(0, 1, columns).astype(F32) for _ in range(2))
        cases.append(("layer_norm", [x, const(scale), const(bias)], {"epsilon": 1e-3}))
    check_ops(cases)


def test_is_onnx_runtimes(rng: np.random.Generator) -> None:
    x = rng.normal(0, 2, (5, 70)).astype(F32)
    scale, bias = (rng.normal(0, 1, 70).astype(F32) for _ in range(2))
    (wanted, *_) = onnx_node("LayerNormalization", [x, scale, bias], opset=17, epsilon=1e-3)
    (ours,) = check_op("layer_norm", [x, const(scale), const(bias)], epsilon=1e-3)
    np.testing.assert_allclose(ours, wanted, rtol=2e-5, atol=2e-6)


def test_what_does_not_fit_is_an_error() -> None:
    x = np.zeros((5, 7), F32)
    with pytest.raises(InvalidGraph, match="for the last axis"):
        one_node("layer_norm", [x, const(np.zeros(6, F32)), const(np.zeros(7, F32))])
