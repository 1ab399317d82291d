"""Random forests as ONNX's node lists."""

from __future__ import annotations

from typing import Any

import numpy as np

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


class Forest:
    """Grows trees for TreeEnsembleClassifier (`prefix` "class") or Regressor ("target").

    Thresholds are multiples of 1/2, so that samples which are too meet them often.
    """

    def __init__(self, rng: np.random.Generator, prefix: str, targets: int, features: int) -> None:
        self.rng, self.prefix, self.targets, self.features = rng, prefix, targets, features
        self.modes = list(MODES) if rng.random() < 0.5 else [str(rng.choice(MODES))]
        self.only = int(rng.integers(targets)) if rng.random() < 0.3 else None
        self.least = -np.inf if rng.random() < 0.6 else 0.0
        self.missing = bool(rng.random() < 0.5)
        names = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids",
                 "falsenodeids", "missing_value_tracks_true")  # fmt: skip
        self.nodes: dict[str, list[Any]] = {name: [] for name in names}
        parts = ("treeids", "nodeids", "ids", "weights")
        self.leaves: dict[str, list[Any]] = {name: [] for name in parts}
        for tree in range(int(rng.integers(1, 20))):
            self.grow(tree, 0, int(rng.integers(0, 5)))

    @property
    def attributes(self) -> dict[str, Any]:
        """ONNX's attributes."""
        nodes = {f"nodes_{name}": held for name, held in self.nodes.items()}
        if not self.missing:
            del nodes["nodes_missing_value_tracks_true"]
        return {**nodes, **{f"{self.prefix}_{name}": held for name, held in self.leaves.items()}}

    def grow(self, tree: int, number: int, depth: int) -> int:
        """Add a node and what is below it; the next free number."""
        place = len(self.nodes["treeids"])
        for name, value in (("treeids", tree), ("nodeids", number), ("modes", "LEAF"),
                            ("values", 0.0)):  # fmt: skip
            self.nodes[name].append(value)
        for name in ("featureids", "truenodeids", "falsenodeids", "missing_value_tracks_true"):
            self.nodes[name].append(0)
        if depth == 0 or self.rng.random() < 0.2:
            self.leaf(tree, number)
            return number + 1
        right = self.grow(tree, number + 1, depth - 1)
        for name, value in (
            ("modes", str(self.rng.choice(self.modes))),
            ("values", 0.5 * int(self.rng.integers(-3, 4))),
            ("featureids", int(self.rng.integers(self.features))),
            ("missing_value_tracks_true", int(self.rng.integers(2))),
            ("truenodeids", number + 1),
            ("falsenodeids", right),
        ):
            self.nodes[name][place] = value
        return self.grow(tree, right, depth - 1)

    def leaf(self, tree: int, number: int) -> None:
        """Give a leaf weights."""
        chosen = [t for t in range(self.targets) if self.rng.random() < 0.7] or [0]
        for target in chosen if self.only is None else [self.only]:
            weight = float(np.float32(self.rng.normal()))
            held = (tree, number, target, weight if self.least < 0 else abs(weight))
            for name, value in zip(self.leaves, held, strict=True):
                self.leaves[name].append(value)

    def samples(self, count: int) -> np.ndarray:
        """float32 [count, features], some on thresholds, some NaN."""
        x = (self.rng.integers(-4, 5, (count, self.features)) * 0.5).astype(np.float32)
        x[self.rng.random(x.shape) < 0.1] = np.nan
        return x
