"""Decision trees as flat arrays, and how the node lists of ONNX files become them.

Branches are numbered so that a child comes after its parent, hence there are no cycles. A child is
the number of a branch, or `~leaf` (negative) for a leaf. Leaf `i` adds the entries
`leaf_begin[i] .. leaf_begin[i + 1] - 1`: `leaf_weight` to the sum of `leaf_target`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from edgewright.errors import InvalidModel
from edgewright.graph import Array

#: comparisons of a feature with a threshold, by their number in ONNX's TreeEnsemble
MODES = ("leq", "lt", "gte", "gt", "eq", "neq")
MAX_FEATURE = 1 << 26
Key = tuple[int, int]


@dataclass(frozen=True)
class TreeTables:
    """The constant inputs of `tree_ensemble`, in order: T trees, B branches, L leaves, E entries.

    Attributes:
        roots: int32 [T], each a child.
        feature: int32 [B], the column that is compared.
        threshold: float32 [B].
        mode: uint8 [B], indices into `MODES`.
        missing: bool [B], whether NaN counts as true.
        on_true: int32 [B], children.
        on_false: int32 [B], children.
        leaf_begin: int32 [L + 1].
        leaf_target: int32 [E].
        leaf_weight: float32 [E].
    """

    roots: Array
    feature: Array
    threshold: Array
    mode: Array
    missing: Array
    on_true: Array
    on_false: Array
    leaf_begin: Array
    leaf_target: Array
    leaf_weight: Array

    DTYPES = ("int32", "int32", "float32", "uint8", "bool", "int32", "int32", "int32", "int32",
              "float32")  # fmt: skip

    def arrays(self) -> list[Array]:
        """The arrays in the order of the operator's inputs."""
        return [getattr(self, field.name) for field in fields(self)]

    def check(self, features: int, targets: int) -> str | None:
        """What is wrong with the tables, or None. Kernels trust tables that passed."""
        branches, leaves = len(self.feature), len(self.leaf_begin) - 1
        sizes = {
            len(a) for a in (self.threshold, self.mode, self.missing, self.on_true, self.on_false)
        }
        if sizes != {branches} or leaves < 0 or len(self.leaf_target) != len(self.leaf_weight):
            return "the arrays of the trees differ in length"
        number = np.arange(branches)
        for child, least in ((self.roots, -1), (self.on_true, number), (self.on_false, number)):
            bad = (child >= branches) | (~child.astype(np.int64) >= leaves)
            if (bad | ((child >= 0) & (child <= least))).any():
                return "a branch leads outside of the trees or back up"
        if ((self.feature < 0) | (self.feature >= min(features, MAX_FEATURE))).any():
            return f"a branch compares feature {self.feature.max()} of {features}"
        if (self.mode >= len(MODES)).any():
            return f"a branch compares in an unknown way, {self.mode.max()}"
        ends = [0, *self.leaf_begin.tolist(), len(self.leaf_target)]
        if ends[1] != 0 or ends[-2] != ends[-1] or (np.diff(ends) < 0).any():
            return "the leaves' entries are not consecutive"
        if ((self.leaf_target < 0) | (self.leaf_target >= targets)).any():
            return f"a leaf adds to target {self.leaf_target.max()} of {targets}"
        if not np.isfinite(self.leaf_weight).all() or np.isnan(self.threshold).any():
            return "a weight or a threshold of the trees is not a number"
        return None


def from_node_lists(attributes: Mapping[str, Any], prefix: str) -> TreeTables:
    """The tables of TreeEnsembleClassifier (`prefix` "class") and Regressor ("target").

    `attributes` holds ONNX's attributes as lists by name (modes as str or bytes). Raises
    InvalidModel when they contradict themselves.
    """
    return _NodeLists(attributes, prefix).tables()


class _NodeLists:
    """One walk over the node lists."""

    def __init__(self, attributes: Mapping[str, Any], prefix: str) -> None:
        self.attributes, self.prefix = attributes, prefix
        keys = zip(self.column("nodes_treeids"), self.column("nodes_nodeids"), strict=True)
        self.keys: list[Key] = [(int(tree), int(node)) for tree, node in keys]
        self.modes = [_mode(m) for m in self.column("nodes_modes")]
        self.place = {key: i for i, key in enumerate(self.keys)}
        if len(self.place) != len(self.keys):
            raise InvalidModel("two nodes of the trees have the same number")

    def column(self, name: str, optional: bool = False) -> Sequence[Any]:
        """An attribute with one entry per node."""
        count = len(self.attributes.get("nodes_nodeids", ()))
        column: Sequence[Any] = self.attributes.get(name, ())
        if optional and not len(column):
            return [0] * count
        if len(column) != count:
            raise InvalidModel(f"{name} has {len(column)} entries for {count} nodes")
        return column

    def child(self, node: int, name: str) -> int:
        """The place in the lists of a child of a branch."""
        key = (self.keys[node][0], int(self.attributes[name][node]))
        if key not in self.place:
            raise InvalidModel(f"node {self.keys[node]} of the trees has no child {key[1]}")
        return self.place[key]

    def tables(self) -> TreeTables:
        for name in ("nodes_truenodeids", "nodes_falsenodeids"):
            self.column(name)
        children = {
            node: (self.child(node, "nodes_truenodeids"), self.child(node, "nodes_falsenodeids"))
            for node, mode in enumerate(self.modes)
            if mode >= 0
        }
        order = _topological(len(self.keys), children)
        branches = [node for node in order if node in children]
        leaves = [node for node in range(len(self.keys)) if node not in children]
        number = {node: i for i, node in enumerate(branches)}
        number.update({node: ~i for i, node in enumerate(leaves)})

        def pick(name: str, optional: bool = False) -> list[Any]:
            column = self.column(name, optional)
            return [column[branch] for branch in branches]

        begin, target, weight = self._entries(leaves)
        return _tables(
            roots=[number[root] for root in self._roots(children)],
            feature=pick("nodes_featureids"),
            threshold=pick("nodes_values"),
            mode=[self.modes[b] for b in branches],
            missing=pick("nodes_missing_value_tracks_true", True),
            on_true=[number[children[b][0]] for b in branches],
            on_false=[number[children[b][1]] for b in branches],
            leaf_begin=begin,
            leaf_target=target,
            leaf_weight=weight,
        )

    def _roots(self, children: Mapping[int, tuple[int, int]]) -> list[int]:
        """The node of each tree that is no child, in the order of the file."""
        below = {child for pair in children.values() for child in pair}
        roots = [node for node in range(len(self.keys)) if node not in below]
        trees = [self.keys[root][0] for root in roots]
        if len(set(trees)) != len(trees) or set(trees) != {tree for tree, _ in self.keys}:
            raise InvalidModel("a tree has no root or several")
        return roots

    def _entries(self, leaves: list[int]) -> tuple[list[int], list[int], list[float]]:
        """What each leaf adds; entries of nodes that are branches are ignored, as ORT does."""
        parts = [f"{self.prefix}_{name}" for name in ("treeids", "nodeids", "ids", "weights")]
        columns = [self.attributes.get(name, ()) for name in parts]
        if len({len(column) for column in columns}) != 1:
            raise InvalidModel(f"the {self.prefix} arrays of the trees differ in length")
        found: dict[int, list[tuple[int, float]]] = {leaf: [] for leaf in leaves}
        for tree, node, target, weight in zip(*columns, strict=True):
            place = self.place.get((int(tree), int(node)))
            if place is None:
                raise InvalidModel(f"a weight belongs to node {(int(tree), int(node))}: none such")
            if place in found:
                found[place].append((int(target), float(weight)))
        begin = [0]
        for leaf in leaves:
            begin.append(begin[-1] + len(found[leaf]))
        entries = [entry for leaf in leaves for entry in found[leaf]]
        return begin, [target for target, _ in entries], [weight for _, weight in entries]


def _mode(name: str | bytes) -> int:
    """A mode's number; -1 for a leaf. Raises InvalidModel for others."""
    text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
    if text == "LEAF":
        return -1
    short = text.removeprefix("BRANCH_").lower()
    if short not in MODES or not text.startswith("BRANCH_"):
        raise InvalidModel(f"trees compare by {text!r}, which is not supported")
    return MODES.index(short)


def _topological(count: int, children: Mapping[int, tuple[int, int]]) -> list[int]:
    """Nodes with parents first. Raises InvalidModel for a cycle."""
    waiting = [0] * count
    for pair in children.values():
        for child in pair:
            waiting[child] += 1
    ready = [node for node in reversed(range(count)) if waiting[node] == 0]
    order: list[int] = []
    while ready:
        node = ready.pop()
        order.append(node)
        for child in reversed(children.get(node, ())):
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    if len(order) != count:
        raise InvalidModel("the trees have a cycle")
    return order


def _tables(**lists: Any) -> TreeTables:
    """The arrays from lists of numbers. Raises InvalidModel for numbers out of range."""
    held = {}
    for (name, values), dtype in zip(lists.items(), TreeTables.DTYPES, strict=True):
        try:
            held[name] = np.array(values, dtype=np.dtype(dtype))
        except (OverflowError, ValueError, TypeError):
            raise InvalidModel(f"a {name} of the trees is out of range") from None
    return TreeTables(**held)


def from_tree_ensemble(attributes: Mapping[str, Any]) -> TreeTables:
    """The tables of ONNX's TreeEnsemble (ai.onnx.ml 5). Raises InvalidModel.

    `attributes` holds its attributes by name; tensors as arrays. A child is a node or, where
    `nodes_trueleafs` / `nodes_falseleafs` says so, a leaf; a tree that is a single leaf is a branch
    with both children the same leaf.
    """
    features = [int(f) for f in attributes.get("nodes_featureids", ())]
    count = len(features)

    def column(name: str) -> list[Any]:
        values = list(attributes.get(name, ()))
        if len(values) != count:
            raise InvalidModel(f"{name} has {len(values)} entries for {count} nodes")
        return values

    targets = [int(t) for t in attributes.get("leaf_targetids", ())]
    sides = [
        [
            _branch_child(c, bool(leaf), count, len(targets))
            for c, leaf in zip(ids, leafs, strict=True)
        ]
        for ids, leafs in (
            (column("nodes_truenodeids"), column("nodes_trueleafs")),
            (column("nodes_falsenodeids"), column("nodes_falseleafs")),
        )
    ]
    below = {n: tuple(s[n] for s in sides if s[n] >= 0) for n in range(count)}
    order = _topological(count, below)  # type: ignore[arg-type]
    number = {node: i for i, node in enumerate(order)}
    number.update({~leaf: ~leaf for leaf in range(len(targets))})
    roots = [_branch_child(r, False, count, 0) for r in attributes.get("tree_roots", ())]
    missing = list(attributes.get("nodes_missing_value_tracks_true", ())) or [0] * count
    if len(missing) != count:
        raise InvalidModel(f"nodes_missing_value_tracks_true has {len(missing)} entries")
    modes, splits = column("nodes_modes"), column("nodes_splits")
    return _tables(
        roots=[number[r] for r in roots],
        feature=[features[n] for n in order],
        threshold=[splits[n] for n in order],
        mode=[modes[n] for n in order],
        missing=[missing[n] for n in order],
        on_true=[number[sides[0][n]] for n in order],
        on_false=[number[sides[1][n]] for n in order],
        leaf_begin=list(range(len(targets) + 1)),
        leaf_target=targets,
        leaf_weight=list(attributes.get("leaf_weights", ())),
    )


def _branch_child(child: Any, is_leaf: bool, nodes: int, leaves: int) -> int:
    if not 0 <= int(child) < (leaves if is_leaf else nodes):
        raise InvalidModel(f"the trees have no {'leaf' if is_leaf else 'node'} {int(child)}")
    return ~int(child) if is_leaf else int(child)
