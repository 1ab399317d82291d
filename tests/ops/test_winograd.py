"""Winograd's form of a convolution against the reference, and when it is chosen."""

import numpy as np
import pytest
from tests.ops.harness import check_op, const, one_node

from edgewright import ops, targets
from edgewright.codegen import generate
from edgewright.ops import conv_choice, winograd
from edgewright.ops.conv import Conv

HOST = targets.get("host")
SAME = ((1, 1), (1, 1))


def operands(rng: np.random.Generator, shape: tuple[int, ...], outputs: int) -> list[object]:
    x = rng.standard_normal(shape).astype(np.float32)
    w = rng.standard_normal((outputs, 3, 3, shape[3])).astype(np.float32)
    return [x, const(w), const(rng.standard_normal(outputs).astype(np.float32))]


@pytest.mark.parametrize(
    ("shape", "outputs", "attrs"),
    [
        ((1, 8, 8, 16), 16, {"pad": SAME}),
        ((1, 9, 7, 48), 32, {"pad": SAME}),  # the last tiles are halves
        ((2, 6, 10, 16), 48, {"pad": ((0, 0), (0, 0))}),  # valid, two images, an odd block
        ((1, 10, 12, 32), 16, {"pad": ((2, 0), (0, 1))}),
        ((1, 17, 16, 16), 16, {"pad": ((2, 2), (2, 2)), "dilation": (2, 2)}),
        ((1, 26, 31, 16), 16, {"pad": ((3, 3), (1, 1)), "dilation": (3, 1)}),
        ((1, 40, 40, 64), 64, {"pad": SAME, "clamp": (0.0, 6.0)}),  # more tiles than one block
    ],
)
def test_against_the_reference(
    rng: np.random.Generator, shape: tuple[int, ...], outputs: int, attrs: dict[str, object]
) -> None:
    given = operands(rng, shape, outputs)
    module, _ = one_node("conv", given, **attrs)  # type: ignore[arg-type]
    assert "ew_conv_winograd_f32" in generate(module, HOST, "test").model_c
    (y,) = check_op("conv", given, **attrs)  # type: ignore[arg-type]
    skip = rng.standard_normal(y.shape).astype(np.float32)
    check_op("conv", [*given, skip], **attrs)  # type: ignore[list-item, arg-type]


def test_large_numbers_stay_in_their_tile(rng: np.random.Generator) -> None:
    x, w, bias = operands(rng, (1, 8, 8, 16), 16)
    assert isinstance(x, np.ndarray)
    x[0, 0, 0, 0] = 1e30
    (y,) = check_op("conv", [x, w, bias], pad=SAME)  # type: ignore[list-item]
    assert np.abs(y[0, 4:, 4:]).max() < 1e3


def test_weights_are_those_of_the_direct_form(rng: np.random.Generator) -> None:
    """One tile by hand, in float64: A'[(G g G') * (B' d B)]A is the convolution."""
    w = rng.standard_normal((16, 3, 3, 16)).astype(np.float32)
    d = rng.standard_normal((4, 4, 16))
    b = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], float)
    a = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], float)
    u = winograd.weights(w)[0].reshape(4, 4, 16, 16)  # position, position, input, output
    v = np.einsum("ik,jl,klc->ijc", b, b, d)
    y = np.einsum("pi,qj,ijco,ijc->pqo", a, a, u.astype(float), v)
    for p in range(2):
        for q in range(2):
            direct = np.einsum("oijc,ijc->o", w.astype(float), d[p : p + 3, q : q + 3])
            np.testing.assert_allclose(y[p, q], direct, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "outputs", "attrs"),
    [
        ((1, 8, 8, 16), 16, {"pad": SAME, "stride": (2, 2)}),
        ((1, 8, 8, 15), 16, {"pad": SAME}),
        ((1, 8, 8, 16), 8, {"pad": SAME}),
        ((1, 3, 3, 16), 16, {"pad": SAME}),  # four tiles, mostly outside the image
    ],
)
def test_where_it_does_not_pay(
    rng: np.random.Generator, shape: tuple[int, ...], outputs: int, attrs: dict[str, object]
) -> None:
    module, _ = one_node("conv", operands(rng, shape, outputs), **attrs)  # type: ignore[arg-type]
    (node,) = module.main.nodes
    assert not conv_choice.form(node, Conv(**attrs), HOST).winograd


@pytest.mark.parametrize(
    ("shape", "outputs", "most"),
    [((1, 32, 32, 16), 16, 64), ((1, 56, 56, 64), 64, 224), ((1, 14, 14, 512), 512, 704)],
)
def test_scratch_is_bounded(shape: tuple[int, ...], outputs: int, most: int) -> None:
    """ResNet8's arena once was seven times what its tensors need."""
    w = const(np.zeros((outputs, 3, 3, shape[3]), np.float32))
    module, _ = one_node("conv", [np.zeros(shape, np.float32), w], pad=SAME)
    (node,) = module.main.nodes
    op = ops.of(node)
    assert isinstance(op, Conv)
    assert winograd.scratch_bytes(node, op) <= most * 1024
