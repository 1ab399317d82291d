"""Reductions and their compositions, ArgMax and ArgMin."""

from __future__ import annotations

from collections.abc import Callable

from edgewright.graph import Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule

PLAIN = {
    "ReduceMax": "reduce_max",
    "ReduceMean": "reduce_mean",
    "ReduceMin": "reduce_min",
    "ReduceProd": "reduce_prod",
    "ReduceSum": "reduce_sum",
}


def _axes(n: SourceNode, x: Value) -> tuple[int, ...] | None:
    """The axes to reduce, sorted; None where `noop_with_empty_axes` asks for the operand itself."""
    given = n.axes_of(1, "axes")
    if not given:
        if n.integer("noop_with_empty_axes", 0):
            return None
        return tuple(range(x.type.rank))
    return tuple(sorted(n.axes(given, x.type.rank)))


def _reduce(n: SourceNode, op: str, x: Value) -> Value:
    """One reduction of the IR over the node's axes."""
    axes = _axes(n, n.input(0))
    if not axes:
        return x
    return n.add(op, x, axes=axes, keepdims=bool(n.integer("keepdims", 1)))


@rule(*PLAIN)
def plain(n: SourceNode) -> Value:
    """The IR's reduction of the same meaning."""
    return _reduce(n, PLAIN[n.op_type], n.input(0))


def _log_sum_exp(n: SourceNode) -> Value:
    """The largest element is subtracted first, so that exp() cannot overflow."""
    x, axes = n.input(0), _axes(n, n.input(0))
    if not axes:
        return x
    top = n.add("reduce_max", x, axes=axes, keepdims=True)
    powers = n.add("exp", n.add("sub", x, top))
    logs = n.add("log", n.add("reduce_sum", powers, axes=axes, keepdims=True))
    y = n.add("add", logs, top)
    kept = [d for i, d in enumerate(y.type.shape) if i not in axes]
    return y if n.integer("keepdims", 1) else n.reshape(y, kept)


COMPOSED: dict[str, Callable[[SourceNode], Value]] = {
    "ReduceL1": lambda n: _reduce(n, "reduce_sum", n.add("abs", n.input(0))),
    "ReduceL2": lambda n: n.add("sqrt", _reduce(n, "reduce_sum", n.add("square", n.input(0)))),
    "ReduceLogSum": lambda n: n.add("log", _reduce(n, "reduce_sum", n.input(0))),
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceSumSquare": lambda n: _reduce(n, "reduce_sum", n.add("square", n.input(0))),
}


@rule(*COMPOSED)
def composed(n: SourceNode) -> Value:
    """A reduction between elementwise functions."""
    return COMPOSED[n.op_type](n)


@rule("ArgMax", "ArgMin")
def arg(n: SourceNode) -> Value:
    """The index of the first extreme element, or of the last one."""
    x, op = n.input(0), n.op_type.lower()
    axis = n.axis(n.integer("axis", 0), x.type.rank)
    keepdims = bool(n.integer("keepdims", 1))
    if not n.integer("select_last_index", 0):
        return n.add(op, x, axis=axis, keepdims=keepdims, to="int64")
    size = x.type.shape[axis]
    begin = tuple(size - 1 if i == axis else 0 for i in range(x.type.rank))
    stride = tuple(-1 if i == axis else 1 for i in range(x.type.rank))
    turned = n.add("slice", x, begin=begin, size=x.type.shape, stride=stride)
    index = n.add(op, turned, axis=axis, keepdims=keepdims, to="int64")
    if not isinstance(size, int):
        n.refuse(f"select_last_index over a run-time size {size}", "fix the input shapes")
    return n.add("sub", n.scalar(size - 1, index), index)
