"""Pairing the axes of reshapes, and swapping them with transposes."""

import numpy as np
import pytest

from edgewright.graph import Array, Size, Symbol, upper
from edgewright.passes.blocks import blocks, gather_blocks, permute_reshape


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        ((2, 3), (6,), [([0, 1], [0])]),
        ((6, 4), (2, 3, 4), [([0], [0, 1]), ([1], [2])]),
        ((1, 5), (5, 1), [([0], []), ([1], [0]), ([], [1])]),
        ((4, 6), (8, 3), [([0, 1], [0, 1])]),
    ],
)
def test_pairs(
    old: tuple[int, ...], new: tuple[int, ...], pairs: list[tuple[list[int], list[int]]]
) -> None:
    found = blocks(old, new)
    assert found is not None
    assert [(b.before, b.after) for b in found] == pairs


def test_run_time_sizes_pair_with_themselves() -> None:
    h = Symbol("h", 1, 64)
    found = blocks((1, h, 4), (1, h, 2, 2))
    assert found is not None
    assert [(b.before, b.after) for b in found] == [([0], [0]), ([1], [1]), ([2], [2, 3])]


@pytest.mark.parametrize("seed", range(50))
def test_swapping_keeps_the_elements(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.choice([1, 2, 3, 4], 4)
    perm = rng.permutation(4)
    x = np.arange(shape.prod()).reshape(shape)
    y = x.transpose(perm)
    cut = int(rng.integers(1, 4))
    new = (*y.shape[:cut], int(np.prod(y.shape[cut:])))
    swapped = permute_reshape(x.shape, tuple(perm), new)
    if swapped is not None:
        first, then = swapped
        np.testing.assert_array_equal(shaped(x, first).transpose(then), y.reshape(new))
    inner = gather_blocks(x.shape, tuple(perm), new)
    assert inner is not None
    rest = tuple(inner.index(p) for p in perm)
    again = permute_reshape(tuple(x.shape[i] for i in inner), rest, new)
    assert again is not None
    gathered = shaped(x.transpose(inner), again[0]).transpose(again[1])
    np.testing.assert_array_equal(gathered, y.reshape(new))


def shaped(x: Array, shape: tuple[Size, ...]) -> Array:
    return x.reshape([upper(size) for size in shape])
