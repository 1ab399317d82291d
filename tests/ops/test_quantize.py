"""quantize and dequantize: ties, saturation, NaN, between quantisations, per-axis scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import Operand, check_op, check_ops, one_node, quantised
from tests.ops.onnx_node import onnx_node

from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Quant, TensorType

F32 = np.float32
TYPES = [(DType.INT8, -7), (DType.UINT8, 130), (DType.INT16, 0)]


def out(dtype: DType, shape: tuple[int, ...], scale: float, zero: int) -> list[TensorType]:
    return [TensorType(dtype, shape, Quant.per_tensor(scale, zero))]


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_quantize(mode: str, rng: np.random.Generator) -> None:
    """Ties, values just beside them, both ends of the range, and what is not finite."""
    ties = (np.arange(-300, 300) + 0.5) * 0.25
    beside = np.nextafter(ties.astype(F32), F32(0))
    edges = [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40, 0.0, -0.0, 8191.875]
    x = np.concatenate([ties, beside, rng.normal(0, 40, 100), edges]).astype(F32)
    cases: list[Any] = []
    for dtype, zero in TYPES:
        for scale in (0.25, 0.1, 3e-3):
            for n in (x.size, 15, 17):
                attrs = {"outputs": out(dtype, (n,), scale, zero)}
                cases += [("quantize", [x[-n:]], attrs)]
    check_ops(cases, requantization=mode)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_requantize(mode: str, rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for before, zero_before in TYPES:
        low, high = np.iinfo(before.numpy).min, np.iinfo(before.numpy).max
        x = np.append(rng.integers(low, high, 300), [low, high]).astype(before.numpy)
        for after, zero_after in TYPES:
            for scale in (0.05, 0.02, 0.3):
                types = out(after, x.shape, scale, zero_after)
                cases.append(("quantize", [quantised(x, 0.05, zero_before)], {"outputs": types}))
    check_ops(cases, requantization=mode)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_accumulators_are_requantised(mode: str, rng: np.random.Generator) -> None:
    info = np.iinfo(np.int32)
    x = np.append(rng.integers(info.min, info.max, 300), [info.min, info.max]).astype(np.int32)
    cases: list[Any] = []
    for after, zero in TYPES:
        for scale in (2.0**-15, 3e-8, 1e-3):
            types = out(after, x.shape, scale, zero)
            cases.append(("quantize", [quantised(x, 1.7e-9)], {"outputs": types}))
    check_ops(cases, requantization=mode)


def test_dequantize(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for dtype, zero in [*TYPES, (DType.INT32, 0)]:
        info = np.iinfo(dtype.numpy)
        x = rng.integers(info.min, info.max, 50).astype(dtype.numpy)
        cases += [("dequantize", [quantised(x[:n], 0.037, zero)], {}) for n in (1, 16, 50)]
    check_ops(cases)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_per_axis_scales(axis: int, rng: np.random.Generator) -> None:
    x = rng.integers(-128, 127, (3, 4, 17)).astype(np.int8)
    count = x.shape[axis]
    scale = tuple(float(F32(s)) for s in rng.uniform(0.01, 1, (count,)))
    zero = tuple(int(z) for z in rng.integers(-9, 9, (count,)))
    check_op("dequantize", [Operand(x, Quant(scale, zero, axis=axis))])


def test_mode_float_is_onnx_runtimes(rng: np.random.Generator) -> None:
    x = rng.normal(0, 4, 500).astype(F32)
    scale, zero = np.array(0.03125, F32), np.array(-5, np.int8)
    (wanted,) = onnx_node("QuantizeLinear", [x, scale, zero])
    (ours,) = check_op("quantize", [x], out(DType.INT8, (500,), float(scale), int(zero)))
    np.testing.assert_array_equal(ours, wanted)
    (back,) = onnx_node("DequantizeLinear", [wanted, scale, zero])
    (again,) = check_op("dequantize", [quantised(wanted, float(scale), int(zero))])
    np.testing.assert_array_equal(again, back)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="quantised tensor"):
        one_node("dequantize", [np.zeros(3, np.int8)])
    with pytest.raises(InvalidGraph, match="cannot quantize"):
        one_node("quantize", [np.zeros(3, F32)], [TensorType(DType.FLOAT32, (3,))])
