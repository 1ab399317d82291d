"""Trees as the kernel walks them fast: nodes of eight bytes, compared as integers.

The bits of a float, less than zero ones turned round, order as the floats do. So a sample becomes
one integer per feature (a *key*), once, and a branch asks `key > node.key`. NaN becomes the
greatest or the least integer, as the branches that read it need; where both are needed, there are
two columns per feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewright.graph import Array
from edgewright.ops.tree_tables import MODES, TreeTables

LANES = 8  # trees that the kernel walks at once
GREATEST, LEAST = 1, 2  # bits of `CompactTrees.nans`
LEAF = np.iinfo(np.int32).max  # no key is greater
_LIMIT = 1 << 16


@dataclass(frozen=True)
class CompactTrees:
    """N nodes of T trees, breadth first.

    Attributes:
        nodes: int32 [N, 2]: the key; column + (step << 16). From node i the walk goes on to
            `i + step`, or to the node behind that where the sample's key is greater. A leaf has
            the step 0 and the key `LEAF`.
        leaf: int32 [N], the number of the leaf; 0 for branches.
        roots: int32 [T, rounded up to `LANES`], filled with the first.
        steps: int32 [T / LANES, rounded up], the depth of the deepest of so many trees.
        nans: what NaN becomes: `GREATEST`, `LEAST`, or both one after the other.
    """

    nodes: Array
    leaf: Array
    roots: Array
    steps: Array
    nans: int

    def columns(self, features: int) -> int:
        """Keys per sample."""
        return features * self.nans.bit_count()


def keys_of(values: Array) -> Array:
    """int32 that order as float32 `values` without NaN do; both zeros are 0."""
    bits = np.ascontiguousarray(values, np.float32).view(np.int32)
    size = bits & 0x7FFFFFFF
    return np.asarray(np.where(bits < 0, -size, size), np.int32)


def compact_trees(tables: TreeTables, features: int) -> CompactTrees | None:
    """The compact form, or None where there is none.

    It has no comparison for equality, no branch with two parents, and 16 bits for columns and
    steps.
    """
    if len(tables.roots) == 0 or (tables.mode >= MODES.index("eq")).any():
        return None
    swapped = tables.mode >= MODES.index("gte")
    least = tables.missing ^ swapped
    nans = (LEAST if least.any() else 0) | (0 if least.all() and len(least) else GREATEST)
    column = tables.feature + np.where(least & (nans == GREATEST | LEAST), features, 0)
    if features * nans.bit_count() > _LIMIT:
        return None
    strict = (tables.mode == MODES.index("lt")) | (tables.mode == MODES.index("gte"))
    below = np.where(swapped, tables.on_false, tables.on_true).tolist()
    above = np.where(swapped, tables.on_true, tables.on_false).tolist()
    key = (keys_of(tables.threshold).astype(np.int64) - strict).tolist()
    grown = _grow(tables, list(zip(key, column.tolist(), below, above, strict=True)))
    return None if grown is None else CompactTrees(*grown, nans)


def _grow(
    tables: TreeTables, branches: list[tuple[int, int, int, int]]
) -> tuple[Array, Array, Array, Array] | None:
    """Nodes, leaves, roots and steps from branches (key, column, child below, child above)."""
    most = 2 * len(branches) + len(tables.roots)  # there are more where a branch has two parents
    nodes: list[tuple[int, int]] = []
    leaf: list[int] = []
    roots, depths = [], []
    for root in tables.roots.tolist():
        roots.append(len(nodes))
        depth, level = -1, [root]
        while level:
            depth, behind, following = depth + 1, len(nodes) + len(level), list[int]()
            for child in level:
                step = behind + len(following) - len(nodes)
                if child < 0:
                    nodes.append((LEAF, 0))
                    leaf.append(~child)
                    continue
                if step >= _LIMIT or behind + len(following) + 2 > most:
                    return None
                key, column, below, above = branches[child]
                nodes.append((key, column | step << 16))
                leaf.append(0)
                following += (below, above)
            level = following
        depths.append(depth)
    packed = np.array(nodes, np.int64)
    held = np.stack([packed[:, 0], packed[:, 1].astype(np.uint32).view(np.int32)], axis=1)
    return held.astype(np.int32), np.array(leaf, np.int32), *_by_lanes(roots, depths)


def _by_lanes(roots: list[int], depths: list[int]) -> tuple[Array, Array]:
    """Roots and depths of `LANES` trees at a time."""
    missing = -len(roots) % LANES
    deepest = np.array(depths + [0] * missing, np.int32).reshape(-1, LANES).max(axis=1)
    return np.array(roots + roots[:1] * missing, np.int32), deepest


def leaf_runs(tables: TreeTables, compact: CompactTrees) -> Array | None:
    """The first target of each tree, int32 [T], or None unless leaves add to runs of targets.

    All leaves have equally many entries, for targets one after the other, and those of a tree
    begin at the same one.
    """
    leaves, trees = len(tables.leaf_begin) - 1, len(tables.roots)
    run = len(tables.leaf_target) // max(1, leaves)
    if run == 0 or (np.diff(tables.leaf_begin) != run).any():
        return None
    target = tables.leaf_target.reshape(leaves, run)
    if (target != target[:, :1] + np.arange(run)).any():
        return None
    owner = np.searchsorted(compact.roots[:trees], np.arange(len(compact.nodes)), "right") - 1
    ends = compact.nodes[:, 1] == 0
    first = target[compact.leaf[ends], 0]
    runs = np.zeros(trees, np.int32)
    runs[owner[ends]] = first
    return runs if (runs[owner[ends]] == first).all() else None
