"""Functions of two operands, element by element with NumPy's broadcasting: one row of a table each.

A row holds the meaning (NumPy) and how C spells it, on sixteen float32 lanes and on integers, so
that a chain of rows can be fused into one loop by nesting their C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgewright import numerics as nx
from edgewright.graph import DType, Node, TensorType, Value
from edgewright.ops import Array, Call, Emit, Op, of, op, quantised, quantised_c, require
from edgewright.ops.broadcast import broadcast_shape, emit_loops, meeting_axes
from edgewright.ops.literals import f32_literal, int_literal, whole
from edgewright.ops.unary import Unary

Clamp = tuple[float, float]
FLOAT, INTEGER, BOOL = "f", "iu", "b"


@dataclass(frozen=True)
class Row:
    """One function.

    Attributes:
        reference: NumPy, on float32, integers or bools.
        simd: C of sixteen float32 lanes `{a}` and `{b}`; None where a result is not float32.
        scalar: C of one `{a}` and one `{b}` of an integer type (`{bits}` wide), or of a comparison
            of any type; None where the function has no such form.
        kinds: NumPy kinds of the operands that it takes.
        compares: the result is bool.
        clamps: it has the attribute `clamp`.
    """

    reference: Callable[[Array, Array], Array]
    simd: str | None = None
    scalar: str | None = None
    kinds: str = FLOAT + INTEGER
    compares: bool = False
    clamps: bool = False


def _truncated_division(a: Array, b: Array) -> Array:
    """Towards zero for integers (x / 0 is 0, as NumPy's floor division has it)."""
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    quotient = a // b
    back = (quotient < 0) & (quotient * b != a) & (b != 0)
    return np.asarray(quotient + back.astype(a.dtype))


def _floor_mod(a: Array, b: Array) -> Array:
    """The remainder with the sign of b; x mod 0 is 0 for integers and NaN for floats."""
    return np.asarray(np.mod(a, b))


def _power(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return nx.power(a, b).astype(a.dtype)
    return np.asarray(np.where(b < 0, 0, np.power(a, np.maximum(b, 0))).astype(a.dtype))


TABLE: dict[str, Row] = {
    "add": Row(np.add, "ew_f32_add({a}, {b})", "ew_add_i{bits}({a}, {b})", clamps=True),
    "sub": Row(np.subtract, "ew_f32_sub({a}, {b})", "ew_sub_i{bits}({a}, {b})", clamps=True),
    "mul": Row(np.multiply, "ew_f32_mul({a}, {b})", "ew_mul_i{bits}({a}, {b})", clamps=True),
    "div": Row(
        _truncated_division, "ew_f32_div({a}, {b})", "ew_div_i{bits}({a}, {b})", clamps=True
    ),
    "pow": Row(_power, "ew_f32_pow({a}, {b})", kinds=FLOAT),
    "minimum": Row(np.minimum, "ew_f32_minimum({a}, {b})", "{a} < {b} ? {a} : {b}"),
    "maximum": Row(np.maximum, "ew_f32_maximum({a}, {b})", "{a} > {b} ? {a} : {b}"),
    "floor_div": Row(
        lambda a, b: np.floor(a / b) if a.dtype.kind == "f" else a // b,
        "ew_f32_floor(ew_f32_div({a}, {b}))",
        "ew_floor_div_i{bits}({a}, {b})",
    ),
    "floor_mod": Row(_floor_mod, "ew_f32_floor_mod({a}, {b})", "ew_floor_mod_i{bits}({a}, {b})"),
    "squared_difference": Row(
        lambda a, b: (a - b) * (a - b),
        "ew_f32_square(ew_f32_sub({a}, {b}))",
        "ew_mul_i{bits}(ew_sub_i{bits}({a}, {b}), ew_sub_i{bits}({a}, {b}))",
    ),
    "prelu": Row(lambda a, b: np.where(a >= 0, a, a * b).astype(a.dtype), "ew_f32_prelu({a}, {b})"),
    "equal": Row(np.equal, None, "{a} == {b}", FLOAT + INTEGER + BOOL, compares=True),
    "not_equal": Row(np.not_equal, None, "{a} != {b}", FLOAT + INTEGER + BOOL, compares=True),
    "less": Row(np.less, None, "{a} < {b}", compares=True),
    "less_equal": Row(np.less_equal, None, "{a} <= {b}", compares=True),
    "greater": Row(np.greater, None, "{a} > {b}", compares=True),
    "greater_equal": Row(np.greater_equal, None, "{a} >= {b}", compares=True),
    "logical_and": Row(np.logical_and, None, "{a} & {b}", BOOL, compares=True),
    "logical_or": Row(np.logical_or, None, "{a} | {b}", BOOL, compares=True),
    "logical_xor": Row(np.logical_xor, None, "{a} ^ {b}", BOOL, compares=True),
}


def _codes_given(value: Value, x: Value, call: Call) -> Array | None:
    """What a value holds where x holds each of its 256 codes; None where others decide as well."""
    if value.data is not None and value.data.size == 1:
        return value.data.reshape(1)
    made = value.producer
    if made is None or made.inputs != [x] or value.type.shape != x.type.shape:
        return None
    function = of(made)
    if not isinstance(function, Unary):
        return None
    types = Call([x.type], [value.type], call.requantization)
    return function.reference(types, quantised.every_code(x.type))


class Binary(Op):
    """Base of all functions of two operands; `row` says which."""

    row: ClassVar[Row]
    inplace = (0, 1)

    @property
    def bounds(self) -> Clamp | None:
        """The attribute `clamp`, where there is one."""
        clamp: Clamp | None = getattr(self, "clamp", None)
        return clamp

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        require(a.dtype is b.dtype, f"{self.name} of {a} and {b}: the dtypes differ")
        require(
            a.quant is not None or a.dtype.numpy.kind in self.row.kinds,
            f"{self.name} has no meaning on {a}",
        )
        shape = broadcast_shape(a.shape, b.shape)
        return TensorType(DType.BOOL if self.row.compares else a.dtype, shape)

    def reference(self, call: Call, a: Array, b: Array) -> Array:
        given = call.inputs[0]
        assert given is not None
        if given.quant is not None:
            return quantised.binary(call, self.name, self.bounds, self.row.reference, a, b)
        with np.errstate(all="ignore"):
            result = np.asarray(self.row.reference(a, b))
        return result if self.bounds is None else np.clip(result, *self.bounds).astype(a.dtype)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...]:
        return meeting_axes(node, axis)

    def emit(self, e: Emit) -> None:
        a, b = e.inputs
        assert a is not None and b is not None
        quantised.require_kernel(self.name, a.type)
        if a.type.quant is not None:
            self._emit_quantised(e, a, b)
        elif a.type.dtype is DType.FLOAT32 and self.row.simd is not None:
            self._emit_float(e, a, b)
        else:
            self._emit_scalar(e, a, b)

    def _emit_quantised(self, e: Emit, a: Value, b: Value) -> None:
        """Comparisons and selections of one quantisation work on the integers as they are."""
        if self.name in quantised.PLAIN or self.row.compares:
            quantised.require_alike(self.name, a.type, b.type, e.outputs[0].type)
            self._emit_scalar(e, a, b)
            return
        y = e.outputs[0].type
        table = None
        if a.type.dtype.bits == y.dtype.bits == 8:
            table = self._table(Call([a.type, b.type], [y], e.requantization), a, b)
        if table is None:
            quantised_c.emit_binary(e, self.name, self.bounds)
        else:
            quantised_c.emit_table(e, *table)

    def _table(self, call: Call, a: Value, b: Value) -> tuple[Value, Array] | None:
        """The only operand that the result depends on, and the results of its 256 codes.

        The other one is a single number, or itself a function of the first (x * sigmoid(x)).
        """
        codes = quantised.every_code(a.type)
        held = _codes_given(b, a, call)
        if held is not None:
            return a, self.reference(call, codes, held)
        held = _codes_given(a, b, call)
        return None if held is None else (b, self.reference(call, held, codes))

    def _emit_float(self, e: Emit, a: Value, b: Value) -> None:
        e.header("math.h")
        e.header("elementwise.h")
        body = (self.row.simd or "").format(a="a", b="b")
        limits = [f32_literal(v) for v in self.bounds or ()]
        if limits:
            body = f"ew_f32_clamp({body}, ew_f32_dup(lo), ew_f32_dup(hi))"

        def inner(kind: str, operands: list[str], result: str, count: str) -> None:
            name = f"ew_{self.name}{'_clamp' if limits else ''}_f32_{kind}"
            extra = ", float lo, float hi" if limits else ""
            signature = f"(const float *pa, const float *pb, float *py, int n{extra})"
            reads = ", ".join(f"EW_{letter.upper()}_F32" for letter in kind)
            e.define(name, f"EW_BINARY_F32({name}, {signature}, {reads}, {body})")
            e.call(name, *operands, result, count, *limits)

        emit_loops(e, (a, b), e.outputs[0], inner)

    def _emit_scalar(self, e: Emit, a: Value, b: Value) -> None:
        """Integers, bools and comparisons: a plain loop that the compiler vectorises."""
        dtype, result_type = a.type.dtype, e.outputs[0].type.dtype
        assert self.row.scalar is not None
        e.header("elementwise.h")
        body = self.row.scalar.format(a="a", b="b", bits=max(dtype.bits, 32))
        limits = [whole(v, dtype.numpy) for v in self.bounds or ()]
        if limits:
            body = f"EW_CLAMP({body}, lo, hi)"

        def inner(kind: str, operands: list[str], result: str, count: str) -> None:
            name = f"ew_{self.name}{'_clamp' if limits else ''}_{dtype.value}_{kind}"
            c, extra = dtype.c, f", {dtype.c} lo, {dtype.c} hi" if limits else ""
            signature = f"(const {c} *pa, const {c} *pb, {result_type.c} *py, int n{extra})"
            strides = ", ".join("1" if letter == "v" else "0" for letter in kind)
            e.define(
                name, f"EW_BINARY({name}, {c}, {result_type.c}, {signature}, {strides}, {body})"
            )
            e.call(name, *operands, result, count, *(int_literal(v, dtype.bits) for v in limits))

        emit_loops(e, (a, b), e.outputs[0], inner)


def _define(name: str, row: Row) -> None:
    """Make the operator of one row: a class whose fields are the attributes."""
    body: dict[str, Any] = {"__doc__": f"{name}(a, b), element by element, broadcasting."}
    body |= {"__module__": __name__, "row": row}
    if row.clamps:
        body |= {"clamp": None, "__annotations__": {"clamp": "Clamp | None"}}
    op(name)(type(name, (Binary,), body))


for _name, _row in TABLE.items():
    _define(_name, _row)
