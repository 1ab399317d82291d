from typing import Any

import numpy as np
import pytest

from tests.importers.onnx.harness import check, floats, integers, node, operators

SHAPES = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2, 2))]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize(
    "op", ["Add", "Sub", "Mul", "Div", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]
)
def test_floats(op: str, shapes: Any) -> None:
    a, b = shapes
    check(node(op, ["a", "b"], ["y"]), {"a": floats(*a), "b": floats(*b, seed=1)})


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Equal", "Mod"])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(op: str, dtype: str) -> None:
    a, b = integers(40, low=-50, high=50, dtype=dtype), integers(40, low=1, high=9, dtype=dtype)
    check(node(op, ["a", "b"], ["y"]), {"a": a, "b": b})


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_remainder_with_the_sign_of_the_dividend(dtype: str) -> None:
    a = integers(40, low=-50, high=50, dtype=dtype)
    b = np.array([3, -7, 5, -4] * 10, dtype)
    check(node("Mod", ["a", "b"], ["y"], fmod=1), {"a": a, "b": b})


@pytest.mark.parametrize("op", ["And", "Or", "Xor"])
def test_bools(op: str) -> None:
    check(node(op, ["a", "b"], ["y"]), {"a": floats(8) > 0, "b": floats(8, seed=1) > 0})


@pytest.mark.parametrize("op", ["Max", "Min", "Sum", "Mean"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_operands(op: str, count: int) -> None:
    names = "abc"[:count]
    check(node(op, names, ["y"]), {n: floats(2, 3, seed=i) for i, n in enumerate(names)})


@pytest.mark.parametrize("exponent", [0.5, 2.0, 3.0, 1.7])
def test_power_by_a_constant(exponent: float) -> None:
    constants = {"b": np.array(exponent, np.float32)}
    check(node("Pow", ["a", "b"], ["y"]), {"a": np.abs(floats(3, 5))}, constants)


def test_power_by_an_integer_tensor() -> None:
    check(
        node("Pow", ["a", "b"], ["y"]),
        {"a": floats(4), "b": np.array([0, 1, 2, 5], np.int64)},
    )


def test_prelu_with_a_slope_per_channel() -> None:
    check(node("PRelu", ["x", "s"], ["y"]), {"x": floats(1, 3, 4, 4)}, {"s": floats(3, 1, 1)})


def test_where() -> None:
    check(
        node("Where", ["c", "a", "b"], ["y"]),
        {"c": floats(3, 1) > 0, "a": floats(3, 4), "b": floats(4, seed=2)},
    )


@pytest.mark.parametrize("limits", [{}, {"min": 0.0}, {"max": 0.5}, {"min": -0.5, "max": 0.5}])
def test_clip_by_attributes(limits: Any) -> None:
    check(node("Clip", ["x"], ["y"], **limits), {"x": floats(20)}, opset=7)


@pytest.mark.parametrize("inputs", [["x"], ["x", "lo"], ["x", "", "hi"], ["x", "lo", "hi"]])
def test_clip_by_operands(inputs: Any) -> None:
    constants = {"lo": np.float32(-0.3), "hi": np.float32(0.4)}
    held = {k: np.array(v) for k, v in constants.items() if k in inputs}
    check(node("Clip", inputs, ["y"]), {"x": floats(20)}, held)


def test_clip_with_limits_of_run_time() -> None:
    values = {"x": floats(20), "lo": np.array(-0.3, np.float32), "hi": np.array(0.4, np.float32)}
    module = check(node("Clip", list(values), ["y"]), values)
    assert operators(module) == ["maximum", "minimum"]


def test_clip_with_crossed_limits_gives_the_upper_one() -> None:
    constants = {"lo": np.array(0.5, np.float32), "hi": np.array(-0.5, np.float32)}
    check(node("Clip", ["x", "lo", "hi"], ["y"]), {"x": floats(20)}, constants)
