"""Evaluates small integer tensors whose elements may be run-time sizes.

`Shape -> Gather -> Concat -> Reshape` chains are computed here while the model is imported, on
NumPy object arrays that hold ints and `Dim`s, so that shapes become attributes rather than tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgewright.graph import Array, Dim, Node, Size, Value

#: Chains that compute shapes are short; longer tensors are data.
MAX_ELEMENTS = 64


def evaluate(node: Node, sizes: Mapping[Value, Array]) -> list[Array] | None:
    """The results of a node over known sizes, or None when something about it is not known.

    Only nodes that read at least one value of `sizes` are evaluated: plain constants are folded by
    the operators' references.
    """
    rule = _RULES.get(node.op)
    if node.op == "div" and node.input(0).type.dtype.is_float:
        rule = _divide_exactly
    if rule is None or not any(v in sizes for v in node.arguments):
        return None
    arrays = [_known(v, sizes) for v in node.arguments]
    if any(a is None for a in arrays) or len(arrays) != len(node.inputs):
        return None
    try:
        result = rule(node.attrs, *arrays)
    except (TypeError, ValueError, IndexError):
        return None
    if result is None:
        return None
    results = [np.asarray(a, object) for a in (result if isinstance(result, list) else [result])]
    return results if sum(a.size for a in results) <= MAX_ELEMENTS else None


def is_plain(array: Array) -> bool:
    """Whether every element is a number."""
    return not any(isinstance(v, Dim) for v in array.ravel())


def _known(value: Value, sizes: Mapping[Value, Array]) -> Array | None:
    if value in sizes:
        return sizes[value]
    data = value.data
    if data is None or data.size > MAX_ELEMENTS:
        return None
    if data.dtype.kind == "f":
        whole = bool(np.all(np.isfinite(data))) and bool(np.all(data == np.rint(data)))
        return data.astype(np.int64).astype(object) if whole else None
    return data.astype(object)


def _slice(attrs: dict[str, Any], x: Array) -> Array:
    index = []
    strides = attrs.get("stride") or (1,) * x.ndim
    for begin, size, stride in zip(attrs["begin"], attrs["size"], strides, strict=True):
        index.append(np.array([begin + i * stride for i in range(size)], int))
    return np.asarray(x[np.ix_(*index)])


def _split(attrs: dict[str, Any], x: Array) -> list[Array]:
    return np.split(x, np.cumsum(attrs["sizes"])[:-1], attrs["axis"])


def _divide(attrs: dict[str, Any], a: Array, b: Array) -> Array:
    """Division of sizes, which are not negative, so that truncation is floor division."""
    return np.asarray(np.vectorize(_quotient, otypes=[object])(a, b))


def _divide_exactly(attrs: dict[str, Any], a: Array, b: Array) -> Array | None:
    quotient = _divide(attrs, a, b)
    return quotient if np.all(quotient * b == a) else None


def _quotient(a: Size, b: Size) -> Size:
    if a == b:
        return 1
    if isinstance(b, Dim):
        raise TypeError("division by a run-time size")
    return a // b


def _equal(attrs: dict[str, Any], a: Array, b: Array) -> Array:
    return np.asarray(np.vectorize(_same, otypes=[object])(a, b))


def _same(a: Size, b: Size) -> bool:
    difference = a - b
    if isinstance(difference, Dim):
        low, high = difference.bounds()
        if low <= 0 <= high:
            raise TypeError("equal or not at run time")
        return False
    return bool(difference == 0)


def _select(attrs: dict[str, Any], condition: Array, a: Array, b: Array) -> Array:
    return np.where(condition.astype(bool), a, b)


def _extreme(pick: Callable[[int, int], int]) -> Callable[..., Array]:
    def choose(a: Size, b: Size) -> Size:
        if isinstance(a, Dim) or isinstance(b, Dim):
            small, large = _ordered(a, b)
            return small if pick is min else large
        return pick(a, b)

    return lambda attrs, a, b: np.asarray(np.vectorize(choose, otypes=[object])(a, b))


def _ordered(a: Size, b: Size) -> tuple[Size, Size]:
    """Two sizes, the smaller one first. Raises TypeError when that depends on the run."""
    difference = a - b
    low, high = difference.bounds() if isinstance(difference, Dim) else (difference, difference)
    if high <= 0:
        return a, b
    if low >= 0:
        return b, a
    raise TypeError("the smaller one is not known")


def _cast(attrs: dict[str, Any], x: Array) -> Array:
    """Sizes are whole, so a cast changes only their dtype; `bool` would change their value."""
    if attrs["to"] == "bool":
        raise TypeError("a size as a truth value")
    return x


def _tile(attrs: dict[str, Any], x: Array) -> Array | None:
    repeats = [int(r) for r in attrs["repeats"]]
    return np.tile(x, repeats) if math.prod(repeats) <= MAX_ELEMENTS else None


def _product(attrs: dict[str, Any], x: Array) -> Array:
    return np.asarray(np.multiply.reduce(x, tuple(attrs["axes"]), keepdims=attrs["keepdims"]))


_RULES: dict[str, Callable[..., Any]] = {
    "concat": lambda attrs, *xs: np.concatenate(xs, attrs["axis"]),
    "gather": lambda attrs, x, i: np.take(x, i.astype(np.int64), attrs["axis"]),
    "reshape": lambda attrs, x: x.reshape([int(d) for d in attrs["shape"]]),
    "transpose": lambda attrs, x: x.transpose(attrs["perm"]),
    "expand": lambda attrs, x: np.broadcast_to(x, [int(d) for d in attrs["shape"]]),
    "tile": _tile,
    "add": lambda attrs, a, b: a + b,
    "sub": lambda attrs, a, b: a - b,
    "floor": lambda attrs, x: x,
    "ceil": lambda attrs, x: x,
    "mul": lambda attrs, a, b: a * b,
    "div": _divide,
    "floor_div": _divide,
    "minimum": _extreme(min),
    "maximum": _extreme(max),
    "equal": _equal,
    "select": _select,
    "slice": _slice,
    "split": _split,
    "cast": _cast,
    "reduce_prod": _product,
}
