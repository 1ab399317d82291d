"""Ensembles of decision trees: forests and boosted trees, as classifier or regressor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgewright import numerics
from edgewright.graph import DType, Node, Size, TensorType, Value
from edgewright.ops import Array, Call, Emit, Op, Packing, op, parts, require
from edgewright.ops.tree_layout import LANES, CompactTrees, compact_trees, leaf_runs
from edgewright.ops.tree_tables import TreeTables

AGGREGATES = ("sum", "average", "min", "max")
TRANSFORMS = ("none", "softmax", "logistic", "softmax_zero", "probit")
COMPARE: tuple[Callable[[Any, Any], Any], ...] = (
    np.less_equal,
    np.less,
    np.greater_equal,
    np.greater,
    np.equal,
    np.not_equal,
)
BLOCK_ROWS, BLOCK_BYTES = 64, 1 << 14
TABLES = 10  # constant inputs behind x
ALMOST_ZERO = float(np.float32(1e-7))
PI, WINITZKI, SQRT2 = (float(np.float32(c)) for c in (3.14159, 0.147, 1.41421356))
BASE = TABLES + 1  # the input with base values


@op("tree_ensemble")
class TreeEnsemble(Op):
    """x [N,F] float32, then the ten arrays of `TreeTables`, then base values float32 [K] or none.

    Per row, the weights of the leaf that each tree reaches are added up in float32, trees in order,
    as ONNX Runtime does with one thread ("average" divides by the number of trees; "min" and "max"
    take the least and the greatest). Base values are added, then `post_transform` is applied.

    With `labels` (one per target) it is a classifier and gives (label int64 [N], scores float32
    [N, targets]); the rules for two classes are ONNX Runtime's, see `_binary`. Without, it gives
    the scores; a single target knows only the transform "probit".
    """

    targets: int = 1
    aggregate: str = "sum"
    post_transform: str = "none"
    labels: tuple[int, ...] = ()

    tolerance = 1e-5

    def infer_node(self, node: Node) -> TensorType | tuple[TensorType, ...]:
        require(TABLES < len(node.inputs) <= BASE + 1, f"{len(node.inputs)} inputs, not {BASE + 1}")
        require(None not in node.inputs[:BASE], "an array of the trees is missing")
        x = node.input(0).type
        require(x.rank == 2 and x.dtype is DType.FLOAT32, f"x is {x}, not float32 [N,F]")
        self._check_attributes()
        arrays = [v.data for v in node.arguments[1:]]
        require(all(a is not None for a in arrays), "the arrays of the trees must be constants")
        held = [a for a in arrays if a is not None]
        for array, dtype in zip(held, TreeTables.DTYPES, strict=False):
            require(
                array.ndim == 1 and array.dtype == dtype, f"an array of the trees is not {dtype}"
            )
        problem = TreeTables(*held[:TABLES]).check(_features(x), self.targets)
        require(problem is None, problem or "")
        if len(held) > TABLES:
            self._check_base(held[TABLES])
        scores = TensorType(DType.FLOAT32, (x.shape[0], self.targets))
        return (TensorType(DType.INT64, (x.shape[0],)), scores) if self.labels else scores

    def _check_attributes(self) -> None:
        require(self.targets >= 1, f"{self.targets} targets")
        require(self.aggregate in AGGREGATES, f"no aggregate {self.aggregate!r}")
        require(self.post_transform in TRANSFORMS, f"no post_transform {self.post_transform!r}")
        if self.labels:
            require(len(self.labels) == self.targets, f"{len(self.labels)} labels")
            require(self.targets >= 2, "a classifier needs two classes")
            require(self.aggregate == "sum", "a classifier adds up its trees")

    def _check_base(self, base: Array) -> None:
        allowed = {0, self.targets} | ({1} if self.targets == 2 and self.labels else set())
        require(
            base.dtype == np.float32 and base.ndim == 1 and len(base) in allowed,
            f"{base.dtype}{list(base.shape)} base values for {self.targets} targets",
        )

    # -- the meaning ------------------------------------------------------------------------

    def reference(self, call: Call, x: Array, *arrays: Array | None) -> Any:
        held = [a for a in arrays if a is not None]
        tables, base = TreeTables(*held[:TABLES]), held[TABLES] if len(held) > TABLES else None
        base = np.zeros(0, np.float32) if base is None else base
        with np.errstate(all="ignore"):
            score, has = self._sums(tables, x)
            if self.labels:
                return self._classify(tables, score, has, base)
            return self._regress(len(tables.roots), score, has, base)

    def _sums(self, tables: TreeTables, x: Array) -> tuple[Array, Array]:
        """Score [N,K] and whether anything was added to it [N,K]."""
        score = np.zeros((len(x), self.targets), np.float32)
        has = np.zeros(score.shape, np.bool_)
        for root in tables.roots:
            for row, leaf in enumerate(_leaves(tables, int(root), x)):
                for entry in range(tables.leaf_begin[leaf], tables.leaf_begin[leaf + 1]):
                    self._add(score, has, row, tables.leaf_target[entry], tables.leaf_weight[entry])
        return score, has

    def _add(self, score: Array, has: Array, row: int, target: int, weight: np.float32) -> None:
        held = score[row, target]
        if self.aggregate in ("sum", "average"):
            score[row, target] = held + weight
        elif not has[row, target] or (weight < held if self.aggregate == "min" else weight > held):
            score[row, target] = weight
        has[row, target] = True

    def _regress(self, trees: int, score: Array, has: Array, base: Array) -> Array:
        if self.aggregate == "average":
            score = score / np.float32(trees)
        if len(base):
            score = score + base
        if self.targets == 1:
            return _probit(score) if self.post_transform == "probit" else score
        score = np.where(has, score, np.float32(0))  # no leaf, no base value: as ONNX Runtime
        return _transform(score, self.post_transform)

    def _classify(
        self, tables: TreeTables, score: Array, has: Array, base: Array
    ) -> tuple[Array, Array]:
        if self.targets == 2:
            rules = _rules(tables)
            rows = [self._binary(s, h, base, rules) for s, h in zip(score, has, strict=True)]
            return (
                np.array([label for label, _ in rows], np.int64),
                np.array([scores for _, scores in rows], np.float32).reshape(-1, 2),
            )
        if len(base):
            score, has = score + base, np.ones_like(has)
        # The largest among those that any leaf added to; the first of equals.
        best = np.argmax(np.where(has, score, -np.inf), axis=1)
        score = np.where(has, score, np.float32(0))
        return np.array(self.labels, np.int64)[best], _transform(score, self.post_transform)

    def _binary(
        self, score: Array, has: Array, base: Array, rules: tuple[bool, bool]
    ) -> tuple[int, Array]:
        """Label and scores of one row of a classifier with two classes, by ONNX Runtime's rules.

        `rules` says whether all weights belong to one class ("single") and whether none is negative
        ("positive"). A row with scores for the first class only (and not two base values) has just
        one score s: it becomes (-s, s), or (1 - s, s) where "single" and "positive", by logistic
        its two probabilities, by probit (probit(s), 0). One base value without "single" leaves
        (s, 0).
        """
        single, positive = rules
        first, second = score
        if len(base) == 2 and has[1]:
            second = base[1] + first
            first = -second
        elif len(base):
            first, second = first + base[0], second + (base[1] if len(base) == 2 else 0)
        decides = second if has[1] else first if has[0] else np.float32(0)
        above = bool(decides > (0.5 if single and positive else 0))
        label = self.labels[above] if single else int(above)
        if not has[1] and len(base) < 2:
            first = first if has[0] else np.float32(0)
            return label, self._one_score(first, len(base) == 0 or single, single and positive)
        scores = np.array([[first if has[0] else 0, second if has[1] else 0]], np.float32)
        return label, _transform(scores, self.post_transform)[0]

    def _one_score(self, score: np.float32, paired: bool, share: bool) -> Array:
        """The two scores that stand for one."""
        one = np.array([score], np.float32)
        if self.post_transform == "probit":
            return np.append(_probit(one), np.float32(0))
        if not paired:
            return np.append(one, np.float32(0))
        if self.post_transform == "logistic":
            return numerics.sigmoid(np.append(-one, one)).astype(np.float32)
        return np.append(np.float32(1) - one if share else -one, one)

    # -- C ----------------------------------------------------------------------------------

    def emit(self, e: Emit) -> None:
        e.header("trees.h")
        arrays = [v.data for v in e.inputs[1:] if v is not None and v.data is not None]
        tables, base = TreeTables(*arrays[:TABLES]), arrays[TABLES:]
        x = e.inputs[0]
        assert x is not None
        trees = self._emit_trees(e, tables, x)
        held = len(base) == 1 and len(base[0]) > 0
        base_c = e.weight(base[0]) if held else "NULL"
        rows, transform = e.dim(x, 0), TRANSFORMS.index(self.post_transform)
        if not self.labels:
            y, aggregate = e.ptr(e.outputs[0]), AGGREGATES.index(self.aggregate)
            e.call(
                "ew_trees_regress", y, e.ptr(x), trees, base_c, e.scratch(), rows, aggregate,
                transform,
            )  # fmt: skip
            return
        label, y = (e.ptr(value) for value in e.outputs)
        labels = e.weight(np.array(self.labels, np.int64))
        rules = e.weight(np.array(_rules(tables), np.int32))
        count = len(base[0]) if held else 0
        e.call(
            "ew_trees_classify", label, y, e.ptr(x), trees, base_c, count, labels, rules,
            e.scratch(), rows, transform,
        )  # fmt: skip

    def _emit_trees(self, e: Emit, tables: TreeTables, x: Value) -> str:
        """The kernel's structure, in one of its two forms; a pointer to it."""
        features = x.type.shape[1]
        compact = compact_trees(tables, features) if isinstance(features, int) else None
        fields: dict[str, Any] = {
            "trees": len(tables.roots),
            "targets": self.targets,
            "features": e.dim(x, 1),
            "block": _block(x.type, self.targets),
        }
        if compact is None:
            fields |= {"branches": _branches(tables), "roots": tables.roots}
            fields |= {"uniform": _uniform(tables)}
        else:
            fields |= {"compact": compact.nodes, "leaf": compact.leaf, "roots": compact.roots}
            fields |= {"steps": compact.steps, "nans": compact.nans}
        fields |= self._leaf_fields(tables, compact)
        name = e.unique("trees")
        held = {k: e.weight(v) if isinstance(v, np.ndarray) else v for k, v in fields.items()}
        text = ", ".join(f".{key} = {value}" for key, value in held.items())
        e.line(f"const ew_trees {name} = {{{text}}};")
        return f"&{name}"

    def _leaf_fields(self, tables: TreeTables, compact: CompactTrees | None) -> dict[str, Any]:
        """What leaves add: runs of as many targets each, or a list of targets."""
        weight = {"leaf_weight": tables.leaf_weight}
        sums = compact is not None and self.aggregate in ("sum", "average")
        first = leaf_runs(tables, compact) if compact is not None and sums else None
        if first is None:
            return weight | {"leaf_begin": tables.leaf_begin, "leaf_target": tables.leaf_target}
        run = int(tables.leaf_begin[1])
        has = np.zeros(self.targets, np.uint8)
        has[(first[:, None] + np.arange(run)).ravel()] = 1
        return weight | {"leaf_target": first, "has": has, "run": run}

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...] | None:
        return (0, *[None] * (len(node.inputs) - 1)) if axis == 0 else None

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        x = node.input(0).type
        needed = _block(x, self.targets) * _row_bytes(x, self.targets)
        return parts.scratch(node, target, needed)


def _row_bytes(x: TensorType, targets: int) -> int:
    """Scratch for one row: keys (two per feature at most), and a byte per target."""
    return 8 * _features(x) + targets


def _block(x: TensorType, targets: int) -> int:
    """Rows that go through a tree together: they stay in the first cache, beside the tree."""
    rows: Size = x.shape[0]
    most = rows if isinstance(rows, int) else rows.bounds()[1]
    fit = max(1, BLOCK_BYTES // _row_bytes(x, targets))
    return max(1, min(most, BLOCK_ROWS, fit if fit < LANES else fit - fit % LANES))


def _branches(tables: TreeTables) -> Array:
    """int32 [B, 4], as the kernel wants them."""
    nodes = np.zeros((max(1, len(tables.feature)), 4), np.int32)
    if len(tables.feature):
        nodes[:, 0] = tables.threshold.view(np.int32)
        nodes[:, 1] = _keys(tables) | tables.feature << 4
        nodes[:, 2], nodes[:, 3] = tables.on_true, tables.on_false
    return nodes


def _features(x: TensorType) -> int:
    size: Size = x.shape[1]
    return size if isinstance(size, int) else size.bounds()[0]


def _keys(tables: TreeTables) -> Array:
    """Per branch: comparison + 8 if NaN counts as true."""
    return np.asarray(tables.mode.astype(np.int32) + 8 * tables.missing.astype(np.int32))


def _uniform(tables: TreeTables) -> int:
    """The key of all branches, or -1."""
    keys = set(_keys(tables).tolist())
    return keys.pop() if len(keys) == 1 else -1


def _rules(tables: TreeTables) -> tuple[bool, bool]:
    """Whether all weights belong to one class, and whether none is negative."""
    return len(set(tables.leaf_target.tolist())) == 1, bool((tables.leaf_weight >= 0).all())


def _leaves(tables: TreeTables, root: int, x: Array) -> Array:
    """The leaf that each row reaches in one tree."""
    at = np.full(len(x), root, np.int64)
    while (inside := at >= 0).any():
        rows, branch = np.flatnonzero(inside), at[inside]
        value = x[rows, tables.feature[branch]]
        truth = np.zeros(len(rows), np.bool_)
        for mode, compare in enumerate(COMPARE):
            here = tables.mode[branch] == mode
            truth[here] = compare(value[here], tables.threshold[branch][here])
        truth |= np.isnan(value) & tables.missing[branch]
        at[rows] = np.where(truth, tables.on_true[branch], tables.on_false[branch])
    return ~at


def _transform(score: Array, name: str) -> Array:
    """float32 [N,K] by one of `TRANSFORMS`."""
    if name == "probit":
        return _probit(score)
    if name == "logistic":
        return numerics.sigmoid(score).astype(np.float32)
    if name == "none":
        return score
    wide = score.astype(np.float64)
    top = wide.max(axis=1, keepdims=True)
    grown = numerics.exp(wide - top)
    if name == "softmax_zero":  # zeros stay out of the sum
        near = np.abs(wide) <= ALMOST_ZERO
        total = numerics.sum(np.where(near, 0, grown), axis=1, keepdims=True)
        grown = np.where(near, wide * numerics.exp(-top), grown)
    else:
        total = numerics.sum(grown, axis=1, keepdims=True)
    return (grown / total).astype(np.float32)


def _probit(score: Array) -> Array:
    """The inverse of the normal distribution, by the approximation that ONNX Runtime uses."""
    y = 2 * score.astype(np.float64) - 1
    logarithm = numerics.log((1 - y) * (1 + y))
    v = 2 / (PI * WINITZKI) + 0.5 * logarithm
    inverse = np.sqrt(np.sqrt(v * v - logarithm / WINITZKI) - v)
    return (SQRT2 * np.copysign(inverse, y)).astype(np.float32)
