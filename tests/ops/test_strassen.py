"""Products of halves by Strassen's algorithm, against the reference; where it is chosen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_module, check_ops, const, load, one_node

from edgewright import targets
from edgewright.codegen import generate
from edgewright.graph import Node
from edgewright.ops import conv_choice, strassen
from edgewright.ops.conv import Conv

HOST = targets.get("host")
ARM = targets.get("linux-arm64")


def operands(rows: tuple[int, ...], depth: int, columns: int, skip: bool = False) -> list[Any]:
    """x, weights (of a 1x1 convolution where rows are pixels), bias, residual."""
    rng = np.random.default_rng(depth)
    x = rng.standard_normal((*rows, depth)).astype(np.float32)
    shape = (columns, 1, 1, depth) if len(rows) == 3 else (columns, depth)
    w = rng.standard_normal(shape).astype(np.float32)
    given = [x, const(w), const(rng.standard_normal(columns).astype(np.float32))]
    return [*given, rng.standard_normal((*rows, columns)).astype(np.float32)] if skip else given


CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    # rows are odd, panels of 64, 64 and 32 columns, sums of 96 and 48
    ("conv", operands((1, 7, 7), 288, 320, skip=True), {}),
    # two blocks, the last one odd; the last panel takes 32 and 16 columns
    ("conv", operands((1, 13, 15), 192, 224), {"clamp": (-9.0, 12.0)}),
    # a panel of 16 columns, the last tile of a block has fewer rows
    ("conv", operands((2, 13, 10), 160, 160, skip=True), {"clamp": (-30.0, 35.0)}),
    ("fully_connected", operands((128,), 384, 128), {}),
    ("fully_connected", operands((3, 17), 448, 192), {"clamp": (-30.0, 1e30)}),
]


def test_against_the_reference() -> None:
    for op, given, attrs in CASES:
        module, _ = one_node(op, given, **attrs)
        assert "ew_conv_strassen_f32(" in generate(module, HOST, "test").model_c
    check_ops(CASES)


def test_residual_in_place() -> None:
    """A tile must not touch rows of the next: their residual is not yet added."""
    given = operands((1, 7, 7), 960, 160, skip=True)
    module, inputs = one_node("conv", given)
    graph, (node,) = module.main, module.main.nodes
    skip = node.input(3)
    made = graph.value("made", skip.type)
    graph.insert(Node("neg", [skip], [made]), before=node)
    graph.set_input(node, 3, made)
    check_module(module, [inputs])


def test_one_row_below_none_and_few_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes that are left to the direct form unless tuning finds otherwise."""
    monkeypatch.setattr(strassen, "saves", lambda node, target: True)
    sizes = [(3, 32, 32), (2, 64, 96), (98, 32, 64), (97 * 2 + 1, 64, 32), (33, 224, 480)]
    layers = [operands((rows,), depth, columns) for rows, depth, columns in sizes]
    check_ops([("fully_connected", layer, {}) for layer in layers])


def test_same_bits_with_wide_and_narrow_registers(tmp_path: Path) -> None:
    op, given, attrs = CASES[0]
    module, inputs = one_node(op, given, **attrs)
    model = load(generate(module, HOST, "test"), module, tmp_path)
    results = []
    for level in {"avx2", "avx512vnni"} & set(model.levels_here()):
        model.use_level(level)
        results.append([array.tobytes() for array in model.run(inputs).values()])
    if len(results) < 2:
        pytest.skip("this CPU has no two levels with the same sums")
    assert results[0] == results[1]


def test_weights_are_those_of_the_direct_form() -> None:
    """One product by hand, in float64: the formulas of kernels/conv_strassen_f32.h."""
    rng = np.random.default_rng(3)
    w, x = rng.standard_normal((192, 64)).astype(np.float32), rng.standard_normal((2, 64))
    packed = strassen.weights(w).astype(np.float64)
    wide, narrow = packed[: 7 * 64 * 32].reshape(7, 4, 32, 16), packed[7 * 64 * 32 :]
    factors = np.concatenate([wide, narrow.reshape(7, 2, 32, 16)], axis=1)
    b = factors.swapaxes(1, 2).reshape(7, 32, 96)
    (a11, a12), (a21, a22) = (np.split(row, 2) for row in x)
    s1, s3 = a21 + a22, a11 - a21
    s2 = s1 - a11
    u = a11 @ b[0] + s2 @ b[2]
    v = u + s3 @ b[3]
    upper = [a11 @ b[0] + a12 @ b[1], u + s1 @ b[5] + (a12 - s2) @ b[6]]
    lower = [v + a22 @ b[4], v + s1 @ b[5]]
    found = np.stack([np.concatenate(upper), np.concatenate(lower)])
    np.testing.assert_allclose(found, x @ w.T.astype(np.float64), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "w", "attrs"),
    [
        ((1, 14, 14, 256), (256, 1, 1, 256), {"stride": (2, 2)}),
        ((1, 14, 14, 256), (256, 1, 1, 256), {"pad": ((1, 1), (0, 0))}),
        ((1, 14, 14, 256), (256, 1, 1, 128), {"groups": 2}),
        ((1, 14, 14, 256), (256, 3, 3, 256), {"stride": (2, 2)}),
        ((1, 14, 14, 272), (256, 1, 1, 272), {}),  # halves would be no whole vectors
        ((1, 14, 14, 256), (240, 1, 1, 256), {}),
    ],
)
def test_what_it_leaves_to_other_forms(
    shape: tuple[int, ...], w: tuple[int, ...], attrs: dict[str, Any]
) -> None:
    x, weight = np.zeros(shape, np.float32), const(np.zeros(w, np.float32))
    module, _ = one_node("conv", [x, weight], **attrs)
    assert not strassen.fits_conv(module.main.nodes[0], Conv(**attrs), HOST)


@pytest.mark.parametrize(
    ("rows", "depth", "columns"), [(784, 128, 512), (256, 256, 96), (28, 512, 512), (48, 192, 128)]
)
def test_where_it_does_not_pay(rows: int, depth: int, columns: int) -> None:
    module, _ = one_node("fully_connected", operands((rows,), depth, columns))
    (node,) = module.main.nodes
    assert strassen.fits(node, HOST)
    assert not conv_choice.product_form(node, HOST).strassen


def test_other_targets_keep_the_direct_form() -> None:
    """It was measured on x86-64 alone; 32-bit targets have no room for it."""
    module, _ = one_node("fully_connected", operands((128,), 384, 384))
    (node,) = module.main.nodes
    assert conv_choice.product_form(node, HOST).strassen
    assert not conv_choice.product_form(node, ARM).strassen
    assert not strassen.fits(node, replace(HOST, pointer_bytes=4))


def test_not_where_size_goes_before_speed() -> None:
    module, _ = one_node("fully_connected", operands((128,), 384, 384))
    (node,) = module.main.nodes
    assert conv_choice.product_form(node, HOST).strassen
    assert not conv_choice.product_form(node, replace(HOST, small=True)).strassen


def test_scratch_is_bounded() -> None:
    """Three quarters of the second cache at most, however large the layer is."""
    sizes = [(12544, 256), (49, 2048), (3136, 512), (784, 1536), (1 << 16, 4096)]
    for rows, depth in sizes:
        x = np.broadcast_to(np.float32(0), (rows, depth))
        module, _ = one_node("fully_connected", [x, const(np.zeros((32, depth), "f"))])
        (node,) = module.main.nodes
        most = 0.8e6 if depth <= 2048 else 1.3e6
        assert 0 < strassen.scratch_bytes(node) <= most, (rows, depth)
