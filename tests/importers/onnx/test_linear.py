from typing import Any

import numpy as np
import pytest

from edgewright import passes
from edgewright.errors import EdgewrightError
from tests.importers.onnx.harness import check, floats, imported, integers, model, node, operators


@pytest.mark.parametrize("alpha", [1.0, 0.5])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("c", [None, (5,), (1, 5), (3, 1), (3, 5), (), (1,)])
def test_gemm(alpha: float, trans_a: int, trans_b: int, c: Any) -> None:
    constants = {"b": floats(*((5, 4) if trans_b else (4, 5)), seed=1)}
    if c is not None:
        constants["c"] = floats(*c, seed=2).reshape(c)
    attrs = {"alpha": alpha, "beta": 0.25, "transA": trans_a, "transB": trans_b}
    x = floats(*((4, 3) if trans_a else (3, 4)))
    module = check(node("Gemm", ["x", *constants], ["y"], **attrs), {"x": x}, constants)
    assert operators(module).count("fully_connected") == 1
    assert ("add" in operators(module)) == (c in [(3, 1), (3, 5), (), (1,)])


def test_gemm_of_two_inputs() -> None:
    values = {"a": floats(3, 4), "b": floats(4, 5, seed=1), "c": floats(5, seed=2)}
    check(node("Gemm", list(values), ["y"], alpha=2.0, beta=3.0), values)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 5)),
        ((2, 3, 4), (4, 5)),
        ((2, 3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((4,), (4, 5)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((2, 3, 4), (4,)),
        ((4,), (2, 4, 5)),
    ],
)
@pytest.mark.parametrize("constant", [True, False])
def test_matmul(a: Any, b: Any, constant: bool) -> None:
    values = {"a": floats(*a), "b": floats(*b, seed=1)}
    inputs = {"a": values["a"]} if constant else values
    module = check(
        node("MatMul", ["a", "b"], ["y"]), inputs, {"b": values["b"]} if constant else None
    )
    expected = "fully_connected" if constant and len(b) == 2 else "matmul"
    assert operators(module) == [expected]


def test_matmul_of_sizes_that_differ() -> None:
    proto = model(
        [node("MatMul", ["a", "b"], ["y"])], {"a": floats(3, 4)}, ["y"], {"b": floats(5, 2)}
    )
    with pytest.raises(EdgewrightError, match="the inner sizes differ"):
        imported(proto)


def test_quantised_matmul_keeps_its_integers() -> None:
    nodes = [
        node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1),
        node("MatMul", ["x", "w"], ["y"]),
    ]
    constants = {
        "q": integers(4, 5, low=-100, high=100, dtype="int8"),
        "s": np.linspace(0.01, 0.02, 5, dtype=np.float32),
        "z": np.zeros(5, np.int8),
    }
    module = check(nodes, {"x": floats(3, 4)}, constants)
    assert operators(module) == ["dequantize", "fully_connected"]


def packed_nibbles(w: Any) -> Any:
    """uint8 numbers below 16, two to a byte, the first in the lower half."""
    return (w[..., 0::2] | w[..., 1::2] << 4).astype(np.uint8)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
def test_matmul_n_bits(zeros: bool, bias: bool) -> None:
    columns, depth, block = 6, 40, 16  # the last block is half full
    w = integers(columns, 3, block, high=16)
    constants = {
        "b": packed_nibbles(w),
        "scales": np.abs(floats(columns * 3, seed=3)) + np.float32(0.1),
    }
    names = ["x", "b", "scales", "", "", ""]
    if zeros:
        names[3] = "zeros"
        constants["zeros"] = packed_nibbles(np.pad(integers(columns, 3, high=16), ((0, 0), (0, 1))))
        constants["zeros"] = constants["zeros"].reshape(-1)
    if bias:
        names[5], constants["bias"] = "bias", floats(columns, seed=4)
    made = node("MatMulNBits", names, ["y"], domain="com.microsoft", K=depth, N=columns, bits=4,
                block_size=block)  # fmt: skip
    module = check(made, {"x": floats(2, 3, depth)}, constants)
    assert operators(module) == ["dequantize_blocks", "fully_connected"]
    passes.optimize(module)
    assert operators(module) == ["fully_connected_blocks"]


def test_matmul_n_bits_refuses_other_widths() -> None:
    made = node("MatMulNBits", ["x", "b", "s"], ["y"], domain="com.microsoft", K=16, N=1, bits=2,
                block_size=16)  # fmt: skip
    constants = {"b": integers(1, 1, 4), "s": floats(1)}
    with pytest.raises(EdgewrightError, match="weights of 2 bits"):
        imported(model([made], {"x": floats(1, 16)}, ["y"], constants))
