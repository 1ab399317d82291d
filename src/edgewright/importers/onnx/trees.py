"""ai.onnx.ml: tree ensembles, linear models, scalers, and ZipMap."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewright.errors import InvalidModel
from edgewright.graph import DType, TensorType, Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule

ML = "ai.onnx.ml"
TRANSFORMS = {
    "NONE": "none",
    "SOFTMAX": "softmax",
    "LOGISTIC": "logistic",
    "SOFTMAX_ZERO": "softmax_zero",
    "PROBIT": "probit",
}
AGGREGATES = {"SUM": "sum", "AVERAGE": "average", "MIN": "min", "MAX": "max"}


def _tables(n: SourceNode, prefix: str) -> list[Value]:
    """The node lists as the constant operands of `tree_ensemble`."""
    from edgewright.ops.tree_tables import from_node_lists

    tensors = [a.name for a in n.proto.attribute if a.name.endswith("_as_tensor")]
    n.require(not tensors, f"{', '.join(tensors)}: float64 trees", "store them as float32")
    attributes: dict[str, Any] = {a.name: n.attribute(a.name) for a in n.proto.attribute}
    try:
        tables = from_node_lists(attributes, prefix)
    except InvalidModel as error:
        n.invalid(error.what)
    return [n.constant(array, name="trees") for array in tables.arrays()]


def _base(n: SourceNode) -> Value | None:
    values = n.attribute("base_values")
    return n.constant(np.array(values, np.float32), name="base_values") if values else None


def _transform(n: SourceNode) -> str:
    name = n.text("post_transform", "NONE")
    if name not in TRANSFORMS:
        n.invalid(f"post_transform is {name!r}")
    return TRANSFORMS[name]


def _features(n: SourceNode) -> Value:
    """The samples, float32 [N,F]."""
    x = n.cast(n.input(0), DType.FLOAT32)
    return n.reshape(x, (1, *x.type.shape)) if x.type.rank == 1 else x


def _labels(n: SourceNode) -> tuple[int, ...]:
    """Class labels as numbers; text labels are noted and replaced by their index."""
    texts = n.attribute("classlabels_strings")
    if texts:
        names = tuple(v.decode("utf-8", "replace") for v in texts)
        n.note_labels(names)
        n.scope.file.options.note(
            f"output {n.outputs[0]!r}: its labels are text; their positions are returned instead"
        )
        return tuple(range(len(names)))
    numbers = n.integers("classlabels_int64s") or n.integers("classlabels_ints") or ()
    n.note_labels(tuple(map(str, numbers)))
    return numbers


@rule("TreeEnsembleClassifier", domain=ML)
def tree_classifier(n: SourceNode) -> list[Value]:
    """Label and score per class."""
    labels = _labels(n)
    return n.add_all(
        "tree_ensemble",
        [_features(n), *_tables(n, "class"), _base(n)],
        targets=len(labels),
        post_transform=_transform(n),
        labels=labels,
    )


@rule("TreeEnsembleRegressor", domain=ML)
def tree_regressor(n: SourceNode) -> Value:
    """One number per target."""
    return n.add(
        "tree_ensemble",
        _features(n),
        *_tables(n, "target"),
        _base(n),
        targets=n.integer("n_targets", 1),
        aggregate=AGGREGATES[n.text("aggregate_function", "SUM")],
        post_transform=_transform(n),
    )


@rule("ZipMap", domain=ML)
def zip_map(n: SourceNode) -> Value:
    """A list of dictionaries is not a tensor: the scores themselves are returned."""
    texts = n.attribute("classlabels_strings")
    names = [v.decode("utf-8", "replace") for v in texts] if texts else None
    n.note_labels(tuple(names or map(str, n.integers("classlabels_int64s") or ())))
    n.scope.file.options.note(
        f"output {n.outputs[0]!r}: the ZipMap is dropped; the output is the tensor of scores"
    )
    return n.input(0)


@rule("Scaler", domain=ML)
def scaler(n: SourceNode) -> Value:
    """(x - offset) * scale."""
    x = n.cast(n.input(0), DType.FLOAT32)
    offset = np.array(n.attribute("offset") or [0.0], np.float32)
    scale = np.array(n.attribute("scale") or [1.0], np.float32)
    return n.add("mul", n.add("sub", x, n.constant(offset)), n.constant(scale))


@rule("Normalizer", domain=ML)
def normalizer(n: SourceNode) -> Value:
    """Each row divided by its largest element, L1 or L2 norm."""
    x, kind = n.cast(n.input(0), DType.FLOAT32), n.text("norm", "MAX")
    axes = (x.type.rank - 1,)
    if kind == "L2":
        power = n.add("reduce_sum", n.add("square", x), axes=axes, keepdims=True)
        norm = n.add("sqrt", power)
    else:
        op = "reduce_max" if kind == "MAX" else "reduce_sum"
        parts = x if kind == "MAX" else n.add("abs", x)
        norm = n.add(op, parts, axes=axes, keepdims=True)
    zero, one = n.scalar(0, norm), n.scalar(1, norm)
    return n.add("div", x, n.add("select", n.add("equal", norm, zero), one, norm))


def _coefficients(n: SourceNode, rows: int) -> Value:
    values = np.array(n.attribute("coefficients") or [], np.float32)
    if rows < 1 or values.size % rows:
        n.invalid(f"{values.size} coefficients for {rows} rows")
    return n.constant(values.reshape(rows, -1), name="coefficients")


def _intercepts(n: SourceNode) -> Value | None:
    values = n.attribute("intercepts")
    return n.constant(np.array(values, np.float32), name="intercepts") if values else None


@rule("LinearRegressor", domain=ML)
def linear_regressor(n: SourceNode) -> Value:
    """The product x @ coefficients + intercepts."""
    n.require(_transform(n) == "none", "a post_transform", "apply it outside of the model")
    weight = _coefficients(n, n.integer("targets", 1))
    return n.add("fully_connected", _features(n), weight, _intercepts(n))


@rule("LinearClassifier", domain=ML)
def linear_classifier(n: SourceNode) -> list[Value]:
    """Label and score per class."""
    labels, transform = _labels(n), _transform(n)
    n.require(transform in ("none", "softmax", "logistic"), f"post_transform {transform!r}")
    intercepts = n.attribute("intercepts") or ()
    rows = len(intercepts) or len(labels)
    scores = n.add("fully_connected", _features(n), _coefficients(n, rows), _intercepts(n))
    if rows == 1:
        scores = n.add("concat", n.add("neg", scores), scores, axis=1)
    table = n.constant(np.array(labels, np.int64), TensorType(DType.INT64, (len(labels),)))
    place = n.add("argmax", scores, axis=1, keepdims=False, to="int64")
    label = n.add("gather", table, place, axis=0)
    if transform != "none":
        scores = n.add("softmax" if transform == "softmax" else "sigmoid", scores)
    return [label, scores]
