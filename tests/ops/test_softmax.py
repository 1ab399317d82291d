"""softmax and log_softmax: ONNX Runtime's answers, extremes, rows around the lanes, 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, quantised
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.graph import DType, Node, Quant, TensorType

F32 = np.float32
SHAPES = ((1, 1), (1, 2), (4, 10), (3, 15), (2, 16), (2, 17), (2, 3, 33), (1, 1001), (5,))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_c(name: str, rng: np.random.Generator) -> None:
    cases: list[Any] = [(name, [rng.normal(0, 5, shape).astype(F32)], {}) for shape in SHAPES]
    check_ops([*cases, (name, [rng.normal(0, 5, (2, 20)).astype(F32)], {"beta": 0.25})])


@pytest.mark.parametrize(
    ("name", "theirs"), [("softmax", "Softmax"), ("log_softmax", "LogSoftmax")]
)
def test_references_are_onnx_runtimes(name: str, theirs: str, rng: np.random.Generator) -> None:
    x = rng.normal(0, 5, (7, 23)).astype(F32)
    (wanted,) = onnx_node(theirs, [x], axis=-1)
    call = ops.Call([TensorType(DType.FLOAT32, x.shape)], [])
    ours = ops.of(Node(name, [], [])).reference(call, x)
    np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("base", [1e4, -1e4, 3e38, -3e38])
def test_huge_inputs_stay_finite(name: str, base: float) -> None:
    x = np.full((2, 18), base, F32)
    x[1, 3] = base / 2
    (y,) = check_op(name, [x])
    assert np.isfinite(y[0]).all()


def test_rows_with_nan_or_infinity() -> None:
    x = np.zeros((5, 19), F32)
    x[0, 3], x[1, 18], x[2, 5] = np.nan, np.inf, -np.inf
    x[3] = -np.inf
    (y,) = check_op("softmax", [x])
    assert np.isnan(y[[0, 1, 3]]).all() and y[2, 5] == 0 and np.isfinite(y[[2, 4]]).all()


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_quantised(dtype: type[np.integer[Any]], mode: str, rng: np.random.Generator) -> None:
    held, low = DType.of(np.dtype(dtype)), np.iinfo(dtype).min
    cases: list[Any] = []
    for scale in (0.004, 0.1, 1.7):
        for shape in (*SHAPES, (1, 600)):
            x = rng.integers(low, low + 255, shape, endpoint=True).astype(dtype)
            flat = np.full(shape, low + 7, dtype)
            attrs = {"outputs": [TensorType(held, shape, Quant.per_tensor(1 / 256, int(low)))]}
            cases += [("softmax", [quantised(v, scale, 5)], attrs) for v in (x, flat)]
    check_ops(cases, requantization=mode)


OTHER_SCALES = [(1 / 256, -100), (1 / 128, -128), (0.0041, -128), (0.0023, 5), (3.0, 0)]
FINEST = (1e-10, 7)  # more than Q0 resolves


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_results_of_any_scale(
    dtype: type[np.integer[Any]], mode: str, rng: np.random.Generator
) -> None:
    held, low = DType.of(np.dtype(dtype)), np.iinfo(dtype).min
    cases: list[Any] = []
    for scale, zero in (*OTHER_SCALES, FINEST):
        for shape in ((3, 15), (2, 3, 33), (1, 600), (5,)):
            x = rng.integers(low, low + 255, shape, endpoint=True).astype(dtype)
            quant = Quant.per_tensor(scale, zero if dtype is np.int8 else zero + 128)
            attrs = {"outputs": [TensorType(held, shape, quant)]}
            cases.append(("softmax", [quantised(x, 0.02, 5)], attrs))
    check_ops(cases, requantization=mode)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize(("scale", "zero"), OTHER_SCALES)
@pytest.mark.parametrize("step", [0.004, 0.1])
def test_any_scale_is_within_a_step_of_onnx_runtime(
    mode: str, scale: float, zero: int, step: float, rng: np.random.Generator
) -> None:
    x = rng.integers(-128, 127, (20, 12), endpoint=True).astype(np.int8)
    given = [TensorType(DType.INT8, x.shape, Quant.per_tensor(step, 3))]
    result = TensorType(DType.INT8, x.shape, Quant.per_tensor(scale, zero))
    ours = ops.of(Node("softmax", [], [])).reference(ops.Call(given, [result], mode), x)
    (real,) = onnx_node("DequantizeLinear", [x, np.array(step, F32), np.array(3, np.int8)])
    (real,) = onnx_node("Softmax", [real], axis=-1)
    (theirs,) = onnx_node("QuantizeLinear", [real, np.array(scale, F32), np.array(zero, np.int8)])
    assert np.abs(np.asarray(ours, np.int32) - theirs).max() <= 1


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_16_bits(mode: str, rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for scale in (1e-5, 3e-4, 0.01):
        for shape in SHAPES:
            x = rng.integers(-32768, 32767, shape, endpoint=True).astype(np.int16)
            attrs = {"outputs": [TensorType(DType.INT16, shape, Quant.per_tensor(1 / 32768))]}
            cases += [("softmax", [quantised(v, scale)], attrs) for v in (x, np.zeros_like(x))]
    check_ops(cases, requantization=mode)
