"""Functions of one operand, element by element: one row of a table each.

A row holds the meaning (NumPy, float64 in and out) and how C spells it on sixteen lanes; attributes
appear in both under their names. A chain of rows can be fused into one loop by nesting their C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, ClassVar, cast

import numpy as np

from edgewright import numerics as nx
from edgewright.graph import DType, Node, TensorType, Value
from edgewright.ops import Array, Call, Emit, Op, op, quantised, quantised_c, require
from edgewright.ops.literals import f32_literal, int_literal, whole

INTEGERS = (DType.INT8, DType.UINT8, DType.INT16, DType.INT32, DType.INT64)


@dataclass(frozen=True)
class Row:
    """One function.

    Attributes:
        reference: NumPy, float64 to float64 (and integers to integers where `integer` is given).
        simd: C of sixteen float32 lanes `{x}`; attributes appear as float literals.
        integer: C of one signed integer `{x}`, for dtypes that are not quantised; None where the
            function has no integer form.
        attributes: names and defaults.
    """

    reference: Callable[..., Array]
    simd: str
    integer: str | None = None
    attributes: Mapping[str, float | bool] = field(default_factory=dict)


def _silu(x: Array) -> Array:
    """x * sigmoid(x), and its limit 0 where x is minus infinity."""
    return np.maximum(x, np.float32(-1000)) * nx.sigmoid(x)


def _gelu(x: Array, approximate: bool) -> Array:
    if approximate:
        inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1 + nx.tanh(inner))
    return 0.5 * x * (1 + nx.erf(x * np.sqrt(0.5)))


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * nx.expm1(np.minimum(x, 0)))


def _clip(x: Array, lo: float, hi: float) -> Array:
    return np.asarray(np.clip(x, lo, hi))


TABLE: dict[str, Row] = {
    "abs": Row(np.abs, "ew_f32_abs({x})", "{x} < 0 ? ew_sub_i{bits}(0, {x}) : {x}"),
    "neg": Row(np.negative, "ew_f32_neg({x})", "ew_sub_i{bits}(0, {x})"),
    "square": Row(lambda x: x * x, "ew_f32_square({x})", "ew_mul_i{bits}({x}, {x})"),
    "sign": Row(np.sign, "ew_f32_sign({x})", "({x} > 0) - ({x} < 0)"),
    "exp": Row(nx.exp, "ew_f32_exp({x})"),
    "log": Row(nx.log, "ew_f32_log({x})"),
    "sqrt": Row(nx.sqrt, "ew_f32_sqrt({x})"),
    "rsqrt": Row(nx.rsqrt, "ew_f32_rsqrt({x})"),
    "reciprocal": Row(lambda x: 1.0 / x, "ew_f32_reciprocal({x})"),
    "sin": Row(nx.sin, "ew_f32_sin({x})"),
    "cos": Row(nx.cos, "ew_f32_cos({x})"),
    "tanh": Row(nx.tanh, "ew_f32_tanh({x})"),
    "sigmoid": Row(nx.sigmoid, "ew_f32_sigmoid({x})"),
    "erf": Row(nx.erf, "ew_f32_erf({x})"),
    "gelu": Row(_gelu, "ew_f32_gelu({x}, {approximate})", attributes={"approximate": False}),
    "leaky_relu": Row(
        lambda x, alpha: np.where(x >= 0, x, alpha * x),
        "ew_f32_leaky_relu({x}, {alpha})",
        attributes={"alpha": 0.01},
    ),
    "elu": Row(_elu, "ew_f32_elu({x}, {alpha})", attributes={"alpha": 1.0}),
    "selu": Row(
        lambda x, alpha, gamma: gamma * _elu(x, alpha),
        "ew_f32_selu({x}, {alpha}, {gamma})",
        attributes={"alpha": 1.6732632423543772, "gamma": 1.0507009873554805},
    ),
    "hard_swish": Row(
        lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
        "ew_f32_hard_swish({x})",
    ),
    "hard_sigmoid": Row(
        lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
        "ew_f32_hard_sigmoid({x}, {alpha}, {beta})",
        attributes={"alpha": 0.2, "beta": 0.5},
    ),
    "softplus": Row(nx.softplus, "ew_f32_softplus({x})"),
    "softsign": Row(lambda x: x / (1 + np.abs(x)), "ew_f32_softsign({x})"),
    "silu": Row(_silu, "ew_f32_silu({x})"),
    "mish": Row(lambda x: x * nx.tanh(nx.softplus(x)), "ew_f32_mish({x})"),
    "floor": Row(np.floor, "ew_f32_floor({x})"),
    "ceil": Row(np.ceil, "ew_f32_ceil({x})"),
    "round": Row(np.rint, "ew_f32_round({x})"),
    "clip": Row(
        _clip,
        "ew_f32_clip({x}, {lo}, {hi})",
        "{x} < {lo} ? {lo} : {x} > {hi} ? {hi} : {x}",
        attributes={"lo": -np.inf, "hi": np.inf},
    ),
}


class Unary(Op):
    """Base of all functions of one operand; `row` says which."""

    row: ClassVar[Row]
    inplace = (0,)

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes by name."""
        return asdict(cast(Any, self))

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype.is_float or x.quant is not None:
            return x.with_quant(None)
        known = self.row.integer is not None and x.dtype in INTEGERS
        require(known, f"{self.name} has no meaning on {x}")
        return x

    def evaluate(self, x: Array) -> Array:
        """The function on float64 values."""
        with np.errstate(all="ignore"):
            return np.asarray(self.row.reference(np.asarray(x, np.float64), **self.attributes))

    def reference(self, call: Call, x: Array) -> Array:
        given = call.inputs[0]
        assert given is not None
        if given.quant is not None:
            return quantised.function(call, self.name, self.attributes, self.evaluate, x)
        if given.dtype.is_float:
            with np.errstate(over="ignore"):
                return self.evaluate(x).astype(x.dtype)
        return self._integers(x)

    def _integers(self, x: Array) -> Array:
        """Integers that are plain numbers; they wrap around."""
        limits = {k: whole(v, x.dtype) for k, v in self.attributes.items()}
        with np.errstate(over="ignore"):
            return np.asarray(self.row.reference(x, **limits)).astype(x.dtype)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...]:
        return (axis,)

    def emit(self, e: Emit) -> None:
        x, y = e.inputs[0], e.outputs[0]
        assert x is not None
        quantised.require_kernel(self.name, x.type)
        if x.type.quant is not None:
            call = Call([x.type], [y.type], e.requantization)
            table = partial(self.reference, call)
            quantised_c.emit_function(e, self.name, self.attributes, table)
        elif x.type.dtype is DType.FLOAT32:
            self._emit_float(e, x, y)
        else:
            self._emit_integer(e, x, y)

    def _emit_float(self, e: Emit, x: Value, y: Value) -> None:
        body = self.row.simd.format(x="x", **{k: k for k in self.attributes})
        extra = "".join(f", float {name}" for name in self.attributes)
        e.header("math.h")
        e.header("elementwise.h")
        signature = f"(const float *px, float *py, int n{extra})"
        name = f"ew_map_{self.name}_f32"
        e.define(name, f"EW_UNARY_F32({name}, {signature}, {body})")
        values = [f32_literal(float(v)) for v in self.attributes.values()]
        e.call(name, e.ptr(x), e.ptr(y), e.count(y), *values)

    def _emit_integer(self, e: Emit, x: Value, y: Value) -> None:
        dtype = x.type.dtype
        limits = {k: whole(v, dtype.numpy) for k, v in self.attributes.items()}
        assert self.row.integer is not None
        body = self.row.integer.format(x="x", bits=max(dtype.bits, 32), **{k: k for k in limits})
        extra = "".join(f", {dtype.c} {name}" for name in limits)
        name, wide = f"ew_map_{self.name}_{dtype.value}", f"int{max(dtype.bits, 32)}_t"
        e.header("elementwise.h")
        signature = f"(const {dtype.c} *px, {dtype.c} *py, int n{extra})"
        e.define(name, f"EW_UNARY_INT({name}, {dtype.c}, {wide}, {signature}, {body})")
        values = [int_literal(v, dtype.bits) for v in limits.values()]
        e.call(name, e.ptr(x), e.ptr(y), e.count(y), *values)


def _define(name: str, row: Row) -> None:
    """Make the operator of one row: a class whose fields are the attributes."""
    annotations = {k: "bool" if isinstance(v, bool) else "float" for k, v in row.attributes.items()}
    body = {"__doc__": f"{name}(x), element by element.", "__module__": __name__, "row": row}
    op(name)(type(name, (Unary,), {**body, **row.attributes, "__annotations__": annotations}))


for _name, _row in TABLE.items():
    _define(_name, _row)


@op("logical_not")
class LogicalNot(Op):
    """y = not x, on bools."""

    inplace = (0,)

    def infer(self, x: TensorType) -> TensorType:
        require(x.dtype is DType.BOOL, f"logical_not has no meaning on {x}")
        return x

    def reference(self, call: Call, x: Array) -> Array:
        return np.logical_not(x)

    def emit(self, e: Emit) -> None:
        x, y = e.inputs[0], e.outputs[0]
        assert x is not None
        e.header("elementwise.h")
        signature = "(const uint8_t *px, uint8_t *py, int n)"
        e.define("ew_map_not", f"EW_UNARY_INT(ew_map_not, uint8_t, int32_t, {signature}, !x)")
        e.call("ew_map_not", e.ptr(x), e.ptr(y), e.count(y))
