from typing import Any

import numpy as np
import pytest

from edgewright.errors import EdgewrightError
from edgewright.importers.options import ImportOptions
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import Array, compare, floats, imported, model, node, oracle

ML = {"domain": "ai.onnx.ml"}


def stump(prefix: str) -> dict[str, object]:
    """Two trees of one branch each."""
    return {
        "nodes_treeids": [0, 0, 0, 1, 1, 1],
        "nodes_nodeids": [0, 1, 2, 0, 1, 2],
        "nodes_featureids": [0, 0, 0, 2, 0, 0],
        "nodes_values": [0.1, 0.0, 0.0, -0.2, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"] * 2,
        "nodes_truenodeids": [1, 0, 0] * 2,
        "nodes_falsenodeids": [2, 0, 0] * 2,
        f"{prefix}_treeids": [0, 0, 1, 1],
        f"{prefix}_nodeids": [1, 2, 1, 2],
        f"{prefix}_ids": [0, 1, 2, 1],
        f"{prefix}_weights": [0.3, 0.7, 0.5, 0.25],
    }


@pytest.mark.parametrize("post", ["NONE", "SOFTMAX", "LOGISTIC"])
def test_classifier(post: str) -> None:
    made = node("TreeEnsembleClassifier", ["x"], ["label", "scores"], **stump("class"),
                classlabels_int64s=[5, 7, 9], post_transform=post, **ML)  # fmt: skip
    x = {"x": floats(9, 4)}
    proto = model([made], x, ["label", "scores"])
    options = ImportOptions()
    compare(Interpreter(imported(proto, options)).run(x), oracle(proto, x))
    assert options.labels["scores"] == ("5", "7", "9")


def test_labels_that_are_text_become_numbers() -> None:
    made = node("TreeEnsembleClassifier", ["x"], ["label", "scores"], **stump("class"),
                classlabels_strings=["cat", "dog", "owl"], **ML)  # fmt: skip
    options = ImportOptions()
    x: dict[str, Array] = {"x": floats(9, 4)}
    proto = model([made], x, ["label", "scores"])
    got = Interpreter(imported(proto, options)).run(x)
    names = np.array(options.labels["label"])[got["label"]]
    np.testing.assert_array_equal(names, oracle(proto, x)["label"])


@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
def test_regressor(aggregate: str) -> None:
    made = node("TreeEnsembleRegressor", ["x"], ["y"], **stump("target"), n_targets=3,
                aggregate_function=aggregate, base_values=[0.5, 1.0, 1.5], **ML)  # fmt: skip
    x = {"x": floats(9, 4)}
    proto = model([made], x, ["y"])
    compare(Interpreter(imported(proto)).run(x), oracle(proto, x))


def test_a_tree_without_its_leaf_is_refused() -> None:
    broken = stump("target") | {"nodes_truenodeids": [9, 0, 0] * 2}
    made = node("TreeEnsembleRegressor", ["x"], ["y"], **broken, n_targets=3, **ML)
    with pytest.raises(EdgewrightError, match="has no child 9"):
        imported(model([made], {"x": floats(2, 4)}, ["y"]))


@pytest.mark.parametrize(
    ("op", "attrs"),
    [
        ("Scaler", {"offset": [1.0, 2.0, 3.0], "scale": [0.5, 2.0, 1.0]}),
        ("Normalizer", {"norm": "L2"}),
        ("Normalizer", {"norm": "L1"}),
        ("LinearRegressor", {"coefficients": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "targets": 2,
                             "intercepts": [0.5, -0.5]}),
    ],
)  # fmt: skip
def test_linear_operators(op: str, attrs: dict[str, Any]) -> None:
    proto = model([node(op, ["x"], ["y"], **attrs, **ML)], {"x": floats(5, 3)}, ["y"])
    x = {"x": floats(5, 3)}
    compare(Interpreter(imported(proto)).run(x), oracle(proto, x))


@pytest.mark.parametrize("post", ["NONE", "SOFTMAX", "LOGISTIC"])
def test_linear_classifier(post: str) -> None:
    made = node(
        "LinearClassifier",
        ["x"],
        ["label", "scores"],
        coefficients=[float(i) for i in range(9)],
        intercepts=[0.1, 0.2, -3.0],
        classlabels_ints=[3, 4, 5],
        post_transform=post,
        **ML,
    )
    x = {"x": floats(6, 3)}
    proto = model([made], x, ["label", "scores"])
    compare(Interpreter(imported(proto)).run(x), oracle(proto, x))
