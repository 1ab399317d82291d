"""Shapes that are computed at run time, at several sizes, against the reference."""

from __future__ import annotations

import pytest

from edgewright import ops
from edgewright.errors import UnsupportedModel
from edgewright.exporters.tflite import export
from edgewright.graph import parse_module
from edgewright.importers.tflite.reader import parse
from tests.exporters.tflite.harness import check_module, codes, floats

HEAD = """module requantization="float"
dim h: 4..9
dim w: 4..9
"""
CASES = {
    "a reshape of two sizes": (
        "graph main(%x: float32[1,h,w,6]) -> (%y) {\n"
        "  %y = reshape(%x) {shape=[h, w, 2, 3]}\n}"
    ),
    "sums, products and quotients": (
        "graph main(%x: float32[1,h,w,2]) -> (%y) {\n"
        "  %p = pad(%x) {pads=[[0, 0], [1, 2], [0, 0], [0, 0]]}\n"
        "  %a = max_pool(%p) {kernel=[2, 2], stride=[2, 2]}\n"
        "  %y = resize_bilinear(%a) {size=[2*h, 3*w], coordinate=\"half_pixel\"}\n}"
    ),
    "an image twice as large": (
        "graph main(%x: float32[1,h,w,2]) -> (%y) {\n"
        "  %y = resize_nearest(%x) {size=[2*h, 2*w], coordinate=\"half_pixel\", "
        "rounding=\"round_half_down\"}\n}"
    ),
    "a row for each": (
        "graph main(%x: float32[h,w], %r: float32[1,w]) -> (%y) {\n"
        "  %e = expand(%r) {shape=[h, w]}\n  %y = add(%x, %e)\n}"
    ),
    "a transposed convolution of any batch": (
        "graph main(%x: float32[h,3,3,1]) -> (%y) {\n"
        "  const %w: float32[1,2,2,1] = [1.0, 2.0, 3.0, 4.0]\n"
        "  %y = conv_transpose(%x, %w, none) {stride=[2, 2], pad=[[1, 0], [0, 0]]}\n}"
    ),
    "a flat image": (
        "graph main(%x: float32[1,h,w,2]) -> (%y) {\n  %y = reshape(%x) {shape=[h*w, 2, 1, 1]}\n}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
@pytest.mark.parametrize(("height", "width"), [(4, 9), (7, 5)])
def test_any_size(text: str, height: int, width: int) -> None:
    module = parse_module(HEAD + text, infer=ops.infer)
    env = {"h": height, "w": width}
    feeds = {v.name: floats(*v.type.at(env)) for v in module.main.inputs}
    check_module(module, feeds)


def test_one_open_size_needs_no_operator() -> None:
    module = parse_module(HEAD + CASES["a flat image"], infer=ops.infer)
    assert codes(parse(export(module).data, "x")) == ["RESHAPE"]


def test_nearest_pixels_that_the_runtime_rounds_otherwise_are_refused() -> None:
    text = CASES["an image twice as large"].replace("round_half_down", "ceil")
    with pytest.raises(UnsupportedModel, match="nearest pixels by ceil of run-time sizes"):
        export(parse_module(HEAD + text, infer=ops.infer))
