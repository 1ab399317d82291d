"""Compact trees: integers that order as floats do, and walks that end at the same leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_ops, const

from edgewright.graph import Array
from edgewright.ops.tree_layout import (
    GREATEST,
    LANES,
    LEAF,
    LEAST,
    CompactTrees,
    compact_trees,
    keys_of,
    leaf_runs,
)  # fmt: skip
from edgewright.ops.tree_tables import MODES, TreeTables

FEATURES = 3
ODD = np.array([-np.inf, -3e38, -0.5, -1e-45, -0.0, 0.0, 1e-45, 0.5, 3e38, np.inf], np.float32)
ORDERED = tuple(range(4))  # the modes that compact trees have


def grown(
    rng: np.random.Generator,
    trees: int = 11,
    depth: int = 4,
    modes: tuple[int, ...] = ORDERED,
    run: int = 1,
    targets: int = 1,
    chain: bool = False,
) -> TreeTables:
    """Random trees with odd thresholds; each leaf adds to a run of targets."""
    branches: list[list[int]] = []
    leaves: list[int] = []

    def grow(left: int, tree: int) -> int:
        if left == 0 or (not chain and left < depth and rng.random() < 0.2):
            leaves.append(tree)
            return ~(len(leaves) - 1)
        at = len(branches)
        branches.append([])
        children = [grow(left - 1, tree), grow(0 if chain else left - 1, tree)]
        branches[at] = children if rng.random() < 0.5 else children[::-1]
        return at

    roots = [grow(depth, tree) for tree in range(trees)]
    count = len(branches)
    first = [tree % (targets - run + 1) for tree in leaves]
    pairs = np.array(branches, np.int32).reshape(count, 2)
    return TreeTables(
        np.array(roots, np.int32),
        rng.integers(0, FEATURES, count).astype(np.int32),
        rng.choice(ODD, count),
        rng.choice(np.array(modes, np.uint8), count),
        rng.random(count) < 0.5,
        pairs[:, 0].copy(),
        pairs[:, 1].copy(),
        np.arange(0, run * len(leaves) + 1, run, dtype=np.int32),
        np.array([f + k for f in first for k in range(run)], np.int32),
        rng.normal(size=run * len(leaves)).astype(np.float32),
    )


def samples(rng: np.random.Generator, rows: int) -> Array:
    """float32 [rows, FEATURES]: odd ones and NaN, of both signs."""
    nans = np.array([np.nan, -np.nan], np.float32)
    return rng.choice(np.append(ODD, nans), (rows, FEATURES))


def leaves_of(tables: TreeTables, compact: CompactTrees, x: Array) -> Array:
    """The leaf that each row reaches in each tree, by the compact form's own words."""
    key = keys_of(x)
    parts = [(GREATEST, LEAF), (LEAST, np.iinfo(np.int32).min)]
    keys = np.concatenate(
        [np.where(np.isnan(x), nan, key) for bit, nan in parts if compact.nans & bit], axis=1
    )
    assert keys.shape[1] == compact.columns(FEATURES)
    found = np.zeros((len(x), len(tables.roots)), np.int64)
    for tree, root in enumerate(compact.roots[: len(tables.roots)]):
        at = np.full(len(x), root)
        for _ in range(compact.steps[tree // LANES]):
            word = compact.nodes[at, 1].view(np.uint32)
            above = keys[np.arange(len(x)), word & 0xFFFF] > compact.nodes[at, 0]
            at = at + (word >> 16).astype(np.int64) + above
        found[:, tree] = compact.leaf[at]
    return found


def test_keys_order_as_floats_do() -> None:
    keys = keys_of(ODD)
    np.testing.assert_array_equal(keys[:, None] < keys, ODD[:, None] < ODD)
    np.testing.assert_array_equal(keys[:, None] == keys, ODD[:, None] == ODD)
    assert np.iinfo(np.int32).min < keys.min() - 1 and keys.max() < LEAF


@pytest.mark.parametrize("mode", [*ORDERED, ORDERED])
def test_walks_end_at_the_same_leaves(mode: Any, rng: np.random.Generator) -> None:
    from edgewright.ops.tree_ensemble import _leaves

    for seed in range(20):
        made = np.random.default_rng(seed)
        tables = grown(made, modes=mode if isinstance(mode, tuple) else (mode,))
        tables.missing[:] &= seed % 3 > 0
        tables.missing[:] |= seed % 3 > 1
        x = samples(made, 200)
        compact = compact_trees(tables, FEATURES)
        assert compact is not None
        both = len(set((tables.missing ^ (tables.mode > 1)).tolist())) == 2
        assert compact.nans.bit_count() == 1 + both
        found = leaves_of(tables, compact, x)
        for tree, root in enumerate(tables.roots.tolist()):
            np.testing.assert_array_equal(found[:, tree], _leaves(tables, root, x))


def test_what_has_no_compact_form(rng: np.random.Generator) -> None:
    tables = grown(rng)
    assert compact_trees(tables, FEATURES) is not None
    assert compact_trees(tables, 40_000) is None  # both columns of each are too many for 16 bits
    assert compact_trees(grown(rng, modes=(0, MODES.index("eq"))), FEATURES) is None
    assert compact_trees(grown(rng, trees=0), FEATURES) is None


def test_branches_with_two_parents_are_not_unrolled() -> None:
    count = 60  # 2 ** 60 leaves as a tree
    after = np.arange(1, count + 1, dtype=np.int32)
    after[-1] = -1
    shared = TreeTables(
        np.zeros(1, np.int32), np.zeros(count, np.int32), np.zeros(count, np.float32),
        np.zeros(count, np.uint8), np.zeros(count, np.bool_), after, after,
        np.array([0, 1], np.int32), np.zeros(1, np.int32), np.ones(1, np.float32),
    )  # fmt: skip
    assert shared.check(1, 1) is None
    assert compact_trees(shared, 1) is None


def runs(tables: TreeTables) -> list[int] | None:
    compact = compact_trees(tables, FEATURES)
    assert compact is not None
    first = leaf_runs(tables, compact)
    return None if first is None else first.tolist()


def test_runs_of_targets(rng: np.random.Generator) -> None:
    tables = grown(rng, trees=4, run=2, targets=4)
    assert runs(tables) == [0, 1, 2, 0]
    assert runs(grown(rng, trees=2, depth=0, run=3, targets=3)) == [0, 0]
    entries = len(tables.leaf_target)
    for change in ([0, 1], [entries - 2, entries - 1], [1]):  # another run, another one, no run
        held = tables.leaf_target.copy()
        held[change] = 3 - held[change]
        fields = {k: getattr(tables, k) for k in tables.__dataclass_fields__}
        assert runs(TreeTables(**(fields | {"leaf_target": held}))) is None


def cases(seed: int) -> list[tuple[str, list[Any], dict[str, Any]]]:
    """Ensembles of every form with rows that fill lanes, and do not."""
    rng = np.random.default_rng(seed)
    shapes: list[tuple[dict[str, Any], int, dict[str, Any]]] = [
        ({"run": 4, "targets": 4}, 75, {"labels": (3, 1, 4, 5)}),
        ({"run": 4, "targets": 4, "trees": 3, "modes": (0,)}, 1, {"aggregate": "average"}),
        ({"run": 1, "targets": 3, "modes": (1,)}, 7, {"labels": (9, 8, 7)}),
        ({"run": 2, "targets": 20, "trees": 16}, 9, {}),
        ({"run": 17, "targets": 17, "trees": 2, "depth": 0}, 3, {}),
        ({"depth": 40, "chain": True, "trees": 9, "modes": (2, 3)}, 17, {}),
        ({"run": 2, "targets": 2}, 16, {"aggregate": "min"}),
        ({"run": 2, "targets": 2, "modes": (0, 5)}, 16, {"labels": (0, 1)}),
    ]
    made = []
    for how, rows, attrs in shapes:
        x: Any = samples(rng, rows)
        operands = [x, *map(const, grown(rng, **how).arrays()), None]
        made.append(("tree_ensemble", operands, {"targets": how.get("targets", 1)} | attrs))
    return made


def test_c_is_the_reference() -> None:
    check_ops(cases(3))
