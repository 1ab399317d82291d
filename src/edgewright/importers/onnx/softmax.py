"""Softmax, LogSoftmax and Hardmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgewright.graph import Value, product
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule

NAMES = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}


@rule(*NAMES)
def softmax_of_matrix(n: SourceNode) -> Value:
    """Before opset 13: over all axes from `axis` on, taken as one."""
    x = n.input(0)
    axis = n.axis(n.integer("axis", 1), x.type.rank)
    if axis == x.type.rank - 1:
        return n.add(NAMES[n.op_type], x)
    shape = x.type.shape
    flat = n.reshape(x, (product(shape[:axis]), product(shape[axis:])))
    return n.reshape(n.add(NAMES[n.op_type], flat), shape)


@rule(*NAMES, since=13)
def softmax(n: SourceNode) -> Value:
    """Over one axis."""
    return over_last_axis(n, n.integer("axis", -1), lambda x: n.add(NAMES[n.op_type], x))


def _hardmax(n: SourceNode, x: Value) -> Value:
    """1 at the first largest element of the last axis, 0 elsewhere."""
    size = x.type.shape[-1]
    if not isinstance(size, int):
        n.refuse(f"Hardmax over a run-time size {size}", "fix the input shapes")
    n.bound(size, "an axis")
    best = n.add("argmax", x, axis=x.type.rank - 1, keepdims=True, to="int64")
    hit = n.add("equal", best, n.constant(np.arange(size, dtype=np.int64)))
    return n.cast(hit, x.type.dtype)


@rule("Hardmax")
def hardmax_of_matrix(n: SourceNode) -> Value:
    """Before opset 13: over all axes from `axis` on, taken as one."""
    x = n.input(0)
    axis, shape = n.axis(n.integer("axis", 1), x.type.rank), x.type.shape
    flat = n.reshape(x, (product(shape[:axis]), product(shape[axis:])))
    return n.reshape(_hardmax(n, flat), shape)


@rule("Hardmax", since=13)
def hardmax(n: SourceNode) -> Value:
    """Over one axis."""
    return over_last_axis(n, n.integer("axis", -1), lambda x: _hardmax(n, x))


def over_last_axis(n: SourceNode, axis: int, function: Callable[[Value], Value]) -> Value:
    """Apply a function of the last axis to another axis."""
    x = n.input(0)
    axis, last = n.axis(axis, x.type.rank), x.type.rank - 1
    if axis == last:
        return function(x)
    perm = list(range(x.type.rank))
    perm[axis], perm[last] = last, axis
    return n.transpose(function(n.transpose(x, perm)), perm)
