"""Ensembles of decision trees, as the node lists of ai.onnx.ml."""

from __future__ import annotations

from typing import Any, Final

from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.ops.tree_ensemble import BASE, TABLES
from edgewright.ops.tree_tables import MODES, TreeTables

DOMAIN: Final = "ai.onnx.ml"
VERSION: Final = 3


@rule("tree_ensemble")
def tree_ensemble(n: NodeWriter) -> None:
    """TreeEnsembleClassifier or TreeEnsembleRegressor."""
    arrays = [n.node.input(i).data for i in range(1, 1 + TABLES)]
    tables = TreeTables(*[a for a in arrays if a is not None])
    attrs = _node_lists(tables, "class" if n.op.labels else "target")
    attrs["post_transform"] = n.op.post_transform.upper()
    base = n.operand(BASE)
    if base is not None and base.data is not None and base.data.size:
        attrs["base_values"] = [float(v) for v in base.data]
    n.file.domains[DOMAIN] = VERSION
    x = [n.real(n.x)]
    if not n.op.labels:
        attrs |= {"n_targets": n.op.targets, "aggregate_function": n.op.aggregate.upper()}
        n.finish(n.emit("TreeEnsembleRegressor", x, domain=DOMAIN, **attrs))
        return
    outputs = [f"{v.name}/trees" for v in n.node.outputs]
    attrs["classlabels_int64s"] = list(n.op.labels)
    for index, result in enumerate(
        n.writer.emit_many("TreeEnsembleClassifier", x, outputs, domain=DOMAIN, **attrs)
    ):
        n.finish(result, None, index)


class _Lists:
    """The columns of the nodes, and what the leaves add."""

    def __init__(self, tables: TreeTables, prefix: str) -> None:
        self.tables, self.prefix = tables, prefix
        names = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids",
                 "falsenodeids", "missing_value_tracks_true")  # fmt: skip
        self.nodes: dict[str, list[Any]] = {f"nodes_{name}": [] for name in names}
        self.leaves: dict[str, list[Any]] = {
            f"{prefix}_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")
        }

    def tree(self, tree: int, root: int) -> None:
        """All nodes below a root: branches, then leaves, in the order of the tables."""
        below = [root]
        for child in below:
            if child >= 0:
                below += [int(self.tables.on_true[child]), int(self.tables.on_false[child])]
        ordered = sorted(set(below), key=lambda child: (child < 0, abs(child)))
        number = {child: place for place, child in enumerate(ordered)}
        for place, child in enumerate(ordered):
            if child >= 0:
                sides = (self.tables.on_true[child], self.tables.on_false[child])
                self._branch(tree, place, child, (number[int(sides[0])], number[int(sides[1])]))
            else:
                self._leaf(tree, place, ~child)

    def _row(self, *values: Any) -> None:
        for column, value in zip(self.nodes.values(), values, strict=True):
            column.append(value)

    def _branch(self, tree: int, number: int, branch: int, places: tuple[int, int]) -> None:
        held = self.tables
        mode = f"BRANCH_{MODES[int(held.mode[branch])].upper()}"
        feature, threshold = int(held.feature[branch]), float(held.threshold[branch])
        self._row(tree, number, feature, threshold, mode, *places, int(held.missing[branch]))

    def _leaf(self, tree: int, number: int, leaf: int) -> None:
        self._row(tree, number, 0, 0.0, "LEAF", 0, 0, 0)
        held = self.tables
        for entry in range(int(held.leaf_begin[leaf]), int(held.leaf_begin[leaf + 1])):
            target, weight = int(held.leaf_target[entry]), float(held.leaf_weight[entry])
            row = (tree, number, target, weight)
            for column, value in zip(self.leaves.values(), row, strict=True):
                column.append(value)


def _node_lists(tables: TreeTables, prefix: str) -> dict[str, Any]:
    lists = _Lists(tables, prefix)
    for tree, root in enumerate(tables.roots):
        lists.tree(tree, int(root))
    return {**lists.nodes, **lists.leaves}
