"""Functions of one operand: ONNX Runtime's and LiteRT's answers, every ISA level, extremes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops import harness
from tests.ops.harness import Operand, check_op, check_ops, one_node, quantised
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph, UnsupportedModel
from edgewright.graph import DType, Node, Quant, TensorType
from edgewright.ops.unary import TABLE

F32 = np.float32
EXTREMES = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e-45, 3e38, -3e38, 88.7, -88.7, -103.0,
     0.5, -0.5, 1.5, 2.5, -1.5, 8388609.0, 0.49999997, 2147483648.0, 1.0, -1.0, 20.0, -20.0],
    F32,
)  # fmt: skip
#: what has no value on negative numbers, for comparisons over a range
POSITIVE = {"log", "sqrt", "rsqrt"}


def samples(name: str, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float32]]:
    x = rng.normal(0, 3, 1003).astype(F32)
    if name == "gelu":  # within 2e-7 |x|, which is much beside what is left of it below
        x = np.maximum(x, F32(-2))
    return np.abs(x) + F32(0.01) if name in POSITIVE | {"reciprocal"} else x


def test_c(rng: np.random.Generator) -> None:
    """All rows in one compiled file, at lengths around the lanes."""
    cases: list[Any] = []
    for name in sorted(TABLE):
        x = samples(name, rng)
        cases += [(name, [x[:n]], {}) for n in (1, 15, 16, 17, 33, 1003)]
    check_ops(cases)


def test_extremes() -> None:
    """NaN, infinities, denormals, signed zeros: one value a node, as ranges are infinite."""
    cases: list[Any] = []
    for name in sorted(TABLE):
        x = EXTREMES
        if harness.chosen.endswith("armv7"):  # 32-bit NEON takes denormals for 0
            x = x[(x == 0) | ~(np.abs(x) < np.finfo(np.float32).tiny)]
        if name in ("sin", "cos"):  # reduced accurately up to 2**28 only
            x = x[(np.abs(x) <= 2**28) | ~np.isfinite(x)]
        cases += [(name, [x[i : i + 1]], {}) for i in range(len(x))]
    check_ops(cases)


THEIRS = {
    "abs": "Abs", "neg": "Neg", "sign": "Sign", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
    "reciprocal": "Reciprocal", "sin": "Sin", "cos": "Cos", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "erf": "Erf", "leaky_relu": "LeakyRelu", "elu": "Elu", "selu": "Selu", "softplus": "Softplus",
    "hard_swish": "HardSwish", "hard_sigmoid": "HardSigmoid", "softsign": "Softsign",
    "mish": "Mish", "floor": "Floor", "ceil": "Ceil", "round": "Round",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_references_are_onnx_runtimes(name: str, rng: np.random.Generator) -> None:
    x = samples(name, rng)
    (wanted,) = onnx_node(THEIRS[name], [x])
    call = ops.Call([TensorType(DType.FLOAT32, x.shape)], [])
    ours = ops.of(Node(name, [], [])).reference(call, x)
    np.testing.assert_allclose(ours, wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("approximate", [False, True])
def test_gelu_is_onnx_runtimes(approximate: bool, rng: np.random.Generator) -> None:
    x = rng.normal(0, 3, 1003).astype(F32)
    kind = "tanh" if approximate else "none"
    (wanted,) = onnx_node("Gelu", [x], opset=20, approximate=kind)
    (ours,) = check_op("gelu", [x], approximate=approximate)
    np.testing.assert_allclose(ours, wanted, rtol=2e-5, atol=2e-6)


def test_attributes_reach_the_code(rng: np.random.Generator) -> None:
    x = rng.normal(0, 3, 40).astype(F32)
    check_ops(
        [
            ("leaky_relu", [x], {"alpha": 0.3}),
            ("leaky_relu", [x], {"alpha": -0.7}),
            ("elu", [x], {"alpha": 0.25}),
            ("hard_sigmoid", [x], {"alpha": 0.5, "beta": 0.1}),
            ("selu", [x], {"alpha": 1.5, "gamma": 0.7}),
            ("clip", [x], {"lo": -0.1, "hi": 1.7}),
            ("clip", [x], {"lo": 0.0}),
            ("clip", [x], {"hi": 3e-39}),
        ]
    )


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64])
def test_integers(dtype: type[np.integer[Any]], rng: np.random.Generator) -> None:
    edges = np.iinfo(dtype)
    x = np.append(rng.integers(edges.min, edges.max, 50), [edges.min, edges.max, 0]).astype(dtype)
    cases: list[Any] = [(name, [x], {}) for name in ("abs", "neg", "square", "sign")]
    cases += [("clip", [x], {"lo": 2, "hi": 100}), ("clip", [x], {"lo": 0})]
    check_ops(cases)


def test_bools() -> None:
    (y,) = check_op("logical_not", [np.array([True, False] * 11)])
    assert y.tolist() == [False, True] * 11


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_every_code_of_8_bits(dtype: type[np.integer[Any]], mode: str) -> None:
    codes = np.arange(256).astype(np.uint8).view(dtype)
    held = DType.of(np.dtype(dtype))
    zero = 5 if dtype is np.uint8 else -7
    cases: list[Any] = []
    for name in sorted(TABLE):
        out = TensorType(held, (256,), Quant.per_tensor(1 / 256, zero))
        cases.append((name, [quantised(codes, 0.05, zero)], {"outputs": [out]}))
    check_ops(cases, requantization=mode)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_16_bits(mode: str, rng: np.random.Generator) -> None:
    x = np.append(rng.integers(-32768, 32767, 100), [-32768, 32767, 0]).astype(np.int16)
    out = TensorType(DType.INT16, (103,), Quant.per_tensor(2e-4))
    operand = quantised(x, 1.5e-4)
    cases: list[Any] = [("leaky_relu", [operand], {"outputs": [out], "alpha": 0.3})]
    cases.append(("clip", [operand], {"outputs": [out], "lo": -1.0, "hi": 2.0}))
    check_ops(cases, requantization=mode)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="no meaning"):
        one_node("exp", [np.zeros(3, np.int32)])
    with pytest.raises(InvalidGraph, match="no meaning"):
        one_node("logical_not", [Operand(np.zeros(3, np.int32))])


@pytest.mark.parametrize(
    "name", ["tanh", "add", "softmax", "log_softmax", "reduce_sum", "max_pool"]
)
def test_float64_is_named_as_unsupported(name: str) -> None:
    x = np.ones((1, 4, 4, 2))
    operands = [x, x] if name == "add" else [x]
    with pytest.raises(UnsupportedModel, match="no kernel"):
        check_op(name, operands)
