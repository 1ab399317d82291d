"""Operators on integers. Ours and ONNX Runtime's round alike up to one unit of the last place."""

from typing import Any

import numpy as np
import pytest

from edgewright.errors import EdgewrightError
from edgewright.graph import Module
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import (
    Array,
    check,
    floats,
    imported,
    integers,
    model,
    node,
    operators,
    oracle,
)

MICROSOFT = {"domain": "com.microsoft"}


def scale(*values: float) -> Array:
    return np.array(values if len(values) > 1 else values[0], np.float32)


def zero(value: int, dtype: Any = "uint8") -> Array:
    return np.array(value, dtype)


def close(
    nodes: Any, inputs: Any, constants: Any, outputs: Any = ("y",), equal: Any = 0.95
) -> Module:
    """Compare integers within one unit; the share `equal` must not differ at all."""
    proto = model(nodes, inputs, list(outputs), constants)
    module = imported(proto)
    got, wanted = Interpreter(module).run(inputs), oracle(proto, inputs)
    for name in outputs:
        assert got[name].dtype == wanted[name].dtype
        assert got[name].shape == wanted[name].shape
        difference = np.abs(got[name].astype(int) - wanted[name].astype(int))
        assert difference.max(initial=0) <= 1
        assert (difference == 0).mean() >= equal
    return module


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_convolution(group: int, per_channel: bool, dtype: str) -> None:
    count = 8 if per_channel else 1
    weight = integers(8, 4 // group, 3, 3, low=-127, high=127, dtype="int8")
    constants = {
        "xs": scale(0.02), "xz": zero(3, dtype),
        "w": weight, "ws": scale(*np.linspace(0.005, 0.01, count)),
        "wz": np.zeros(count, "int8") if per_channel else zero(0, "int8"),
        "ys": scale(0.03), "yz": zero(5, dtype),
        "b": integers(8, low=-500, high=500, dtype="int32"),
    }  # fmt: skip
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"]
    low = -128 if dtype == "int8" else 0
    x = {"x": integers(1, 4, 7, 8, low=low, high=low + 256, dtype=dtype)}
    made = node("QLinearConv", names, ["y"], group=group, pads=[1, 1, 1, 1], strides=[2, 1])
    module = close([made], x, constants)
    assert operators(module) == ["depthwise_conv" if group == 4 else "conv"]


def test_convolution_with_a_weight_zero_point() -> None:
    constants = {
        "xs": scale(0.02), "xz": zero(128), "w": integers(8, 4, 3, 3), "ws": scale(0.01),
        "wz": zero(121), "ys": scale(0.2), "yz": zero(100),
    }  # fmt: skip
    made = node("QLinearConv", ["x", *constants], ["y"])
    close([made], {"x": integers(1, 4, 7, 8)}, constants)


def test_matmul_by_a_constant() -> None:
    constants = {
        "as": scale(0.02), "az": zero(110), "b": integers(6, 5), "bs": scale(0.01),
        "bz": zero(120), "ys": scale(0.05), "yz": zero(128),
    }  # fmt: skip
    made = node("QLinearMatMul", ["a", *constants], ["y"])
    module = close([made], {"a": integers(3, 6)}, constants)
    assert operators(module) == ["fully_connected"]


@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_binary(op: str) -> None:
    constants = {
        "as": scale(0.02), "az": zero(110), "bs": scale(0.03), "bz": zero(120), "ys": scale(0.06),
        "yz": zero(128),
    }  # fmt: skip
    made = node(op, ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"], **MICROSOFT)
    close([made], {"a": integers(3, 40), "b": integers(40)}, constants, equal=0.85)


@pytest.mark.parametrize(
    ("op", "attrs"), [("QLinearSigmoid", {}), ("QLinearLeakyRelu", {"alpha": 0.2})]
)
def test_unary(op: str, attrs: dict[str, Any]) -> None:
    constants = {"xs": scale(0.04), "xz": zero(128), "ys": scale(1 / 64), "yz": zero(100)}
    made = node(op, ["x", *constants], ["y"], **attrs, **MICROSOFT)
    close([made], {"x": integers(300)}, constants)


@pytest.mark.parametrize("channels_last", [0, 1])
def test_global_average_pool(channels_last: int) -> None:
    constants = {"xs": scale(0.04), "xz": zero(128), "ys": scale(0.01), "yz": zero(100)}
    attrs = {"channels_last": channels_last, **MICROSOFT}
    made = node("QLinearGlobalAveragePool", ["x", *constants], ["y"], **attrs)
    close([made], {"x": integers(2, 4, 5, 6)}, constants)


def test_concat_brings_everything_to_one_scale() -> None:
    constants = {
        "ys": scale(0.05), "yz": zero(10), "as": scale(0.02), "az": zero(1), "bs": scale(0.03),
        "bz": zero(2),
    }  # fmt: skip
    made = node("QLinearConcat", ["ys", "yz", "a", "as", "az", "b", "bs", "bz"], ["y"], axis=1,
                **MICROSOFT)  # fmt: skip
    close([made], {"a": integers(2, 30), "b": integers(2, 40)}, constants)


@pytest.mark.parametrize("trans_b", [0, 1])
def test_gemm(trans_b: int) -> None:
    constants = {
        "as": scale(0.02), "az": zero(110), "b": integers(*((5, 6) if trans_b else (6, 5))),
        "bs": scale(0.01), "bz": zero(120), "c": integers(5, high=300, dtype="int32"),
        "ys": scale(0.05), "yz": zero(128),
    }  # fmt: skip
    made = node("QGemm", ["a", *constants], ["y"], transB=trans_b, **MICROSOFT)
    close([made], {"a": integers(3, 6)}, constants)


@pytest.mark.parametrize("constant", [True, False])
def test_matmul_to_int32(constant: bool) -> None:
    b = {"b": integers(6, 5)}
    constants = {"az": zero(110), "bz": zero(120)} | (b if constant else {})
    made = node("MatMulInteger", ["a", "b", "az", "bz"], ["y"])
    check(made, {"a": integers(3, 6)} | ({} if constant else b), constants)


def test_convolution_to_int32() -> None:
    constants = {"w": integers(5, 3, 3, 3), "xz": zero(110), "wz": zero(120)}
    made = node("ConvInteger", ["x", *constants], ["y"], pads=[1, 1, 1, 1])
    check(made, {"x": integers(1, 3, 6, 6)}, constants)


def test_sums_beyond_float32_are_refused() -> None:
    constants = {"w": integers(1, 64, 3, 3)}
    made = node("ConvInteger", ["x", "w"], ["y"])
    with pytest.raises(EdgewrightError, match="sums of 576 products"):
        imported(model([made], {"x": integers(1, 64, 4, 4)}, ["y"], constants))


def test_a_weight_of_run_time_is_refused() -> None:
    constants = {"s": scale(0.1), "z": zero(1)}
    made = node("QLinearConv", ["x", "s", "z", "w", "s", "z", "s", "z"], ["y"])
    values = {"x": integers(1, 2, 4, 4), "w": integers(2, 2, 3, 3)}
    with pytest.raises(EdgewrightError, match="the weight is computed at run time"):
        imported(model([made], values, ["y"], constants))


def test_integers_meet_floats() -> None:
    constants = {"s": scale(0.05), "z": zero(128)}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("QLinearSigmoid", ["q", "s", "z", "t", "u"], ["p"], **MICROSOFT),
        node("DequantizeLinear", ["p", "t", "u"], ["y"]),
    ]
    held = constants | {"t": scale(1 / 256), "u": zero(0)}
    check(nodes, {"x": floats(50)}, held, tolerance=1e-2)
