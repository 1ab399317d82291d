"""lstm: ONNX Runtime's answer, units around the lanes, directions, states, and the integer one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import Operand, check_op, check_ops, const, one_node, quantised
from tests.ops.onnx_node import onnx_node

from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Quant, TensorType
from edgewright.ops.integer.lstm import logistic_16, tanh_16

F32 = np.float32
Array = np.ndarray[Any, np.dtype[Any]]


def weights(rng: np.random.Generator, inputs: int, units: int) -> list[Array]:
    shapes = ((4 * units, inputs), (4 * units, units), (4 * units,))
    return [rng.normal(0, 0.5, shape).astype(F32) for shape in shapes]


def test_c(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for inputs, units in ((1, 1), (3, 15), (7, 16), (8, 17), (5, 40)):
        w, r, bias = weights(rng, inputs, units)
        x = rng.normal(0, 1, (4, 2, inputs)).astype(F32)
        states = [rng.normal(0, 1, (2, units)).astype(F32) for _ in range(2)]
        for operands in ([const(bias)], [None, *states], [const(bias), None, states[1]]):
            for attrs in ({}, {"reverse": True}, {"cell_clip": 0.4}):
                cases += [("lstm", [x, const(w), const(r), *operands], attrs)]
    check_ops(cases)


@pytest.mark.parametrize("reverse", [False, True])
def test_sequences_longer_than_the_scratch_memory_holds(
    reverse: bool, rng: np.random.Generator
) -> None:
    cases: list[Any] = []
    for steps, batch in ((24, 1), (25, 1), (53, 1), (14, 5), (3, 30), (1, 1)):
        w, r, bias = weights(rng, 5, 18)
        x = rng.normal(0, 1, (steps, batch, 5)).astype(F32)
        cases += [("lstm", [x, const(w / 2), const(r / 2), const(bias)], {"reverse": reverse})]
    check_ops(cases)


def reordered(array: Array) -> Array:
    """Our gates i, f, g, o as ONNX's i, o, f, c."""
    i, f, g, o = np.split(array, 4, axis=0)
    return np.concatenate([i, o, f, g])


@pytest.mark.parametrize("reverse", [False, True])
def test_is_onnx_runtimes(reverse: bool, rng: np.random.Generator) -> None:
    w, r, bias = weights(rng, 6, 9)
    x = rng.normal(0, 1, (5, 2, 6)).astype(F32)
    both = np.concatenate([reordered(bias), np.zeros_like(bias)])
    given = [x, reordered(w)[None], reordered(r)[None], both[None]]
    direction = "reverse" if reverse else "forward"
    wanted = onnx_node("LSTM", given, outputs=3, hidden_size=9, direction=direction)
    ours = check_op("lstm", [x, const(w), const(r), const(bias)], reverse=reverse)
    np.testing.assert_allclose(ours[0], wanted[0][:, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours[1], wanted[1][0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours[2], wanted[2][0], rtol=1e-4, atol=1e-5)


def integer_case(rng: np.random.Generator, inputs: int, units: int, zero: int) -> Any:
    """Operands and result types of an int8 LSTM."""
    x = rng.integers(-128, 127, (6, 2, inputs)).astype(np.int8)
    w = rng.integers(-127, 127, (4 * units, inputs)).astype(np.int8)
    r = rng.integers(-127, 127, (4 * units, units)).astype(np.int8)
    bias = rng.integers(-9000, 9000, 4 * units).astype(np.int32)
    scales = np.repeat(np.array([0.01, 0.02, 0.015, 0.008], F32), units)
    rows = Quant(tuple(float(s) for s in scales), (0,) * (4 * units), axis=0)
    operands = [quantised(x, 0.004, -128), Operand(w, rows, True), Operand(r, rows, True)]
    held = Quant.per_tensor(1 / 128, zero)
    types = [
        TensorType(DType.INT8, (6, 2, units), held),
        TensorType(DType.INT8, (2, units), held),
        TensorType(DType.INT16, (2, units), Quant.per_tensor(2.0**-11)),
    ]
    return [*operands, const(bias)], types


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_integers(mode: str, rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for inputs, units, zero in ((1, 1, 0), (28, 20, 5), (7, 17, -3)):
        operands, types = integer_case(rng, inputs, units, zero)
        cases.append(("lstm", operands, {"outputs": types}))
        cases.append(("lstm", operands, {"outputs": types, "cell_clip": 2.0, "reverse": True}))
        cases.append(("lstm", operands, {"outputs": types, "hidden": (0.009, 7)}))
        h = quantised(rng.integers(-128, 127, (2, units)).astype(np.int8), 1 / 128, zero)
        c = quantised(rng.integers(-32768, 32767, (2, units)).astype(np.int16), 2.0**-11)
        cases.append(("lstm", [*operands, h, c], {"outputs": types, "hidden": (0.009, 1)}))
    check_ops(cases, requantization=mode)


@pytest.mark.parametrize("bits", [3, 4])
def test_16_bit_functions_are_close_to_real_ones(bits: int) -> None:
    codes = np.arange(-32768, 32768)
    real = codes / 2.0 ** (15 - bits)
    np.testing.assert_allclose(tanh_16(codes, bits) / 32768, np.tanh(real), atol=2e-3)
    wanted = 1 / (1 + np.exp(-real))
    np.testing.assert_allclose(logistic_16(codes, bits) / 32768, wanted, atol=2e-3)


def test_what_does_not_fit_is_an_error(rng: np.random.Generator) -> None:
    w, r, bias = weights(rng, 6, 9)
    x = np.zeros((5, 2, 7), F32)
    with pytest.raises(InvalidGraph, match="w is"):
        one_node("lstm", [x, w, r, bias])
