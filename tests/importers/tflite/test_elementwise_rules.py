"""Functions of elements: each operator, its fused activations, broadcasting, element types."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.importers.tflite.elementwise import _BINARY, _CLAMPED, _UNARY
from edgewright.importers.tflite.rule import rules
from edgewright.ops.interpreter import Interpreter
from edgewright.verify.oracles.single_op import Operand, build
from tests.importers.tflite import single
from tests.importers.tflite.single import DTYPES, Array, Kind, const, fed, kind, options, random

SHAPE = (2, 3, 5)
#: operators whose operand must be positive
POSITIVE = {"LOG", "SQRT", "RSQRT"}
#: those that LiteRT's BUILTIN_REF lacks
NO_REFERENCE = {"CEIL", "ROUND"}
#: unary operator -> the dtypes of LiteRT's reference kernel
UNARY: dict[str, tuple[str, ...]] = {
    "ABS": ("float32", "int8", "int32"), "NEG": ("float32", "int32", "int64"),
    "EXP": ("float32", "int8"), "LOG": ("float32", "int8"), "SQRT": ("float32",),
    "RSQRT": ("float32", "int8"), "SQUARE": ("float32",), "SIN": ("float32",), "COS": ("float32",),
    "TANH": ("float32",), "LOGISTIC": ("float32",), "HARD_SWISH": ("float32", "int8", "uint8"),
    "FLOOR": ("float32",), "CEIL": ("float32",), "ROUND": ("float32",),
    "SIGN": ("float32", "int32"), "LOGICAL_NOT": ("bool",),
}  # fmt: skip
ARITHMETIC = dict(zip(_CLAMPED, ("Add", "Sub", "Mul", "Div"), strict=True))
SHAPES = [
    ((2, 3, 5), (2, 3, 5)),
    ((2, 3, 5), (5,)),
    ((1,), (4, 1)),
    ((2, 1, 5), (3, 1)),
    ((), (3,)),
]


def operand(op: str, shape: tuple[int, ...], dtype: str) -> Operand:
    if op not in POSITIVE:
        return fed("x", random(shape, dtype))
    if dtype == "float32":
        return fed("x", np.abs(random(shape, dtype)) + np.float32(0.1))
    x = np.arange(-120, -120 + int(np.prod(shape)) * 7, 7).reshape(shape).astype(dtype)
    return fed("x", x, Kind(dtype, 0.05, -128))


def test_every_unary_rule_is_tried() -> None:
    assert set(UNARY) == set(_UNARY)


@pytest.mark.parametrize(("op", "dtype"), [(op, d) for op, held in UNARY.items() for d in held])
def test_unary(op: str, dtype: str) -> None:
    oracle = single.default if op in NO_REFERENCE else None
    single.run(op, [operand(op, SHAPE, dtype)], [kind(dtype, 1.5)], oracle=oracle)


def test_round_is_to_even() -> None:
    x = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.6], np.float32)
    single.run("ROUND", [fed("x", x)], [kind("float32")], oracle=single.default)


@pytest.mark.parametrize(
    ("op", "dtype", "scale", "zero"),
    [
        ("LOGISTIC", "int8", 1 / 256, -128),
        ("LOGISTIC", "uint8", 1 / 256, 0),
        ("TANH", "int8", 1 / 128, 0),
        ("TANH", "uint8", 1 / 128, 128),
    ],
)
def test_functions_with_a_fixed_range(op: str, dtype: str, scale: float, zero: int) -> None:
    x = np.arange(256).astype("uint8").view(dtype).reshape(1, 256)
    single.run(op, [fed("x", x)], [Kind(dtype, scale, zero)])


@pytest.mark.parametrize(
    ("op", "dtype"),
    # LiteRT has no kernel for the last one, and no int16 one for the one before.
    [*itertools.product(("RELU", "RELU6"), DTYPES), *(("RELU_N1_TO_1", d) for d in DTYPES[:3])],
)
def test_clips(op: str, dtype: str) -> None:
    single.run(op, [fed("x", random(SHAPE, dtype))], [kind(dtype, 0.8)])


@pytest.mark.parametrize("dtype", DTYPES)
def test_leaky_relu(dtype: str) -> None:
    for alpha in (0.2, -0.5, 1.5):
        made = options("LeakyRelu", alpha=alpha)
        single.run("LEAKY_RELU", [fed("x", random(SHAPE, dtype))], [kind(dtype, 1.3)], made)


def test_elu() -> None:
    x = fed("x", random(SHAPE, "float32"))
    single.run("ELU", [x], [kind("float32")], oracle=single.default)


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_gelu(dtype: str, approximate: bool) -> None:
    made = options("Gelu", approximate=approximate)
    single.run("GELU", [fed("x", random(SHAPE, dtype))], [kind(dtype)], made)


@pytest.mark.parametrize("dtype", [*DTYPES, "int32"])
@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
def test_arithmetic(op: str, dtype: str) -> None:
    """Every activation and every way to broadcast."""
    fields: dict[str, Any] = {} if op == "MUL" else {"potScaleInt16": False}
    for turn, (a, b) in enumerate(SHAPES):
        act = (0, 1, 3, 2)[turn % 4] if dtype != "int32" else 0
        made = options(ARITHMETIC[op], fusedActivationFunction=act, **fields)
        inputs = [fed("a", random(a, dtype, 1)), fed("b", random(b, dtype, 2), kind(dtype, 0.4))]
        single.run(op, inputs, [kind(dtype, 2)], made)
        single.run(op, [inputs[1], single.constant(inputs[0])], [kind(dtype, 2)], made)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_div(dtype: str) -> None:
    a, b = random(SHAPE, dtype, 1), random((5,), dtype, 2)
    b = np.where(b == 0, b.dtype.type(3), b)
    act = 3 if dtype == "float32" else 0
    made = options("Div", fusedActivationFunction=act)
    single.run("DIV", [fed("a", a), fed("b", b)], [kind(dtype)], made)


def test_add_n() -> None:
    parts = [fed(f"x{i}", random(SHAPE, "float32", i)) for i in range(4)]
    single.run("ADD_N", parts, [kind("float32")])


#: binary operator -> dtypes, and the dtype of the result if it is another
BINARY: dict[str, tuple[tuple[str, ...], str | None]] = {
    "POW": (("float32",), None),
    "MAXIMUM": (("float32", "int8", "uint8", "int16", "int32", "int64"), None),
    "MINIMUM": (("float32", "int8", "uint8", "int16", "int32", "int64"), None),
    "FLOOR_DIV": (("float32", "int32"), None),
    "FLOOR_MOD": (("float32", "int32", "int64"), None),
    "SQUARED_DIFFERENCE": (("float32", "int32"), None),
    "PRELU": (("float32",), None),
    "EQUAL": (("float32", "int32", "int64", "bool", "int8", "uint8"), "bool"),
    "NOT_EQUAL": (("float32", "int32", "int64", "bool", "int8", "uint8"), "bool"),
    "LESS": (("float32", "int32", "int64", "int8", "uint8"), "bool"),
    "LESS_EQUAL": (("float32", "int32", "int64", "int8", "uint8"), "bool"),
    "GREATER": (("float32", "int32", "int64", "int8", "uint8"), "bool"),
    "GREATER_EQUAL": (("float32", "int32", "int64", "int8", "uint8"), "bool"),
    "LOGICAL_AND": (("bool",), None),
    "LOGICAL_OR": (("bool",), None),
}


def test_every_binary_rule_is_tried() -> None:
    assert set(BINARY) == set(_BINARY)


def pair(op: str, dtype: str, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Operands with some equal elements, no zero divisors and no roots of negative numbers."""
    a, b = random(SHAPE, dtype, 1), random(shape, dtype, 2)
    b.ravel()[0] = a.ravel()[0]
    if op in ("FLOOR_DIV", "FLOOR_MOD"):
        b = np.where(b == 0, b.dtype.type(7), b)
    return (np.abs(a) if op == "POW" else a), b


@pytest.mark.parametrize("shape", [SHAPE, (3, 1), (5,)])
@pytest.mark.parametrize(
    ("op", "dtype"), [(op, d) for op, (held, _) in BINARY.items() for d in held]
)
def test_binary(op: str, dtype: str, shape: tuple[int, ...]) -> None:
    a, b = pair(op, dtype, shape)
    result = Kind("bool") if BINARY[op][1] else kind(dtype)
    if op == "PRELU":
        slopes = single.constant(fed("b", b[:1] if b.shape == SHAPE else b))
        single.run(op, [fed("x", a), slopes], [result])
        return
    single.run(op, [fed("a", a), fed("b", b)], [result])


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16", "int32", "bool"])
def test_select(dtype: str) -> None:
    condition = fed("c", random(SHAPE, "bool"))
    a, b = fed("a", random(SHAPE, dtype, 1)), fed("b", random(SHAPE, dtype, 2))
    single.run("SELECT", [condition, a, b], [kind(dtype)])
    single.run("SELECT_V2", [condition, a, fed("b", random((3, 1), dtype, 2))], [kind(dtype)])


CASTS = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")


@pytest.mark.parametrize("before", CASTS)
@pytest.mark.parametrize("after", CASTS)
def test_cast(before: str, after: str) -> None:
    """Numbers that fit both types; what does not fit is defined by us, not by LiteRT."""
    from ai_edge_litert.schema_py_generated import TensorType as Types

    x = random((40,), "float32")
    fits = np.abs(x) * 20 if {"uint8", "bool"} & {before, after} else x * 20
    made = options("Cast", inDataType=getattr(Types, before.upper()),
                   outDataType=getattr(Types, after.upper()))  # fmt: skip
    single.run("CAST", [fed("x", fits.astype(before), Kind(before))], [Kind(after)], made)


# -- what is refused -------------------------------------------------------------------------------


def test_arithmetic_that_does_not_exist_is_named_with_its_place() -> None:
    held = Operand("x", "int16", (4,), (0.1,), (0,))
    module = single.load(build("ABS", [held], [Operand("y", "int16", (4,), (0.1,), (0,))]))
    with pytest.raises(UnsupportedModel, match="abs has no 16-bit arithmetic") as caught:
        Interpreter(module).run({"x": np.zeros(4, np.int16)})
    assert caught.value.where == "model.tflite: ABS #0 -> 'y'"


def test_every_rule_has_a_place() -> None:
    """Operators that a rule of this file imports, with their codes in the schema."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    for code in rules():
        assert code.startswith("custom ") or hasattr(BuiltinOperator, code)


def test_an_activation_that_is_no_clamp() -> None:
    held = [Operand("a", "float32", (3,)), const("b", [1, 2, 3], "float32")]
    made = options("Add", fusedActivationFunction=4)
    with pytest.raises(UnsupportedModel) as caught:
        single.load(build("ADD", held, [Operand("y", "float32", (3,))], made))
    assert caught.value.what == "ADD: the fused activation 4 is not supported"
    assert caught.value.where == "model.tflite: ADD #0 -> 'y'"


def test_operands_that_do_not_fit() -> None:
    held = [Operand("a", "float32", (3,)), Operand("b", "float32", (4,))]
    with pytest.raises(UnsupportedModel, match="ADD: ") as caught:
        single.load(build("ADD", held, [Operand("y", "float32", (3,))], options("Add")))
    assert caught.value.where == "model.tflite: ADD #0 -> 'y'"


def test_a_result_of_another_type_than_the_operator_makes() -> None:
    held = [Operand("a", "float32", (3,))]
    with pytest.raises(UnsupportedModel, match="the result is int8, expected float32"):
        single.load(build("ABS", held, [Operand("y", "int8", (3,))]))
