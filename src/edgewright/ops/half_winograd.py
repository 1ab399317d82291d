"""Winograd's F(2x2, 3x3) with weights in 16 bits, which are transformed at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.graph import Node, upper
from edgewright.ops import half, packing, storage, winograd
from edgewright.ops.linear import clamp_of

if TYPE_CHECKING:
    from edgewright.ops import Emit, Packing
    from edgewright.ops.conv import Conv

#: Results per channel from which on it pays to transform the weights in every run: that takes as
#: long as about 15 results, the form saves about four ninths of them, and the transformed weights
#: of the small images deep in a net are many megabytes of arena.
LEAST_PIXELS = 128


def wins(node: Node, op: Conv, target: Packing) -> bool:
    """Whether a convolution with weights in 16 bits is computed in this form."""
    batch, height, width, _ = node.output.type.shape
    large = upper(batch) * upper(height) * upper(width) >= LEAST_PIXELS
    return large and winograd.fits(node, op, target) and winograd.saves(node, op)


def scratch_bytes(node: Node, op: Conv) -> int:
    """Bytes of scratch: the kernel's own, then the transformed weights."""
    return _own_bytes(node, op) + 4 * 16 * _pairs(node)


def emit(e: Emit, op: Conv, shape: str) -> None:
    """Transform the weights, then call `ew_conv_winograd_f32`."""
    from edgewright.ops.linear_emit import constant_data, float_text

    x, w, bias, skip = [*e.inputs, None, None][:4]
    assert w is not None and w.data is not None
    outputs, _, _, inputs = w.type.dims
    real = storage.widened(w.data, w.type.dtype)
    packed, offsets = packing.pack_f32(real, constant_data(bias))
    stored = e.weight(storage.narrowed(packed, w.type.dtype))
    u = f"(float *)((char *){e.scratch()} + {_own_bytes(e.node, op)})"
    lo, hi = map(float_text, clamp_of(op.clamp))
    e.header("conv_winograd_half.h")
    e.call(f"ew_winograd_{half.suffix(w.type)}", inputs, outputs, stored, u)
    e.call("ew_conv_winograd_f32", shape, e.ptr(x), u, e.weight(offsets), e.ptr(skip), lo, hi,
           e.ptr(e.outputs[0]), e.scratch())  # fmt: skip


def _own_bytes(node: Node, op: Conv) -> int:
    return packing.round_up(winograd.scratch_bytes(node, op), packing.ALIGNMENT)


def _pairs(node: Node) -> int:
    outputs, _, _, inputs = node.input(1).type.dims
    return outputs * inputs
