"""Normalisations: batch, instance, group, layer, root mean square, Lp, local response."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.graph import Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule


@rule("BatchNormalization", since=7)
def batch_normalization(n: SourceNode) -> Value:
    """Stored statistics per channel; training is refused."""
    n.require(not n.integer("training_mode", 0), "training_mode is 1", "export for inference")
    n.require(n.integer("spatial", 1) == 1, "spatial is 0: statistics per pixel", "export again")
    n.require(
        len([o for o in n.outputs if o]) == 1, "it returns statistics", "export for inference"
    )
    x, parameters = n.input(0), [n.input(i) for i in range(1, 5)]
    epsilon = n.number("epsilon", 1e-5)
    if x.type.rank <= 2:
        return n.add("batch_norm", x, *parameters, epsilon=epsilon)
    perm = (0, *range(2, x.type.rank), 1)
    y = n.add("batch_norm", n.transpose(x, perm), *parameters, epsilon=epsilon)
    return n.transpose(y, (0, x.type.rank - 1, *range(1, x.type.rank - 1)))


def _normalized(n: SourceNode, x: Value, axes: Sequence[int], epsilon: float) -> Value:
    """(x - mean) / sqrt(variance + epsilon) over some axes."""
    mean = n.add("reduce_mean", x, axes=tuple(axes), keepdims=True)
    centred = n.add("sub", x, mean)
    return n.add("mul", centred, _inverse_deviation(n, centred, axes, epsilon))


def _inverse_deviation(n: SourceNode, x: Value, axes: Sequence[int], epsilon: float) -> Value:
    """1 / sqrt(mean(x**2) + epsilon)."""
    power = n.add("reduce_mean", n.add("square", x), axes=tuple(axes), keepdims=True)
    return n.add("rsqrt", n.add("add", power, n.scalar(epsilon, power)))


@rule("InstanceNormalization", since=6)
def instance_normalization(n: SourceNode) -> Value:
    """Statistics per sample and channel."""
    x = n.input(0)
    rank = x.type.rank
    last = n.transpose(x, (0, *range(2, rank), 1))
    y = _normalized(n, last, range(1, rank - 1), n.number("epsilon", 1e-5))
    y = n.add("add", n.add("mul", y, n.input(1)), n.input(2))
    return n.transpose(y, (0, rank - 1, *range(1, rank - 1)))


@rule("GroupNormalization", since=18)
def group_normalization(n: SourceNode) -> Value:
    """Statistics per sample and group of channels; before opset 21 scales are per group, too."""
    x, groups = n.input(0), n.integer("num_groups", 0)
    channels = x.type.shape[1]
    if groups < 1 or not isinstance(channels, int) or channels % groups:
        n.invalid(f"{channels} channels in {groups} groups")
    split = n.reshape(x, (x.type.shape[0], groups, channels // groups, *x.type.shape[2:]))
    y = _normalized(n, split, range(2, split.type.rank), n.number("epsilon", 1e-5))
    if n.opset < 21:
        shape: tuple[int, ...] = (groups, *[1] * (x.type.rank - 1))
        y = n.add(
            "add", n.add("mul", y, n.reshape(n.input(1), shape)), n.reshape(n.input(2), shape)
        )
        return n.reshape(y, x.type.shape)
    y = n.reshape(y, x.type.shape)
    shape = (channels, *[1] * (x.type.rank - 2))
    return n.add("add", n.add("mul", y, n.reshape(n.input(1), shape)), n.reshape(n.input(2), shape))


@rule("LayerNormalization", since=17)
def layer_normalization(n: SourceNode) -> list[Value | None]:
    """Statistics over the axes from `axis` on; they are further results."""
    x = n.input(0)
    axes = tuple(range(n.axis(n.integer("axis", -1), x.type.rank), x.type.rank))
    mean = n.add("reduce_mean", x, axes=axes, keepdims=True)
    centred = n.add("sub", x, mean)
    inverse = _inverse_deviation(n, centred, axes, n.number("epsilon", 1e-5))
    y = n.add("mul", n.add("mul", centred, inverse), n.input(1))
    bias = n.optional(2)
    return [y if bias is None else n.add("add", y, bias), mean, inverse]


@rule("RMSNormalization", since=23)
@rule("SimplifiedLayerNormalization", since=1)
def rms_normalization(n: SourceNode) -> Value:
    """The operand over its root mean square: x / sqrt(mean(x**2) + epsilon) * scale."""
    x = n.input(0)
    axes = tuple(range(n.axis(n.integer("axis", -1), x.type.rank), x.type.rank))
    inverse = _inverse_deviation(n, x, axes, n.number("epsilon", 1e-5))
    return n.add("mul", n.add("mul", x, inverse), n.input(1))


@rule("LpNormalization")
def lp_normalization(n: SourceNode) -> Value:
    """The operand divided by its L1 or L2 norm along an axis; zero where the norm is zero."""
    x = n.input(0)
    axis, order = n.axis(n.integer("axis", -1), x.type.rank), n.integer("p", 2)
    n.require(order in (1, 2), f"p is {order}", "1 and 2 are supported")
    parts = n.add("abs" if order == 1 else "square", x)
    norm = n.add("reduce_sum", parts, axes=(axis,), keepdims=True)
    norm = norm if order == 1 else n.add("sqrt", norm)
    zero, one = n.scalar(0, norm), n.scalar(1, norm)
    safe = n.add("select", n.add("equal", norm, zero), one, norm)
    return n.add("div", x, safe)


@rule("MeanVarianceNormalization")
def mean_variance_normalization(n: SourceNode) -> Value:
    """Zero mean and unit variance over some axes."""
    x = n.input(0)
    axes = n.axes(n.integers("axes") or (0, 2, 3), x.type.rank)
    centred = n.add("sub", x, n.add("reduce_mean", x, axes=axes, keepdims=True))
    power = n.add("reduce_mean", n.add("square", centred), axes=axes, keepdims=True)
    deviation = n.add("sqrt", power)
    return n.add("div", centred, n.add("add", deviation, n.scalar(1e-9, deviation)))


@rule("LRN")
def local_response(n: SourceNode) -> Value:
    """The quotient x / (bias + alpha / size * sum of squares over near channels) ** beta.

    The sum is a product with a band of ones, channels last.
    """
    x, size = n.input(0), n.integer("size", 1)
    channels = x.type.shape[1]
    if not isinstance(channels, int):
        n.refuse(f"a run-time number of channels {channels}", "fix the input shapes")
    n.bound(float(channels) * channels, "a band")
    perm = (0, *range(2, x.type.rank), 1)
    last = n.transpose(x, perm)
    index = np.arange(channels)
    offset = index[None, :] - index[:, None]
    band = (offset >= -((size - 1) // 2)) & (offset <= size // 2)
    weight = n.constant(band.astype(np.float32) * np.float32(n.number("alpha", 1e-4) / size))
    total = n.add("fully_connected", n.add("square", last), weight, None)
    total = n.add("add", total, n.scalar(n.number("bias", 1.0), total))
    y = n.add("div", last, n.add("pow", total, n.scalar(n.number("beta", 0.75), total)))
    return n.transpose(y, (0, x.type.rank - 1, *range(1, x.type.rank - 1)))
