"""The C of layers whose weights are stored in 16 bits and widened as they are read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from edgewright.graph import DType, Node, TensorType, Value, upper
from edgewright.ops import Array, Emit, Packing, packing, storage

if TYPE_CHECKING:
    from edgewright.ops.linear import Clamp

_SUFFIX = {DType.FLOAT16: "f16", DType.BFLOAT16: "bf16"}


def suffix(type: TensorType) -> str:
    """The name of a 16-bit type in kernels."""
    return _SUFFIX[type.dtype]


def applies(node: Node) -> bool:
    """Whether the node's weight is stored in 16 bits."""
    return storage.is_half(node.input(1).type)


def multiplies(node: Node) -> bool:
    """Whether the node multiplies 16-bit floats, not only reads its weights so."""
    return storage.is_half(node.input(0).type)


# -- convolution and products: widened in registers --------------------------------------------


def scratch_bytes(node: Node, window: tuple[int, int], channels: int, target: Packing) -> int:
    """Bytes of scratch of `ew_conv_f16` and `_bf16`: padding, row pointers, gathered windows.

    Args:
        node: the layer.
        window: height and width of the kernel.
        channels: input channels of one group.
        target: where it runs.
    """
    taps = math.prod(window)
    pad = packing.round_up(4 * channels, packing.ALIGNMENT)
    pointers = packing.LARGEST_TILE * target.pointer_bytes
    if taps > 1 and channels < packing.GATHERED_BELOW:
        pixels = upper(node.output.type.count) // node.input(1).type.dims[0]
        rows = min(packing.LARGEST_TILE, pixels)
        held = packing.round_up(rows * taps * channels * 4, packing.ALIGNMENT)
        return pad + packing.round_up(pointers, packing.ALIGNMENT) + held
    return pad + packing.round_up(taps * pointers, packing.ALIGNMENT)


def emit_product(e: Emit, shape: str, groups: int, clamp: Clamp | None) -> None:
    """One call of `ew_conv_f16` or `ew_conv_bf16`, or `ew_conv_pairs` where x is bfloat16, too.

    Args:
        e: the layer: x, weight, bias, perhaps a residual.
        shape: an `ew_conv_shape` in C.
        groups: of output channels.
        clamp: of the result.
    """
    from edgewright.ops.linear import clamp_of
    from edgewright.ops.linear_emit import constant_data, float_text

    x, w, bias, skip = [*e.inputs, None, None][:4]
    assert w is not None and w.data is not None
    real = storage.widened(w.data, w.type.dtype)
    packed, offsets = packing.pack_f32(real, constant_data(bias), groups)
    lo, hi = map(float_text, clamp_of(clamp))
    pairs = multiplies(e.node)
    packed = packing.in_pairs(packed) if pairs else packed
    e.header("conv_half.h")
    e.call(f"ew_conv_{'pairs' if pairs else suffix(w.type)}", shape, e.ptr(x),
           e.weight(storage.narrowed(packed, w.type.dtype)), e.weight(offsets), e.ptr(skip),
           lo, hi, e.ptr(e.outputs[0]), e.scratch())  # fmt: skip


def conv_scratch(node: Node, target: Packing) -> int:
    """Bytes of scratch of a convolution."""
    _, height, width, channels = node.input(1).type.dims
    return scratch_bytes(node, (height, width), channels, target)


def product_scratch(node: Node, target: Packing) -> int:
    """Bytes of scratch of a fully connected layer."""
    return scratch_bytes(node, (1, 1), node.input(1).type.dims[1], target)


# -- everything else: widened into scratch, then the kernels for float32 -----------------------


def scratch(node: Node, needed: int, counts: Sequence[int]) -> int:
    """Bytes of scratch of a layer that `widen` handles.

    Args:
        node: the layer.
        needed: what its kernel for float32 needs.
        counts: packed numbers of each weight.
    """
    if not applies(node):
        return needed
    held = sum(packing.round_up(4 * count, packing.ALIGNMENT) for count in counts)
    return packing.round_up(needed, packing.ALIGNMENT) + held


def widen(e: Emit, needed: int, counts: Sequence[int]) -> Emit:
    """The layer itself, or, where its weights are stored in 16 bits, the same in float32.

    Args:
        e: the layer.
        needed: bytes of scratch of its kernel for float32.
        counts: packed numbers of each weight, in the order in which they are stored.
    """
    return cast("Emit", _Widened(e, needed, counts)) if applies(e.node) else e


class _Widened:
    """An `Emit` whose weights lie in `weights.bin` in 16 bits, and are widened into scratch.

    Packing only moves numbers, so they stay exact. The next array of the expected size is a weight.
    """

    def __init__(self, e: Emit, needed: int, counts: Sequence[int]) -> None:
        self._inner = e
        self.inputs = [_in_float32(value) for value in e.inputs]
        halves = [v for v in e.inputs if v is not None and storage.is_half(v.type)]
        self._dtype = halves[0].type.dtype
        self._left = list(counts)
        self._used = packing.round_up(needed, packing.ALIGNMENT)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def weight(self, array: Array) -> str:
        """As `Emit.weight`, with a weight's place in scratch."""
        if not self._left or array.size != self._left[0]:
            return self._inner.weight(array)
        del self._left[0]
        count = packing.round_up(array.size, packing.LANES)
        flat = np.zeros(count, np.float32)
        flat[: array.size] = array.ravel()
        place = f"(float *)((char *){self._inner.scratch()} + {self._used})"
        self._used += packing.round_up(4 * count, packing.ALIGNMENT)
        stored = self._inner.weight(storage.narrowed(flat, self._dtype))
        self._inner.header("half.h")
        self._inner.call(f"ew_half_widen_{_SUFFIX[self._dtype]}", place, stored, count)
        return place


def _in_float32(value: Value | None) -> Value | None:
    """A 16-bit constant as float32; other operands as they are."""
    if value is None or value.data is None or not storage.is_half(value.type):
        return value
    type = dataclasses.replace(value.type, dtype=DType.FLOAT32)
    return Value(value.name, type, data=storage.widened(value.data, value.type.dtype))
