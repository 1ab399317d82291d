"""What is no layer normalisation, and other ways to write one."""

import pytest

from edgewright.passes.fuse_layer_norm import fuse_layer_norm
from tests.passes.conftest import Apply

LINES = {
    "mean": "%m = reduce_mean(%x) {axes=[1], keepdims=true}",
    "centred": "%d = sub(%x, %m)",
    "square": "%s = square(%d)",
    "variance": "%v = reduce_mean(%s) {axes=[1], keepdims=true}",
    "total": "%e = add(%v, %epsilon)",
    "root": "%r = rsqrt(%e)",
    "normal": "%n = mul(%d, %r)",
    "scaled": "%z = mul(%n, %scale)",
    "result": "%y = add(%z, %bias)",
}


def text(**changes: str) -> str:
    constants = "".join(
        f"const %{name}: float32[{shape}] = [{values}] "
        for name, shape, values in (
            ("scale", "2", "2.0, 3.0"), ("bias", "2", "0.5, 1.0"), ("epsilon", "", "0.5"),
            ("column", "4,1", "1.0, 2.0, 3.0, 4.0"), ("several", "2", "0.5, 0.25"),
        )
    )  # fmt: skip
    body = " ".join((LINES | changes).values())
    return f"(%x: float32[4,2], %w: float32[4,2]) -> (%y) {{ {constants} {body} }}"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"square": "%s = mul(%d, %d)"},
        {"total": "%e = add(%epsilon, %v)"},
        {"normal": "%n = mul(%r, %d)"},
        {"scaled": "%z = mul(%scale, %n)"},
        {"result": "%y = add(%bias, %z)"},
    ],
)
def test_ways_to_write_it(apply: Apply, changes: dict[str, str]) -> None:
    assert apply(fuse_layer_norm, text(**changes)).ops == ["layer_norm"]


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": "%m = reduce_mean(%w) {axes=[1], keepdims=true}"},
        {"mean": "%m = reduce_mean(%x) {axes=[0], keepdims=true}"},
        {"variance": "%v = reduce_mean(%s) {axes=[0, 1], keepdims=true}"},
        {"square": "%s = square(%x)"},
        {"square": "%s = mul(%d, %x)"},
        {"total": "%e = add(%v, %several)"},
        {"total": "%e = add(%v, %epsilon) {clamp=[0.0, 1.0]}"},
        {"centred": "%d = sub(%x, %m) {clamp=[0.0, 1.0]}"},
        {"normal": "%n = mul(%w, %r)"},
        {"scaled": "%z = mul(%n, %column)"},
        {"scaled": "%z = mul(%n, %w)"},
        {"result": "%y = add(%z, %bias) {clamp=[0.0, 1.0]}"},
        {"result": "%y = add(%z, %column)"},
    ],
)
def test_they_stay(apply: Apply, changes: dict[str, str]) -> None:
    assert not apply(fuse_layer_norm, text(**changes)).changed
