"""A random forest of 100 trees of depth 8 and a gradient-boosted one, trained on made-up data."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

FEATURES, CLASSES, ROWS = 32, 4, 4000
KINDS = ("forest", "boosted")


def _estimator(kind: str) -> Any:
    from sklearn.datasets import make_classification
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

    x, y = make_classification(
        ROWS, FEATURES, n_informative=16, n_classes=CLASSES, random_state=0, flip_y=0.1
    )
    models = {
        "forest": RandomForestClassifier(100, max_depth=8, random_state=0),
        "boosted": GradientBoostingClassifier(n_estimators=25, max_depth=5, random_state=0),
    }
    return models[kind].fit(x.astype(np.float32), y)


def pickle_file(kind: str, folder: Path) -> Path:
    """scikit-learn's own form."""
    path = folder / f"{kind}.pickle"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(_estimator(kind)))
    return path


def onnx_file(kind: str, folder: Path) -> Path:
    """The same trees by skl2onnx; the input X is [rows, FEATURES]."""
    path = folder / f"{kind}.onnx"
    if not path.exists():
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType

        estimator = pickle.loads(pickle_file(kind, folder).read_bytes())
        model = convert_sklearn(
            estimator,
            initial_types=[("X", FloatTensorType([None, FEATURES]))],
            options={"zipmap": False},
            target_opset={"": 17, "ai.onnx.ml": 3},
        )
        path.write_bytes(model.SerializeToString())
    return path
