"""Which axes a reshape splits, merges and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgewright.graph import Size


@dataclass
class Block:
    """Neighbouring axes of the operand, and those of the result that hold the same elements."""

    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)


def blocks(old: Sequence[Size], new: Sequence[Size]) -> list[Block] | None:
    """The finest pairing of axes of a reshape; None when sizes do not tell."""
    found: list[Block] = []
    i = j = 0
    while i < len(old) or j < len(new):
        block, i, j = _next_block(old, new, i, j)
        if block is None:
            return None
        found.append(block)
    return found


def _next_block(
    old: Sequence[Size], new: Sequence[Size], i: int, j: int
) -> tuple[Block | None, int, int]:
    """The block that starts at axes `i` and `j`, and where it ends."""
    if i < len(old) and j < len(new) and old[i] == new[j]:
        return Block([i], [j]), i + 1, j + 1
    if i < len(old) and old[i] == 1:
        return Block([i], []), i + 1, j
    if j < len(new) and new[j] == 1:
        return Block([], [j]), i, j + 1
    if i == len(old) or j == len(new):
        return None, i, j
    block, left, right = Block([i], [j]), old[i], new[j]
    while left != right:
        if _is_less(left, right) and block.before[-1] + 1 < len(old):
            block.before.append(block.before[-1] + 1)
            left = left * old[block.before[-1]]
        elif block.after[-1] + 1 < len(new):
            block.after.append(block.after[-1] + 1)
            right = right * new[block.after[-1]]
        else:
            return None, i, j
    return block, block.before[-1] + 1, block.after[-1] + 1


def _is_less(a: Size, b: Size) -> bool:
    """Whether `a` still lacks factors of `b`; a plain number lacks those of a run-time size."""
    if isinstance(a, int) and isinstance(b, int):
        return a < b
    return isinstance(a, int) or (not isinstance(b, int) and a.bounds()[1] < b.bounds()[1])


def permute_reshape(
    shape: Sequence[Size], perm: Sequence[int], new: Sequence[Size]
) -> tuple[tuple[Size, ...], tuple[int, ...]] | None:
    """Swap `reshape(transpose(x, perm), new)` to a reshape and then a transpose.

    Args:
        shape: that of x.
        perm: of the transpose that comes first.
        new: the final shape.

    Returns:
        The shape to give x and the permutation that then leads to `new`; None when the reshape
        merges axes that lie apart in x.
    """
    found = blocks([shape[p] for p in perm], new)
    if found is None:
        return None
    order = [a for a in range(len(shape)) if shape[a] != 1]
    places, last = [], -1.0
    for block in found:
        held = [order.index(perm[b]) for b in block.before if shape[perm[b]] != 1]
        if held != list(range(held[0], held[0] + len(held))) if held else False:
            return None
        # Blocks of unit axes stay behind the block before them.
        last = held[0] if held else last + 1e-3
        places.append(last)
    ranked = sorted(range(len(found)), key=lambda b: places[b])
    axes = [axis for b in ranked for axis in found[b].after]
    return tuple(new[a] for a in axes), tuple(axes.index(a) for a in range(len(new)))


def gather_blocks(
    shape: Sequence[Size], perm: Sequence[int], new: Sequence[Size]
) -> tuple[int, ...] | None:
    """The permutation of x that brings together what `reshape(transpose(x, perm), new)` merges.

    Everything else stays in the order of x. None when sizes do not tell which axes are merged.
    """
    found = blocks([shape[p] for p in perm], new)
    if found is None:
        return None
    groups = [[perm[b] for b in block.before] for block in found if block.before]
    return tuple(axis for group in sorted(groups, key=min) for axis in group)
