"""Conv and its integer forms."""

from __future__ import annotations

from dataclasses import dataclass

from edgewright.graph import Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule
from edgewright.importers.onnx.windows import Window, window


@rule("Conv", since=1)
def conv(n: SourceNode) -> Value:
    """[N,C,H,W] by [O,C/groups,KH,KW]; `depthwise_conv` where each group has one input channel."""
    x = n.input(0)
    result = convolve(n, n.to_nhwc(x), x, n.input(1), n.optional(2))
    return n.from_nhwc(result, x.type.rank)


@dataclass(frozen=True)
class Plan:
    """An operator for a convolution, with its weight in our layout."""

    op: str
    weight: Value
    window: Window
    groups: int


def plan(n: SourceNode, x: Value, w: Value) -> Plan:
    """Choose the operator. `x` is the channels-first input, `w` the source's weight."""
    kernel = n.integers("kernel_shape") or w.type.dims[2:]
    if w.type.rank != x.type.rank or tuple(kernel) != tuple(w.type.dims[2:]):
        n.invalid(f"the weight is {w.type}, the kernel {list(kernel)}")
    groups = n.integer("group", 1)
    channels, outputs, per_group = x.type.shape[1], w.type.dims[0], w.type.dims[1]
    if groups < 1 or channels != per_group * groups or outputs % groups:
        n.invalid(f"{channels} channels in {groups} groups, the weight is {w.type}")
    view = window(n, x, kernel)
    if groups > 1 and per_group == 1:
        return Plan("depthwise_conv", depthwise_weight(n, w), view, groups)
    return Plan("conv", conv_weight(n, w), view, groups)


def conv_weight(n: SourceNode, w: Value) -> Value:
    """[O,I,KH,KW] or [O,I,K] as [O,KH,KW,I]."""
    if w.type.rank == 3:
        return n.expand_weight(n.transpose(w, (0, 2, 1)), 1)
    return n.transpose(w, (0, 2, 3, 1))


def depthwise_weight(n: SourceNode, w: Value) -> Value:
    """[O,1,KH,KW] or [O,1,K] as [KH,KW,O]."""
    if w.type.rank == 3:
        # [K,1,O]: the unit axis of the source, moved, serves as the height.
        return n.transpose(w, (1, 2, 0))
    return n.squeeze_weight(n.transpose(w, (1, 2, 3, 0)), 0)


def convolve(n: SourceNode, nhwc: Value, x: Value, w: Value, bias: Value | None) -> Value:
    """The convolution of `nhwc`, which is the channels-first `x` rearranged."""
    chosen = plan(n, x, w)
    attrs = {
        "stride": chosen.window.stride,
        "dilation": chosen.window.dilation,
        "pad": chosen.window.pad,
    }
    if chosen.op == "conv":
        attrs["groups"] = chosen.groups  # type: ignore[assignment]
    return n.add(chosen.op, nhwc, chosen.weight, bias, **attrs)
