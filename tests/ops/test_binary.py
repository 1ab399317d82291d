"""Functions of two operands: broadcasting, ONNX Runtime's answers, extremes, integers, 8 bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.harness import check_module, check_op, check_ops, const, one_node, quantised
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph, UnsupportedModel
from edgewright.graph import DType, Node, Quant, TensorType, parse_module, upper
from edgewright.ops.binary import TABLE
from edgewright.ops.broadcast import broadcast_shape, loops

F32 = np.float32
FLOATS = sorted(name for name, row in TABLE.items() if "f" in row.kinds)
SHAPES = [
    ((1,), (1,)), ((17,), (17,)), ((33,), (1,)), ((1,), (33,)), ((5, 33), (33,)), ((3,), (7, 3)),
    ((4, 1), (1, 5)), ((2, 3, 1, 16), (3, 4, 1)), ((2, 1, 3), (1, 4, 1)), ((), (4,)),
    ((2, 16), (2, 1)), ((150, 3), (3,)), ((40, 40), (40,)),
]  # fmt: skip


def test_c(rng: np.random.Generator) -> None:
    """Every function in one compiled file, over every way to broadcast."""
    cases: list[Any] = []
    for name in FLOATS:
        for left, right in SHAPES:
            a, b = rng.normal(0, 3, left).astype(F32), rng.normal(0, 3, right).astype(F32)
            cases.append((name, [np.abs(a) if name == "pow" else a, b], {}))
    check_ops(cases)


def test_extremes() -> None:
    edges = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 2.5, -3, -103, 1e-40, 3e38], F32)
    a, b = (side.astype(F32) for side in np.meshgrid(edges, edges))
    cases: list[Any] = []
    for name in FLOATS:
        for x, y in zip(a.ravel(), b.ravel(), strict=True):
            cases.append((name, [x.reshape(1), y.reshape(1)], {}))
    check_ops(cases)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_loops_cover_the_broadcast(data: st.DataObject) -> None:
    """Walking the loops with strides visits what NumPy's broadcasting pairs."""
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    sides = [
        tuple(data.draw(st.sampled_from([size, 1])) for size in shape)[
            data.draw(st.integers(0, 2)) :
        ]
        for _ in range(2)
    ]
    result = tuple(upper(size) for size in broadcast_shape(*sides))
    assert result == np.broadcast_shapes(*sides)
    arrays = [np.arange(int(np.prod(side))).reshape(side) for side in sides]
    wanted = [np.broadcast_to(array, result).ravel() for array in arrays]
    nest = loops(*sides, result)
    places = [np.zeros(1, int), np.zeros(1, int)]
    for depth, axis in enumerate(nest):
        for side in range(2):
            below = [upper(a.size) for a in nest[depth + 1 :] if a.advances[side]]
            step = int(np.prod(below)) if axis.advances[side] else 0
            places[side] = (places[side][:, None] + np.arange(upper(axis.size)) * step).ravel()
    for side in range(2):
        np.testing.assert_array_equal(places[side], wanted[side])
    assert all(first.advances != second.advances for first, second in itertools.pairwise(nest))


def test_short_constants_are_repeated(rng: np.random.Generator) -> None:
    """Rows of three channels become rows of 255 elements; a remainder is left."""
    cases: list[Any] = []
    for rows, channels in ((1, 3), (84, 3), (85, 3), (86, 3), (1000, 3), (9, 64), (7, 1), (300, 2)):
        x = rng.normal(0, 1, (rows, channels)).astype(F32)
        cases.append(("sub", [x, const(x[0])], {}))
        cases.append(("sub", [const(x[0]), x], {"clamp": (-0.5, 0.5)}))
        codes = rng.integers(-128, 127, (rows, channels)).astype(np.int8)
        operands = [quantised(codes, 0.1, 3), const(codes[0], Quant.per_tensor(0.2, 1))]
        outputs = out(DType.INT8, (rows, channels), 0.1, 3)
        cases.append(("mul", operands, {"outputs": outputs}))
    check_ops(cases)


THEIRS = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "minimum": "Min",
    "maximum": "Max", "prelu": "PRelu", "equal": "Equal", "less": "Less", "greater": "Greater",
    "less_equal": "LessOrEqual", "greater_equal": "GreaterOrEqual",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(THEIRS))
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_references_are_onnx_runtimes(
    name: str, dtype: type[Any], rng: np.random.Generator
) -> None:
    if dtype is np.int32 and name in ("pow", "prelu"):
        return
    a, b = (rng.integers(1, 20, shape).astype(dtype) for shape in ((4, 1, 5), (3, 1)))
    a = a - dtype(9) if name != "pow" else a
    (wanted,) = onnx_node(THEIRS[name], [a, b])
    call = ops.Call([TensorType(DType.of(a.dtype), a.shape)], [])
    ours = ops.of(Node(name, [], [])).reference(call, a, b)
    np.testing.assert_allclose(ours, wanted, rtol=1e-6)


def test_clamps_limit_the_result(rng: np.random.Generator) -> None:
    a, b = rng.normal(0, 3, (4, 33)).astype(F32), rng.normal(0, 3, 33).astype(F32)
    whole = rng.integers(-90, 90, 40).astype(np.int32)
    cases: list[Any] = [
        (name, [a, b], {"clamp": clamp})
        for name in ("add", "sub", "mul", "div")
        for clamp in ((0.0, np.inf), (-1.0, 1.0), (0.0, 6.0))
    ]
    check_ops([*cases, ("add", [whole, whole[::-1].copy()], {"clamp": (0.0, 6.0)})])


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.int8, np.uint8])
def test_integers(dtype: type[np.integer[Any]], rng: np.random.Generator) -> None:
    """Sums wrap around; division by zero is 0; the least value by -1 is itself."""
    edges = np.iinfo(dtype)
    special = np.array([edges.min, edges.max, 0, 1, 3, 7], dtype)
    a, b = (side.ravel() for side in np.meshgrid(special, special))
    if edges.min:
        special = np.append(special, np.array([-1, -3], dtype))
        a, b = (side.ravel() for side in np.meshgrid(special, special))
    names = [name for name in sorted(TABLE) if TABLE[name].scalar and "i" in TABLE[name].kinds]
    cases: list[Any] = [(name, [a, b], {}) for name in names]
    cases += [(name, [a, b[3:4]], {}) for name in names]
    check_ops(cases)


def test_bools() -> None:
    a, b = np.array([[True], [False]]), np.array([True, False])
    check_ops([(f"logical_{name}", [a, b], {}) for name in ("and", "or", "xor")])
    check_ops([("equal", [a, b], {}), ("not_equal", [a, b], {})])


def out(dtype: DType, shape: tuple[int, ...], scale: float, zero: int) -> list[TensorType]:
    return [TensorType(dtype, shape, Quant.per_tensor(scale, zero))]


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_quantised(dtype: type[np.integer[Any]], mode: str) -> None:
    """All pairs of 41 codes, in every way to broadcast, against the integer reference."""
    edges, held = np.iinfo(dtype), DType.of(np.dtype(dtype))
    codes = np.linspace(edges.min, edges.max, 41).astype(dtype)
    zero = 0 if dtype is np.int16 else 3
    cases: list[Any] = []
    names = ["add", "sub", "mul", "prelu"] + (["squared_difference"] if dtype is np.int8 else [])
    for name in names:
        for scale in (0.011, 0.7, 20.0):
            for left, right in (((41, 1), (1, 41)), ((1, 41), (41, 1)), ((41,), (41,))):
                operands = [
                    quantised(codes.reshape(left), 0.02, zero),
                    quantised(codes[::-1].copy().reshape(right), 0.05, -zero + (6 if zero else 0)),
                ]
                shape = np.broadcast_shapes(left, right)
                attrs: dict[str, Any] = {"outputs": out(held, shape, scale, zero)}
                if name in ("add", "mul"):
                    attrs["clamp"] = (-0.3, 90.0)
                cases.append((name, operands, attrs))
    check_ops(cases, requantization=mode)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_functions_of_one_code(dtype: type[np.integer[Any]], mode: str) -> None:
    """A constant number beside the operand, on either side: 256 results say it all."""
    codes, held = np.arange(256).astype(np.uint8).view(dtype), DType.of(np.dtype(dtype))
    one = const(np.array([[7]], dtype), Quant.per_tensor(0.05, 2))
    cases: list[Any] = []
    for name in ("add", "sub", "mul", "prelu"):
        for operands in ([quantised(codes, 0.02, 3), one], [one, quantised(codes, 0.02, 3)]):
            cases.append((name, operands, {"outputs": out(held, (1, 256), 0.03, 1)}))
    check_ops(cases, requantization=mode)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("operands", ["%x, %s", "%s, %x", "%s, %s"])
def test_function_of_an_operand_and_its_function(mode: str, operands: str) -> None:
    text = f"""module requantization="{mode}"
    graph main(%x: int8[2,256]<0.04:3>) -> (%y) {{
      %s: int8[2,256]<0.004:-120> = sigmoid(%x)
      %y: int8[2,256]<0.035:-100> = sub({operands})
    }}
    """
    x = np.arange(-256, 256).astype(np.int8).reshape(2, 256)
    check_module(parse_module(text), [{"x": x}])


def test_quantised_selections_work_on_the_integers() -> None:
    codes = np.arange(-128, 128).astype(np.int8)
    x, y = quantised(codes, 0.1, 3), quantised(codes[::-1].copy(), 0.1, 3)
    for name in ("minimum", "maximum"):
        check_op(name, [x, y], out(DType.INT8, (256,), 0.1, 3))
    check_op("greater", [x, y])
    with pytest.raises(UnsupportedModel, match="quantisations differ"):
        check_op("minimum", [x, quantised(codes, 0.2, 3)], out(DType.INT8, (256,), 0.1, 3))


def test_nothing_trained_is_in_the_text(rng: np.random.Generator) -> None:
    """Other scales make the same C."""
    from edgewright import targets
    from edgewright.codegen import generate

    codes = rng.integers(-128, 127, (2, 20)).astype(np.int8)
    texts = set()
    for scale, zero in ((0.1, 3), (0.37, -9)):
        operands = [quantised(codes, scale, zero), quantised(codes, scale * 2, zero)]
        types = out(DType.INT8, (2, 20), scale * 3, zero)
        module, _ = one_node("add", operands, types, clamp=(0.0, 6.0))
        texts.add(generate(module, targets.get("host"), "test").model_c)
    assert len(texts) == 1


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="do not broadcast"):
        one_node("add", [np.zeros(3, F32), const(np.zeros(4, F32))])
    with pytest.raises(InvalidGraph, match="dtypes differ"):
        one_node("add", [np.zeros(3, F32), np.zeros(3, np.int32)])
    with pytest.raises(InvalidGraph, match="no meaning"):
        one_node("pow", [np.zeros(3, np.int32), np.zeros(3, np.int32)])
