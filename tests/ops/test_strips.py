"""Windows of one row or column by products of halves, against the reference; when it is chosen."""

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, const, one_node

from edgewright import targets
from edgewright.codegen import generate
from edgewright.ops import strips
from edgewright.ops.conv import Conv

HOST = targets.get("host")


def operands(
    rng: np.random.Generator, shape: tuple[int, ...], outputs: int, window: tuple[int, int]
) -> list[Any]:
    x = rng.standard_normal(shape).astype(np.float32)
    w = rng.standard_normal((outputs, *window, shape[3])).astype(np.float32)
    return [x, const(w), const(rng.standard_normal(outputs).astype(np.float32))]


@pytest.mark.parametrize(
    ("shape", "outputs", "window", "pad"),
    [
        ((1, 17, 17, 16), 16, (1, 7), ((0, 0), (3, 3))),  # one result is left of each line
        ((1, 17, 18, 32), 48, (7, 1), ((3, 3), (0, 0))),
        ((2, 25, 8, 16), 16, (1, 3), ((0, 0), (1, 1))),  # whole tiles alone, two images
        ((1, 15, 29, 16), 112, (5, 1), ((0, 4), (0, 0))),  # no tile is whole where none is left
        ((2, 23, 20, 48), 16, (1, 8), ((0, 0), (0, 2))),
        ((1, 24, 31, 16), 16, (4, 1), ((2, 0), (0, 0))),
    ],
)
def test_against_the_reference(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    outputs: int,
    window: tuple[int, int],
    pad: Any,
) -> None:
    given = operands(rng, shape, outputs, window)
    module, _ = one_node("conv", given, pad=pad, clamp=(-3.0, 6.0))
    assert "ew_conv_strip_f32" in generate(module, HOST, "test").model_c
    (y,) = check_op("conv", given, pad=pad, clamp=(-3.0, 6.0))
    check_op("conv", [*given, rng.standard_normal(y.shape).astype(np.float32)], pad=pad)


@pytest.mark.parametrize(
    ("shape", "outputs", "window", "attrs"),
    [
        ((1, 17, 17, 16), 16, (1, 7), {"stride": (1, 2)}),
        ((1, 17, 17, 16), 16, (1, 7), {"dilation": (1, 2)}),
        ((1, 17, 17, 16), 16, (7, 1), {"pad": ((3, 3), (1, 1))}),
        ((1, 17, 17, 24), 16, (1, 7), {}),
        ((1, 17, 17, 16), 24, (1, 7), {}),
        ((1, 17, 17, 16), 16, (1, 9), {}),
        ((1, 17, 17, 16), 16, (1, 2), {}),
        ((1, 17, 17, 16), 16, (2, 3), {}),
    ],
)
def test_what_it_leaves_to_other_forms(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    outputs: int,
    window: tuple[int, int],
    attrs: dict[str, Any],
) -> None:
    module, _ = one_node("conv", operands(rng, shape, outputs, window), **attrs)
    assert not strips.fits(module.main.nodes[0], Conv(**attrs), HOST)


@pytest.mark.parametrize(
    ("shape", "window"),
    [
        ((1, 8, 8, 16), (1, 3)),  # eight tiles share all weights
        ((1, 40, 9, 16), (1, 8)),  # two results of a line
    ],
)
def test_where_it_does_not_pay(
    rng: np.random.Generator, shape: tuple[int, ...], window: tuple[int, int]
) -> None:
    module, _ = one_node("conv", operands(rng, shape, 16, window))
    (node,) = module.main.nodes
    assert strips.fits(node, Conv(), HOST)
    assert not strips.saves(node)
