"""Functions of one and two operands, in every order of axes, in float32, integers and int8."""

import numpy as np
import pytest

from edgewright import ops
from edgewright.graph import Quant
from edgewright.ops.binary import TABLE as BINARY
from edgewright.ops.unary import TABLE as UNARY
from tests.exporters.onnx.harness import Array, Constant, check, normal, stored

POSITIVE = {"log", "sqrt", "rsqrt", "reciprocal"}
COMPARISONS = [name for name, row in BINARY.items() if row.compares and row.kinds != "b"]
LOGIC = [name for name, row in BINARY.items() if row.kinds == "b"]
ARITHMETIC = [name for name in BINARY if name not in COMPARISONS + LOGIC]
RESULT = Quant.per_tensor(0.03, -5)


@pytest.mark.parametrize("name", sorted(UNARY))
def test_unary(name: str) -> None:
    x = normal(1, 3, 5, 2) * 2
    check(name, np.abs(x) + np.float32(0.1) if name in POSITIVE else x)


@pytest.mark.parametrize("name", sorted(set(UNARY) - POSITIVE - {"exp"}))
def test_unary_of_int8(name: str) -> None:
    found = check(name, stored(1, 3, 5, 2, scale=0.02), results=[RESULT])
    assert found[0] == "DequantizeLinear"
    assert found[-1] == "QuantizeLinear"


def test_logical_not() -> None:
    check("logical_not", np.array([[True, False]]))


@pytest.mark.parametrize(
    ("opset", "operator"), [(18, "Erf"), (20, "Gelu"), (17, "Erf"), (13, "Erf")]
)
def test_gelu_by_opset(opset: int, operator: str) -> None:
    assert operator in check("gelu", normal(2, 3), opset=opset)
    check("gelu", normal(2, 3), opset=opset, approximate=True)


@pytest.mark.parametrize(("name", "opset"), [("mish", 17), ("hard_swish", 13)])
def test_functions_that_older_opsets_lack(name: str, opset: int) -> None:
    check(name, normal(2, 3), opset=opset)


@pytest.mark.parametrize(
    ("lo", "hi", "operator"), [(0.0, np.inf, "Relu"), (0.0, 6.0, "Clip"), (-np.inf, 0.5, "Clip")]
)
def test_clip(lo: float, hi: float, operator: str) -> None:
    assert check("clip", normal(2, 3) * 4, lo=lo, hi=hi) == [operator]


def test_clip_of_integers() -> None:
    check("clip", np.arange(-6, 6, dtype=np.int32).reshape(3, 4), lo=-2.0, hi=3.0)


@pytest.mark.parametrize("name", ARITHMETIC)
def test_binary(name: str) -> None:
    a, b = normal(2, 3, 4, 5), normal(2, 3, 4, 5, seed=1)
    check(name, np.abs(a) if name == "pow" else a, b)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div"])
def test_clamp(name: str) -> None:
    assert "Relu" in check(name, normal(2, 3), normal(2, 3, seed=1), clamp=(0.0, np.inf))
    assert "Clip" in check(name, normal(2, 3), normal(2, 3, seed=1), clamp=(-0.5, 0.5))


@pytest.mark.parametrize(
    "shape", [(5,), (4, 5), (1, 1, 1, 5), (3, 1, 1), (), (2, 1, 4, 1)], ids=str
)
@pytest.mark.parametrize("kind", ["constant", "input"])
def test_broadcasting(shape: tuple[int, ...], kind: str) -> None:
    b: Array = np.asarray(normal(*shape, seed=1) + np.float32(3))
    x = normal(2, 3, 4, 5)
    check("sub", x, Constant(b) if kind == "constant" else b)
    check("sub", Constant(b) if kind == "constant" else b, x)


@pytest.mark.parametrize("name", ["floor_div", "floor_mod", "div", "mul", "minimum"])
def test_binary_of_integers(name: str) -> None:
    a = np.arange(-12, 12, dtype=np.int32).reshape(4, 6)
    b = np.where(a % 3 == 0, -5, 4).astype(np.int32)
    check(name, a, b, tolerance=0)


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons(name: str) -> None:
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    check(name, a, a.T.reshape(3, 4).copy(), tolerance=0)


@pytest.mark.parametrize("name", LOGIC)
def test_logic(name: str) -> None:
    a = np.array([[True, True], [False, False]])
    check(name, a, a.T.copy(), tolerance=0)


@pytest.mark.parametrize("name", ["add", "sub", "mul"])
def test_binary_of_int8(name: str) -> None:
    found = check(name, stored(2, 3, 4), stored(2, 3, 4, zero=-4, seed=1), results=[RESULT])
    assert found.count("DequantizeLinear") == 2


@pytest.mark.parametrize("shape", [(5,), (3, 4, 5), (1, 1, 5)], ids=str)
def test_prelu(shape: tuple[int, ...]) -> None:
    assert "PRelu" in check("prelu", normal(2, 3, 4, 5), Constant(normal(*shape, seed=1)))


def test_prelu_whose_slope_is_wider() -> None:
    check("prelu", normal(1, 3), normal(4, 3, seed=1))


def test_select() -> None:
    a, b = normal(2, 3, 4), normal(2, 3, 4, seed=1)
    check("select", a > b, a, b)
    check("select", (a > 0)[:1], a, Constant(b[0]))


@pytest.mark.parametrize("to", ["int32", "float16", "bool", "int64", "uint8", "float32"])
def test_cast(to: str) -> None:
    check("cast", np.abs(normal(2, 3, 4)) * 9, to=to, tolerance=0)


def test_every_function_has_a_test() -> None:
    assert set(UNARY) | set(BINARY) <= set(ops.registry())
    assert sorted(ARITHMETIC + COMPARISONS + LOGIC) == sorted(BINARY)
