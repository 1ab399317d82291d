from typing import Any

import numpy as np
import pytest

from tests.importers.onnx.harness import check, floats, node

PLAIN = ["Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "HardSwish", "Mish", "Neg", "Reciprocal",
         "Round", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Tanh", "Tan", "Sinh", "Cosh",
         "Relu"]  # fmt: skip


@pytest.mark.parametrize("op", PLAIN)
def test_plain(op: str) -> None:
    check(node(op, ["x"], ["y"]), {"x": floats(3, 40) * np.float32(2.5)}, opset=18)


@pytest.mark.parametrize("op", ["Log", "Sqrt"])
def test_positive_operands(op: str) -> None:
    check(node(op, ["x"], ["y"]), {"x": np.abs(floats(3, 40)) + np.float32(0.01)})


@pytest.mark.parametrize(
    ("op", "attrs"),
    [
        ("Elu", {"alpha": 0.7}),
        ("Elu", {}),
        ("HardSigmoid", {}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        ("LeakyRelu", {}),
        ("LeakyRelu", {"alpha": 0.3}),
        ("Selu", {}),
        ("Selu", {"alpha": 1.5, "gamma": 2.0}),
        ("Celu", {"alpha": 0.5}),
        ("Celu", {}),
        ("ThresholdedRelu", {"alpha": 0.5}),
        ("Shrink", {"bias": 0.3, "lambd": 0.6}),
    ],
)
def test_with_attributes(op: str, attrs: dict[str, Any]) -> None:
    check(node(op, ["x"], ["y"], **attrs), {"x": floats(3, 40) * np.float32(3)})


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu(approximate: str) -> None:
    check(node("Gelu", ["x"], ["y"], approximate=approximate), {"x": floats(3, 40)}, opset=20)


@pytest.mark.parametrize("op", ["FastGelu", "QuickGelu"])
def test_gelu_of_onnx_runtime(op: str) -> None:
    check(node(op, ["x"], ["y"], domain="com.microsoft"), {"x": floats(3, 40)})


def test_not() -> None:
    check(node("Not", ["x"], ["y"]), {"x": floats(8) > 0})


@pytest.mark.parametrize("op", ["IsNaN", "IsInf"])
def test_special_numbers(op: str) -> None:
    x = np.array([0, np.inf, -np.inf, np.nan, -1], np.float32)
    check(node(op, ["x"], ["y"]), {"x": x})


def test_infinity_of_one_sign() -> None:
    x = np.array([0, np.inf, -np.inf, 5], np.float32)
    check(node("IsInf", ["x"], ["y"], detect_positive=0), {"x": x})
