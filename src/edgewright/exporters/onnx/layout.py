"""Orders of axes: the tensor of the file is `value.transpose(perm)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from edgewright.graph import Size

Perm = tuple[int, ...]
CHANNELS_FIRST: Final[Perm] = (0, 3, 1, 2)
CHANNELS_LAST: Final[Perm] = (0, 2, 3, 1)


def identity(rank: int) -> Perm:
    """The order in which nothing moves."""
    return tuple(range(rank))


def is_identity(perm: Perm) -> bool:
    """Whether nothing moves."""
    return perm == identity(len(perm))


def inverse(perm: Perm) -> Perm:
    """The order that undoes another."""
    return tuple(sorted(range(len(perm)), key=lambda i: perm[i]))


def between(held: Perm, wanted: Perm) -> Perm:
    """How to transpose a tensor that is held in one order to have it in another."""
    return tuple(held.index(axis) for axis in wanted)


def arranged(items: Sequence[Any], perm: Perm) -> tuple[Any, ...]:
    """One item per axis of the value, in the order of the tensor's axes."""
    return tuple(items[axis] for axis in perm)


def moves(shape: Sequence[Size], perm: Perm) -> bool:
    """Whether transposing a tensor of this shape changes the order of its elements."""
    kept = [axis for axis in perm if shape[axis] != 1]
    return kept != sorted(kept)


def without(perm: Perm, axes: Sequence[int]) -> Perm:
    """What is left of an order when axes of the value disappear."""
    left = [axis for axis in perm if axis not in axes]
    return tuple(sorted(left).index(axis) for axis in left)
