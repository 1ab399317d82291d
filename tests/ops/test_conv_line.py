"""Convolutions of few channels read where they lie (kernels/conv_line_f32.h), and matrices."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_ops, const, load, one_node

from edgewright import targets
from edgewright.artifact.native import NativeModel
from edgewright.codegen import generate

HOST = targets.get("host")
PADS: dict[str, Any] = {"pad": ((1, 1), (1, 1))}
#: (shape of x, (outputs, height and width of the window), attributes)
CASES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((1, 20, 31, 3), (8, 3, 3), {"stride": (2, 2), "pad": ((0, 1), (0, 1))}),  # half a block
    ((2, 13, 10, 1), (64, 10, 4), {"stride": (2, 2), "pad": ((4, 5), (1, 1))}),  # a line of five
    ((1, 20, 30, 3), (37, 7, 7), {"stride": (2, 2), "pad": ((3, 3), (3, 3))}),  # sums are split
    ((1, 9, 17, 5), (24, 3, 3), {"dilation": (2, 1), "pad": ((2, 2), (1, 1))}),
    ((1, 7, 29, 15), (16, 3, 3), PADS),
    ((1, 8, 31, 20), (48, 1, 1), {"stride": (2, 2)}),  # single pixels at a stride
    ((1, 30, 4, 2), (56, 3, 5), {"pad": ((1, 1), (2, 2))}),  # windows reach over the whole line
]
MATRICES: list[
    tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]
] = [  # rows in whole tiles, in the last one early, in a few more; residuals
    *(((1, 1, rows, 19), (columns, 1, 1), {}) for rows in (24, 28, 41, 45) for columns in (40, 56)),
    *(((1, 5, 10, 200), (columns, 1, 1), {}) for columns in (5, 12, 20, 32, 61)),
]


def operands(
    rng: np.random.Generator, shape: tuple[int, ...], window: tuple[int, ...]
) -> list[Any]:
    """An image, weights and bias."""
    w = rng.standard_normal((*window, shape[3])).astype(np.float32)
    bias = rng.standard_normal(window[0]).astype(np.float32)
    return [rng.standard_normal(shape).astype(np.float32), const(w), const(bias)]


@pytest.mark.parametrize("with_skip", [False, True])
def test_against_the_reference(rng: np.random.Generator, with_skip: bool) -> None:
    cases = []
    for shape, window, attrs in [*CASES, *MATRICES]:
        given = operands(rng, shape, window)
        if with_skip:
            module, _ = one_node("conv", given, **attrs)
            size = module.main.outputs[0].type.dims
            given.append(rng.standard_normal(size).astype(np.float32))
        cases.append(("conv", given, {**attrs, "clamp": (0.0, 6.0) if with_skip else None}))
    check_ops(cases)


def test_the_same_bits_in_chunks(rng: np.random.Generator) -> None:
    """Three chunks begin and end with other tiles than the whole."""
    for shape, window, attrs in CASES[:3]:
        shape = (shape[0], 8 * shape[1], 2 * shape[2], shape[3])
        module, inputs = one_node("conv", operands(rng, shape, window), **attrs)
        results = []
        for chunks in (1, 3):
            with tempfile.TemporaryDirectory() as name:
                code = generate(module, replace(HOST, chunks=chunks), "test")
                assert ("ew_parallel(env" in code.model_c) == (chunks > 1)
                model: NativeModel = load(code, module, Path(name))
                for level in {"avx2", "avx512vnni"} & set(model.levels_here()):
                    model.use_level(level)
                    (y,) = model.run(inputs).values()
                    results.append(y.copy())
        for y in results[1:]:
            np.testing.assert_array_equal(y, results[0])
