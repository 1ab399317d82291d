"""Winograd's form of an 8-bit convolution: the reference's bits, and when it is chosen."""

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, const, one_node, quantised

from edgewright import targets
from edgewright.codegen import generate
from edgewright.graph import DType, Quant, TensorType
from edgewright.ops import winograd_q8

HOST = targets.get("host")
SAME = ((1, 1), (1, 1))
CASES: list[tuple[tuple[int, ...], int, type, dict[str, Any]]] = [
    ((1, 16, 16, 32), 32, np.int8, {"pad": SAME}),
    ((1, 33, 30, 48), 80, np.uint8, {"pad": SAME}),  # cut tiles, an odd block of columns
    ((2, 18, 19, 64), 48, np.int8, {"pad": ((0, 0), (0, 0))}),
    ((1, 8, 7, 64), 64, np.int8, {"pad": ((1, 1), (1, 1))}),  # four tiles
    ((1, 28, 28, 96), 32, np.uint8, {"pad": ((2, 0), (0, 1)), "clamp": (0.0, 3.0)}),
]


def operands(
    rng: np.random.Generator, shape: tuple[int, ...], outputs: int, dtype: type, extreme: bool
) -> list[Any]:
    """Operands of a convolution; extreme ones have the largest sums that there are."""
    info, w_shape = np.iinfo(dtype), (outputs, 3, 3, shape[3])
    if extreme:
        x = rng.choice(np.array([info.min, info.max], dtype), shape)
        w = rng.choice(np.array([-128, 127], np.int8), w_shape)
        x[:, :, : shape[2] // 2] = info.min
        w[: outputs // 2] = -128
    else:
        x = rng.integers(info.min, info.max, shape, dtype, endpoint=True)
        w = rng.integers(-128, 127, w_shape, np.int8, endpoint=True)
    scales = tuple(rng.uniform(0.001, 0.004, outputs).tolist())
    bias = rng.integers(-9999, 9999, outputs, np.int32)
    zero = 7 if dtype is np.int8 else 130
    return [quantised(x, 0.02, zero), const(w, Quant(scales, (0,) * outputs, 0)), const(bias)]


def result(given: list[Any], scale: float = 0.09, **attributes: Any) -> list[TensorType]:
    """The type of the convolution's result."""
    x, w = given[0].array, given[1].array
    stride = attributes.get("stride", (1, 1))
    sizes = (
        (size + sum(pad) - 3) // step + 1
        for size, pad, step in zip(x.shape[1:3], attributes["pad"], stride, strict=True)
    )
    shape = (x.shape[0], *sizes, w.shape[0])
    return [TensorType(DType.of(x.dtype), shape, Quant.per_tensor(scale, 3))]


def code(given: list[Any], target: targets.Target = HOST, **attributes: Any) -> str:
    """The C of one convolution."""
    module, _ = one_node("conv", given, result(given, **attributes), **attributes)
    return generate(module, target, "test").model_c


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_against_the_reference(rng: np.random.Generator, mode: str) -> None:
    """Borders, remainders, both types, clamps, residuals."""
    cases = []
    for shape, outputs, dtype, attributes in CASES:
        given = operands(rng, shape, outputs, dtype, extreme=False)
        assert "ew_conv_winograd_" in code(given, **attributes)
        types = result(given, **attributes)
        cases.append(("conv", given, {"outputs": types, **attributes}))
        skip: np.typing.NDArray[Any] = rng.integers(0, 100, types[0].dims).astype(dtype)
        attributes = {"outputs": types, "inner": (0.07, 5), **attributes}
        cases.append(("conv", [*given, quantised(skip, 0.05, 9)], attributes))
    check_ops(cases, requantization=mode)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_the_largest_sums(rng: np.random.Generator, dtype: type) -> None:
    given = operands(rng, (1, 20, 20, 224), 32, dtype, extreme=True)
    assert "ew_conv_winograd_" in code(given, pad=SAME)
    (y,) = check_op("conv", given, result(given, 30.0, pad=SAME), pad=SAME)
    assert len(np.unique(y)) > 10


@pytest.mark.parametrize("change", ["channels", "outputs", "stride", "zero", "wide", "tiny", "arm"])
def test_when_it_is_not_chosen(rng: np.random.Generator, change: str) -> None:
    channels, size = {"channels": (40, 16), "wide": (240, 16), "tiny": (128, 6)}.get(
        change, (64, 16)
    )
    outputs = 40 if change == "outputs" else 128
    given = operands(rng, (1, size, size, channels), outputs, np.int8, extreme=False)
    if change == "zero":
        given[1] = const(given[1].array, Quant((0.01,) * outputs, (1,) * outputs, 0))
    stride = (2, 2) if change == "stride" else (1, 1)
    target = targets.get("linux-arm64") if change == "arm" else HOST
    assert "winograd" not in code(given, target, pad=SAME, stride=stride)


def test_weights_are_those_of_the_direct_form(rng: np.random.Generator) -> None:
    """One tile by hand: A'[(P g P') * (B' d B)]A over the factors is the convolution."""
    w = rng.integers(-128, 127, (16, 3, 3, 16), np.int8, endpoint=True)
    d = rng.integers(-128, 127, (6, 6, 16))
    b = np.array([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
                  [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]])  # fmt: skip
    a = np.array([[1, -4, -4, 1, 1, 0], [0, -2, 2, 1, -1, 0], [0, -1, -1, 1, 1, 0],
                  [0, -1, 1, 2, -2, 1]])  # fmt: skip
    u = winograd_q8.weights(w)[0].transpose(0, 1, 3, 2).reshape(6, 6, 16, 16).astype(np.int64)
    v = np.einsum("ik,jl,klc->ijc", b, b, d)
    y = np.einsum("pi,qj,ijco,ijc->pqo", a, a, u, v)
    factors = np.array([24, 12, 6, 6])
    for p in range(4):
        for q in range(4):
            direct = np.einsum("oijc,ijc->o", w.astype(np.int64), d[p : p + 3, q : q + 3])
            np.testing.assert_array_equal(y[p, q], direct * factors[p] * factors[q])


def test_it_pays_with_many_tiles(rng: np.random.Generator) -> None:
    for size, pays in ((56, True), (6, False)):
        given = operands(rng, (1, size, size, 64), 64, np.int8, extreme=False)
        module, _ = one_node("conv", given, result(given, pad=SAME), pad=SAME)
        (node,) = module.graphs["main"].nodes
        assert winograd_q8.saves(node) is pays
