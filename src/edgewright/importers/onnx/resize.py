"""Resize and Upsample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgewright.graph import Dim, Size, Value
from edgewright.importers.onnx import interpolation
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule

#: Coordinate mode -> the IR's name, where the IR's resizing operators have it.
COORDINATES = {
    "half_pixel": "half_pixel",
    "pytorch_half_pixel": "half_pixel",
    "asymmetric": "asymmetric",
    "align_corners": "align_corners",
}
ROUNDINGS = {
    "round_prefer_floor": "round_half_down",
    "round_prefer_ceil": "round_half_up",
    "floor": "floor",
    "ceil": "ceil",
}


@dataclass(frozen=True)
class Style:
    """How points are found and mixed: ONNX's names."""

    mode: str
    coordinate: str = "asymmetric"
    rounding: str = "floor"


@dataclass(frozen=True)
class Request:
    """What to resize to: sizes, and the scales that coordinates are computed with, per axis."""

    sizes: tuple[Size, ...]
    scales: tuple[float | None, ...]
    style: Style


@rule("Upsample", since=7)
def upsample(n: SourceNode) -> Value:
    """Resize by scales with coordinates x / scale."""
    x = n.input(0)
    if n.opset >= 9:
        given = [float(v) for v in n.array(1, "the scales").ravel()]
    else:
        given = [float(v) for v in n.attribute("scales") or ()]
    return _resize(n, x, _by_scales(n, x, given, Style(n.text("mode", "nearest"))))


@rule("Resize", since=10)
def resize_10(n: SourceNode) -> Value:
    """The first Resize: as Upsample, also downwards."""
    x = n.input(0)
    given = [float(v) for v in n.array(1, "the scales").ravel()]
    return _resize(n, x, _by_scales(n, x, given, Style(n.text("mode", "nearest"))))


@rule("Resize", since=11)
def resize(n: SourceNode) -> Value:
    """By scales or to sizes; `axes` name the resized axes since opset 18."""
    x = n.input(0)
    style = Style(
        n.text("mode", "nearest"),
        n.text("coordinate_transformation_mode", "half_pixel"),
        n.text("nearest_mode", "round_prefer_floor"),
    )
    axes = n.axes(n.integers("axes") or tuple(range(x.type.rank)), x.type.rank)
    if n.optional(3) is not None:
        wanted = n.sizes(3, "the sizes")
        if len(wanted) != len(axes):
            n.invalid(f"{len(wanted)} sizes for {len(axes)} axes")
        request = _by_sizes(n, x, dict(zip(axes, wanted, strict=True)), style)
    elif n.optional(2) is not None:
        scales = [1.0] * x.type.rank
        for axis, scale in zip(axes, n.array(2, "the scales").ravel(), strict=True):
            scales[axis] = float(scale)
        request = _by_scales(n, x, scales, style)
    else:
        n.invalid("neither scales nor sizes are given")
    return _resize(n, x, request)


def _by_scales(n: SourceNode, x: Value, scales: Sequence[float], style: Style) -> Request:
    if len(scales) != x.type.rank or min(scales, default=1.0) <= 0:
        n.invalid(f"the scales are {list(scales)} for {x.type}")
    sizes = tuple(_scaled(n, d, s) for d, s in zip(x.type.shape, scales, strict=True))
    return Request(sizes, tuple(scales), style)


def _scaled(n: SourceNode, size: Size, scale: float) -> Size:
    if isinstance(size, int):
        return int(size * scale)
    n.require(scale == int(scale), f"scale {scale} of a run-time size {size}", "fix the shapes")
    return size * int(scale)


def _by_sizes(n: SourceNode, x: Value, given: dict[int, Size], style: Style) -> Request:
    policy = n.text("keep_aspect_ratio_policy", "stretch")
    sizes = list(x.type.shape)
    scales: list[float | None] = [1.0] * x.type.rank
    kept = _common_scale(n, x, given, policy)
    for axis, size in given.items():
        have = x.type.shape[axis]
        if kept is not None and isinstance(have, int):
            size = int(kept * have + 0.5)
        sizes[axis] = size
        known = isinstance(size, int) and isinstance(have, int)
        scales[axis] = kept or (int(str(size)) / int(str(have)) if known else None)
    return Request(tuple(sizes), tuple(scales), style)


def _common_scale(n: SourceNode, x: Value, given: dict[int, Size], policy: str) -> float | None:
    """The one scale of all axes when the aspect ratio is kept."""
    if policy == "stretch":
        return None
    ratios = []
    for axis, size in given.items():
        have = x.type.shape[axis]
        if not isinstance(size, int) or not isinstance(have, int):
            n.refuse(f"keep_aspect_ratio_policy {policy!r} with run-time sizes", "fix the shapes")
        ratios.append(size / have)
    return min(ratios) if policy == "not_larger" else max(ratios)


def _resize(n: SourceNode, x: Value, request: Request) -> Value:
    n.require(request.style.mode in ("nearest", "linear", "cubic"), f"mode {request.style.mode!r}")
    if request.sizes == x.type.shape and request.style.coordinate != "tf_crop_and_resize":
        return x
    if _is_plain(n, x, request):
        return _plain(n, x, request)
    return _by_axes(n, x, request)


def _is_plain(n: SourceNode, x: Value, request: Request) -> bool:
    """Whether the IR's operator for images means the same."""
    if x.type.rank != 4 or request.sizes[:2] != x.type.shape[:2] or n.integer("antialias", 0):
        return False
    if request.style.mode == "cubic" or request.style.coordinate not in COORDINATES:
        return False
    for axis in (2, 3):
        have, want, scale = x.type.shape[axis], request.sizes[axis], request.scales[axis]
        if isinstance(have, Dim) or isinstance(want, Dim):
            continue
        if scale is not None and have * scale != want:
            return False
        if request.style.coordinate == "pytorch_half_pixel" and want == 1:
            return False
    return True


def _plain(n: SourceNode, x: Value, request: Request) -> Value:
    attrs: dict[str, object] = {
        "size": request.sizes[2:],
        "coordinate": COORDINATES[request.style.coordinate],
    }
    if request.style.mode == "nearest":
        attrs["rounding"] = ROUNDINGS[request.style.rounding]
    op = "resize_nearest" if request.style.mode == "nearest" else "resize_bilinear"
    return n.from_nhwc(n.add(op, n.to_nhwc(x), **attrs), 4)


def _by_axes(n: SourceNode, x: Value, request: Request) -> Value:
    """One axis after the other, with constant indices or constant interpolation weights."""
    options = interpolation.Options(
        request.style.mode,
        request.style.coordinate,
        request.style.rounding,
        n.number("cubic_coeff_a", -0.75),
        bool(n.integer("exclude_outside", 0)),
        bool(n.integer("antialias", 0)),
    )
    n.require(
        request.style.coordinate in interpolation.COORDINATES,
        f"coordinate_transformation_mode {request.style.coordinate!r}",
    )
    for axis, (have, want) in enumerate(zip(x.type.shape, request.sizes, strict=True)):
        if have == want:
            continue
        if not isinstance(have, int) or not isinstance(want, int):
            n.refuse(f"resizing {have} to {want} in this mode", "fix the input shapes")
        scale = request.scales[axis] or want / have
        x = _one_axis(n, x, axis, want=want, scale=scale, options=options)
    return x


def _one_axis(
    n: SourceNode, x: Value, axis: int, *, want: int, scale: float, options: interpolation.Options
) -> Value:
    have = int(str(x.type.shape[axis]))
    n.bound(want if options.mode == "nearest" else float(want) * have, "weights")
    if options.mode == "nearest":
        index = interpolation.nearest(have, want, scale, options)
        return n.add("gather", x, n.constant(index), axis=axis)
    weight = n.constant(interpolation.matrix(have, want, scale, options))
    last = x.type.rank - 1
    perm = list(range(x.type.rank))
    perm[axis], perm[last] = last, axis
    y = n.add("fully_connected", n.transpose(x, perm), weight, None)
    return n.transpose(y, perm)
