"""tree_ensemble: ONNX Runtime's labels and scores on random forests and real ones; C like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from tests.ops.forests import Forest
from tests.ops.harness import Operand, check_op, check_ops, const, one_node
from tests.ops.onnx_node import onnx_run

from edgewright import ops
from edgewright.errors import InvalidGraph, InvalidModel
from edgewright.graph import Node
from edgewright.ops.tree_tables import MODES, from_node_lists, from_tree_ensemble

TRANSFORMS = ("none", "softmax", "logistic", "softmax_zero", "probit")
AGGREGATES = ("sum", "average", "min", "max")
FEATURES = 3
Case = tuple[str, list[Any], dict[str, Any]]


def random_case(seed: int, prefix: str, probit: bool = True) -> tuple[Case, Forest]:
    """Operands and attributes of one node, and the forest that they hold."""
    rng = np.random.default_rng(seed)
    targets = int(rng.integers(1, 5)) if prefix == "target" else int(rng.integers(2, 5))
    forest = Forest(rng, prefix, targets, FEATURES)
    kinds = TRANSFORMS if probit else TRANSFORMS[:4]
    attrs: dict[str, Any] = {"targets": targets, "post_transform": str(rng.choice(kinds))}
    base = None
    if rng.random() < 0.3:
        base = rng.normal(size=targets).astype(np.float32)
    elif targets == 2 and prefix == "class" and rng.random() < 0.5:
        base = np.array([0.25], np.float32)
    if prefix == "class":
        attrs["labels"] = tuple(range(10, 10 + targets))
    else:
        attrs["aggregate"] = str(rng.choice(AGGREGATES))
    tables = from_node_lists(forest.attributes, prefix).arrays()
    x = forest.samples(int(rng.integers(1, 40)))
    operands = [x, *map(const, tables), None if base is None else const(base)]
    return ("tree_ensemble", operands, attrs), forest


def reference(case: Case) -> list[np.ndarray]:
    arrays = [o.array if isinstance(o, Operand) else o for o in case[1]]
    result = ops.of(Node(case[0], [], [], case[2])).reference(ops.Call([], []), *arrays)
    return list(result) if isinstance(result, tuple) else [result]


def onnx_runtime(case: Case, forest: Forest) -> list[np.ndarray]:
    _, operands, ours = case
    attrs = {**forest.attributes, "post_transform": ours["post_transform"].upper()}
    if operands[-1] is not None:
        attrs["base_values"] = operands[-1].array.tolist()
    if "labels" in ours:
        attrs["classlabels_int64s"] = ours["labels"]
        name, outputs = "TreeEnsembleClassifier", 2
    else:
        attrs["n_targets"], attrs["aggregate_function"] = ours["targets"], ours["aggregate"].upper()
        name, outputs = "TreeEnsembleRegressor", 1
    return onnx_run([(name, [operands[0]], attrs)], outputs, domain="ai.onnx.ml")


@pytest.mark.parametrize("prefix", ["class", "target"])
def test_reference_is_onnx_runtimes(prefix: str) -> None:
    for seed in range(60):
        case, forest = random_case(seed, prefix)
        ours, theirs = reference(case), onnx_runtime(case, forest)
        probit = case[2]["post_transform"] == "probit"
        for a, b in zip(ours, theirs, strict=True):
            b = b.reshape(a.shape)
            if probit or (prefix == "class" and case[2]["targets"] == 2):
                # ONNX Runtime leaves the second score unset where one score is all there is.
                b = np.where((a == 0) & (np.arange(a.shape[-1]) == 1), 0, b) if a.ndim == 2 else b
            # Its probit cancels in float32: near the middle few digits are left.
            rtol, atol = (1e-4, 1e-2) if probit else (1e-5, 2e-6)
            np.testing.assert_allclose(a, b, rtol, atol, err_msg=f"seed {seed}")


@pytest.mark.parametrize("prefix", ["class", "target"])
def test_c_is_the_reference(prefix: str) -> None:
    check_ops([random_case(seed, prefix, probit=False)[0] for seed in range(100, 112)])


def test_c_of_probit_and_many_targets(rng: np.random.Generator) -> None:
    forest = Forest(rng, "target", 37, FEATURES)
    arrays = from_node_lists(forest.attributes, "target").arrays()
    weight = np.linspace(0.001, 0.5, len(arrays[-1]), dtype=np.float32)
    operands: list[Any] = [forest.samples(5), *map(const, [*arrays[:-1], weight])]
    for transform in TRANSFORMS:
        attrs: dict[str, Any] = {"targets": 37, "post_transform": transform, "aggregate": "max"}
        check_op("tree_ensemble", operands, tolerance=1e-4, **attrs)


SMALL = {
    "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0],
    "nodes_values": [0.5, 0.0, 0.0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
    "target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0],
    "target_weights": [1.0, 2.0],
}  # fmt: skip

TWO_CLASSES = {
    "both": [(1, 0, 0.25), (1, 1, 0.75), (2, 0, 0.9), (2, 1, 0.1)],
    "both, mixed": [(1, 0, 0.25), (1, 1, -0.75), (2, 0, -0.9), (2, 1, 0.1)],
    "second": [(1, 1, 0.75), (2, 1, 0.1)],
    "second, mixed": [(1, 1, 0.75), (2, 1, -0.1)],
    "first": [(1, 0, 0.75), (2, 0, 0.1)],
    "first, mixed": [(1, 0, 0.75), (2, 0, -0.1)],
    "either": [(1, 0, 0.3), (2, 1, 0.4)],
    "either, mixed": [(1, 0, -0.3), (2, 1, 0.4)],
}


def two_classes(weights: list[tuple[int, int, float]], base: list[float], transform: str) -> Case:
    """One branch, x <= 0.5, above leaves 1 and 2; `weights` are (leaf, class, weight)."""
    columns = [list(column) for column in zip(*weights, strict=True)]
    lists = {f"class_{n}": c for n, c in zip(("nodeids", "ids", "weights"), columns, strict=True)}
    attributes = {**SMALL, **lists, "class_treeids": [0] * len(weights)}
    tables = from_node_lists(attributes, "class").arrays()
    x = np.array([[0.0], [1.0]], np.float32)
    held = const(np.array(base, np.float32)) if base else None
    attrs = {"targets": 2, "labels": (5, 7), "post_transform": transform}
    return "tree_ensemble", [x, *map(const, tables), held], attrs


@pytest.mark.parametrize("weights", TWO_CLASSES.values(), ids=TWO_CLASSES)
def test_the_rules_for_two_classes_are_onnx_runtimes(
    weights: list[tuple[int, int, float]],
) -> None:
    cases = []
    for base in ([], [0.05], [0.2, 0.3]):
        for transform in TRANSFORMS:
            case = two_classes(weights, base, transform)
            cases.append(case)
            columns = [list(column) for column in zip(*weights, strict=True)]
            attrs = {k: v for k, v in SMALL.items() if k.startswith("nodes")}
            attrs |= {"class_nodeids": columns[0], "class_ids": columns[1]}
            attrs |= {"class_weights": columns[2], "class_treeids": [0] * len(weights)}
            attrs |= {"post_transform": transform.upper(), "classlabels_int64s": [5, 7]}
            attrs |= {"base_values": base} if base else {}
            name = "TreeEnsembleClassifier"
            label, scores = onnx_run([(name, [case[1][0]], attrs)], 2, domain="ai.onnx.ml")
            ours = reference(case)
            np.testing.assert_array_equal(ours[0], label)
            # ONNX Runtime leaves the second score unset where one score is all there is.
            unset = (ours[1] == 0) & (np.arange(2) == 1)
            np.testing.assert_allclose(ours[1], np.where(unset, 0, scores), 2e-4, 2e-6)
    check_ops(cases[::2] if len(weights) == 2 else cases[1::2])


@pytest.mark.models
def test_real_forests(models: Path) -> None:
    folder = models / "trees"
    found = [folder / "rf_iris.onnx", *sorted(folder.glob("xgboost*/model.onnx"))]
    assert len(found) == 3
    for path in found:
        node = onnx.load(path).graph.node[0]
        attrs = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        prefix = "class" if "Classifier" in node.op_type else "target"
        tables = from_node_lists(attrs, prefix)
        labels = tuple(attrs.get("classlabels_int64s", ()))
        ours = {
            "targets": len(labels) or attrs["n_targets"],
            "labels": labels,
            "post_transform": attrs["post_transform"].decode().lower(),
        }
        held = path.with_name("io.npz")
        x = np.load(held)["input"] if held.exists() else _iris(folder)
        base = attrs.get("base_values")
        base = None if base is None else const(np.array(base, np.float32))
        operands = [x, *map(const, tables.arrays()), base]
        results = check_op("tree_ensemble", operands, **ours)
        kept = {k: v for k, v in attrs.items() if k != "post_transform"}
        kept["post_transform"] = attrs["post_transform"].decode()
        theirs = onnx_run([(node.op_type, [x], kept)], len(results), domain="ai.onnx.ml")
        for a, b in zip(results, theirs, strict=True):
            np.testing.assert_allclose(a, b.reshape(a.shape), rtol=1e-6, atol=1e-7)


def _iris(folder: Path) -> np.ndarray:
    lines = (folder / "iris.csv").read_text().splitlines()[1:]
    return np.array([line.split(",")[:4] for line in lines]).astype(np.float32)


def test_the_newer_form_is_onnx_runtimes(rng: np.random.Generator) -> None:
    attrs = {
        "n_targets": 2, "aggregate_function": 1, "post_transform": 0, "tree_roots": [0, 3],
        "nodes_modes": np.array([0, 1, 3, 4], np.uint8), "nodes_featureids": [0, 1, 2, 0],
        "nodes_splits": np.array([0.5, 1.0, -0.5, 0.0], np.float32),
        "nodes_truenodeids": [1, 0, 2, 4], "nodes_trueleafs": [0, 1, 1, 1],
        "nodes_falsenodeids": [2, 1, 3, 4], "nodes_falseleafs": [0, 1, 1, 1],
        "leaf_targetids": [0, 1, 0, 1, 1],
        "leaf_weights": np.array([1.0, 2.0, 3.0, 4.0, 5.5], np.float32),
    }  # fmt: skip
    tables = from_tree_ensemble(attrs)
    x = (rng.integers(-4, 5, (40, FEATURES)) * 0.5).astype(np.float32)
    (ours,) = check_op("tree_ensemble", [x, *map(const, tables.arrays())], targets=2)
    tensors = {
        k: onnx.numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v
        for k, v in attrs.items()
    }
    (theirs,) = onnx_run([("TreeEnsemble", [x], tensors)], domain="ai.onnx.ml", ml=5)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"nodes_values": [0.5]}, "nodes_values has 1 entries"),
        ({"nodes_nodeids": [0, 1, 1]}, "same number"),
        ({"nodes_truenodeids": [7, 0, 0]}, "no child 7"),
        ({"nodes_truenodeids": [0, 0, 0]}, "cycle"),
        ({"nodes_truenodeids": [2, 0, 0]}, "no root or several"),
        ({"nodes_modes": ["BRANCH_MEMBER", "LEAF", "LEAF"]}, "BRANCH_MEMBER"),
        ({"target_ids": [0]}, "differ in length"),
        ({"target_nodeids": [1, 9]}, "none such"),
        ({"nodes_featureids": [2**40, 0, 0]}, "out of range"),
    ],
)
def test_damaged_node_lists_are_an_error(change: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidModel, match=what):
        from_node_lists({**SMALL, **change}, "target")


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("on_true", [5], "outside"),
        ("on_true", [0], "back up"),
        ("on_false", [-9], "outside"),
        ("roots", [1], "outside"),
        ("feature", [3], "feature 3 of 3"),
        ("feature", [-1], "feature"),
        ("mode", [len(MODES)], "unknown way"),
        ("leaf_begin", [0, 2, 1], "not consecutive"),
        ("leaf_target", [0, 1], "target 1 of 1"),
        ("leaf_weight", [np.nan, 1.0], "not a number"),
        ("threshold", [0.0, 1.0], "differ in length"),
    ],
)
def test_damaged_tables_are_an_error(name: str, value: list[Any], what: str) -> None:
    tables = from_node_lists(SMALL, "target")
    held = {field: getattr(tables, field) for field in tables.__dataclass_fields__}
    held[name] = np.array(value, held[name].dtype)
    with pytest.raises(InvalidGraph, match=what):
        x = np.zeros((1, FEATURES), np.float32)
        one_node("tree_ensemble", [x, *map(const, held.values())])


def test_odd_attributes_are_an_error() -> None:
    operands: list[Any] = [
        np.zeros((1, 1), np.float32),
        *map(const, from_node_lists(SMALL, "target").arrays()),
    ]
    for attrs, what in (
        ({"aggregate": "median"}, "aggregate"),
        ({"post_transform": "tanh"}, "post_transform"),
        ({"targets": 0}, "targets"),
        ({"labels": (1,)}, "two classes"),
        ({"labels": (1, 2)}, "2 labels"),
    ):
        with pytest.raises(InvalidGraph, match=what):
            one_node("tree_ensemble", operands, **attrs)
    with pytest.raises(InvalidGraph, match="base values"):
        one_node("tree_ensemble", [*operands, const(np.zeros(3, np.float32))])
