"""Recognise layer normalisation written out."""

from __future__ import annotations

from edgewright.graph import DType, Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import scalar
from edgewright.passes.editing import become, drop_unused, feeder, insert


@rewrite("add")
def fuse_layer_norm(graph: Graph, node: Node) -> bool:
    """Turn the mean, the variance and what follows from them into `layer_norm`.

    Given:
        graph main(%x: float32[4,2]) -> (%y) {
          const %scale: float32[2] = [2.0, 3.0]
          const %bias: float32[2] = [0.5, 1.0]
          const %epsilon: float32[] = [0.5]
          %m = reduce_mean(%x) {axes=[1], keepdims=true}
          %d = sub(%x, %m)
          %s = square(%d)
          %v = reduce_mean(%s) {axes=[-1], keepdims=true}
          %e = add(%v, %epsilon)
          %r = rsqrt(%e)
          %n = mul(%d, %r)
          %z = mul(%n, %scale)
          %y = add(%z, %bias)
        }
    Result:
        graph main(%x: float32[4,2]) -> (%y) {
          const %scale: float32[2] = [2.0, 3.0]
          const %bias: float32[2] = [0.5, 1.0]
          %y = layer_norm(%x, %scale, %bias) {epsilon=0.5}
        }
    """
    if not _is_plain(node):
        return False
    for index in (0, 1):
        scaled, bias = feeder(node, index, "mul"), node.input(1 - index)
        if scaled is None or not _is_plain(scaled) or not _is_row(bias, node):
            continue
        for side in (0, 1):
            normal, scale = feeder(scaled, side, "mul"), scaled.input(1 - side)
            found = _normalised(normal) if normal and _is_row(scale, node) else None
            if found is not None and found[0].type == node.output.type:
                operands = [found[0], scale, bias]
                made = insert(graph, node, "layer_norm", operands, {"epsilon": found[1]},
                              like=node.output)  # fmt: skip
                become(graph, node, made)
                drop_unused(graph, scaled)
                return True
    return False


def _is_plain(node: Node) -> bool:
    """Whether a sum, difference or product is one of floats, and not clamped."""
    held = node.output.type
    return node.attrs.get("clamp") is None and held.dtype is DType.FLOAT32


def _is_row(value: Value, node: Node) -> bool:
    """Whether a constant has one number for each element of a row of the result."""
    return value.is_constant and value.type.shape == node.output.type.shape[-1:]


def _normalised(node: Node) -> tuple[Value, float] | None:
    """x and epsilon, if a product is (x - mean) * rsqrt(variance + epsilon)."""
    for side in (0, 1):
        centred, root = feeder(node, side, "sub"), feeder(node, 1 - side, "rsqrt")
        if centred is None or root is None or not (_is_plain(node) and _is_plain(centred)):
            continue
        total, x = feeder(root, 0, "add"), centred.input(0)
        if total is None or not _is_plain(total) or _mean_of(centred.input(1)) is not x:
            continue
        for variance, epsilon in (total.inputs, total.inputs[::-1]):
            number, squared = scalar(epsilon), _mean_of(variance)
            if number is not None and _is_square(squared, centred.output):
                return x, number
    return None


def _mean_of(value: Value | None) -> Value | None:
    """What a value is the mean of, along the last axis."""
    made = value.producer if value is not None else None
    if made is None or made.op != "reduce_mean" or not made.attrs.get("keepdims"):
        return None
    x = made.input(0)
    axes = tuple(made.attrs.get("axes", ()))
    return x if axes in ((-1,), (x.type.rank - 1,)) else None


def _is_square(value: Value | None, of: Value) -> bool:
    made = value.producer if value is not None else None
    if made is None or not _is_plain(made):
        return False
    operands = [of] if made.op == "square" else [of, of] if made.op == "mul" else None
    return made.inputs == operands
