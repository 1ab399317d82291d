"""Window attributes that convolutions and pools share: kernel, stride, dilation, padding."""

from __future__ import annotations

from dataclasses import dataclass

from edgewright.graph import Size, Value
from edgewright.importers.onnx.node import SourceNode

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]


@dataclass(frozen=True)
class Window:
    """A two-dimensional window; one-dimensional ones slide along a unit height."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    pad: Pads

    def extent(self, axis: int) -> int:
        """How many positions the window spans along an axis (0: height, 1: width)."""
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1


def window(n: SourceNode, x: Value, kernel: tuple[int, ...]) -> Window:
    """The window of a node over `x` (channels first, one or two spatial axes)."""
    count = x.type.rank - 2
    if count not in (1, 2):
        n.refuse(f"{max(count, 0)} spatial axes", "1 and 2 are supported")
    if len(kernel) != count or min(kernel, default=0) < 1:
        n.invalid(f"the kernel is {list(kernel)}, but there are {count} spatial axes")
    stride = _positive(n, "strides", count)
    dilation = _positive(n, "dilations", count)
    extents = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    pads = _pads(n, x.type.shape[2:], extents, stride)
    return Window(_pair(kernel, 1), _pair(stride, 1), _pair(dilation, 1), _pad_pair(pads))


def _positive(n: SourceNode, name: str, count: int) -> tuple[int, ...]:
    values = n.integers(name) or (1,) * count
    if len(values) != count or min(values) < 1:
        n.invalid(f"{name} is {list(values)}, but there are {count} spatial axes")
    return values


def _pair(values: tuple[int, ...], missing: int) -> Pair:
    return (missing, values[0]) if len(values) == 1 else (values[0], values[1])


def _pad_pair(pads: list[Pair]) -> Pads:
    return ((0, 0), pads[0]) if len(pads) == 1 else (pads[0], pads[1])


def _pads(
    n: SourceNode, sizes: tuple[Size, ...], extents: list[int], stride: tuple[int, ...]
) -> list[Pair]:
    """(before, after) per spatial axis, from `auto_pad` or `pads`."""
    mode = n.text("auto_pad", "NOTSET")
    if mode == "VALID":
        return [(0, 0)] * len(sizes)
    if mode == "NOTSET":
        return explicit_pads(n, len(sizes))
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        n.invalid(f"auto_pad is {mode!r}")
    same = zip(sizes, extents, stride, strict=True)
    return [split_pad(mode, _same_total(n, *one)) for one in same]


def explicit_pads(n: SourceNode, count: int) -> list[Pair]:
    """The `pads` attribute as (before, after) per spatial axis."""
    pads = n.integers("pads") or (0,) * (2 * count)
    if len(pads) != 2 * count:
        n.invalid(f"pads is {list(pads)}, but there are {count} spatial axes")
    if min(pads, default=0) < 0:
        n.refuse(f"pads {list(pads)} are negative", "slice the input instead")
    return [(pads[i], pads[i + count]) for i in range(count)]


def _same_total(n: SourceNode, size: Size, extent: int, stride: int) -> int:
    """Padding after which the output has ceil(size / stride) positions."""
    if not isinstance(size, int):
        if stride == 1:
            return extent - 1
        n.refuse(f"auto_pad of a run-time size with stride {stride}", "state pads explicitly")
    return max((-(-size // stride) - 1) * stride + extent - size, 0)


def split_pad(mode: str, total: int) -> Pair:
    """A total padding as (before, after); an odd one is larger after for SAME_UPPER."""
    small, large = total // 2, total - total // 2
    return (small, large) if mode == "SAME_UPPER" else (large, small)
