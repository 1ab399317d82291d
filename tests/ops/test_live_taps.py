"""Convolutions that leave out padding, against the reference; when the form is chosen."""

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, const, one_node

from edgewright import targets
from edgewright.codegen import generate
from edgewright.graph import DType, Symbol, TensorType
from edgewright.ops import live_taps
from edgewright.ops.conv import Conv

HOST = targets.get("host")
CASES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    # two images; parts of one line, and of several
    ((2, 7, 9, 16), (33, 3, 3), {"dilation": (4, 5), "pad": ((4, 4), (5, 5))}),
    # one part sees a single tap; a residual's clamp
    ((1, 5, 5, 19), (64, 3, 3), {"dilation": (5, 3), "pad": ((5, 5), (3, 3)), "clamp": (0.0, 6.0)}),
    # windows that reach out on one side only, at a stride
    ((1, 8, 8, 16), (100, 5, 3), {"pad": ((0, 12), (3, 0)), "stride": (2, 1)}),
    # at some positions nothing but padding is seen; sums of more than 128 products
    ((1, 3, 4, 140), (16, 2, 2), {"pad": ((4, 3), (3, 4)), "dilation": (1, 2)}),
]


@pytest.mark.parametrize(("shape", "window", "attrs"), CASES)
def test_against_the_reference(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    window: tuple[int, ...],
    attrs: dict[str, Any],
) -> None:
    x = rng.standard_normal(shape).astype(np.float32)
    w = rng.standard_normal((*window, shape[3])).astype(np.float32)
    given: list[Any] = [x, const(w), const(rng.standard_normal(window[0]).astype(np.float32))]
    module, _ = one_node("conv", given, **attrs)
    assert "ew_conv_live_f32" in generate(module, HOST, "test").model_c
    (y,) = check_op("conv", given, **attrs)
    check_op("conv", [*given, rng.standard_normal(y.shape).astype(np.float32)], **attrs)


@pytest.mark.parametrize(
    ("size", "attrs"),
    [
        (16, {"pad": ((1, 1), (1, 1))}),  # the borders are too few
        (16, {"dilation": (2, 2), "pad": ((2, 2), (2, 2)), "stride": (2, 2)}),
        (9, {}),
    ],
)
def test_where_it_does_not_pay(size: int, attrs: dict[str, Any]) -> None:
    x, w = np.zeros((1, size, size, 16), np.float32), np.zeros((16, 3, 3, 16), np.float32)
    module, _ = one_node("conv", [x, const(w)], **attrs)
    (node,) = module.main.nodes
    assert live_taps.fits(node, Conv(**attrs), HOST)
    assert not live_taps.saves(node, Conv(**attrs))


@pytest.mark.parametrize(("channels", "groups"), [(15, 1), (32, 2)])
def test_what_it_leaves_to_other_forms(channels: int, groups: int) -> None:
    x = np.zeros((1, 5, 5, channels), np.float32)
    w = np.zeros((16, 3, 3, channels // groups), np.float32)
    attrs: dict[str, Any] = {"dilation": (5, 5), "pad": ((5, 5), (5, 5)), "groups": groups}
    module, _ = one_node("conv", [x, const(w)], **attrs)
    assert not live_taps.fits(module.main.nodes[0], Conv(**attrs), HOST)


def test_rows_chosen_at_run_time_are_left_to_other_forms() -> None:
    """Members of a block: at a stride the input can have all of its rows, the result some."""
    x, w = np.zeros((1, 14, 14, 32), np.float32), const(np.zeros((32, 3, 3, 32), np.float32))
    attrs: dict[str, Any] = {"stride": (2, 2), "pad": ((1, 1), (1, 1))}
    module, _ = one_node("conv", [x, w], **attrs)
    (node,) = module.main.nodes
    assert live_taps.fits(node, Conv(**attrs), HOST)
    node.output.type = TensorType(DType.FLOAT32, (1, Symbol("rows", 1, 7), 7, 32))
    assert not live_taps.fits(node, Conv(**attrs), HOST)
