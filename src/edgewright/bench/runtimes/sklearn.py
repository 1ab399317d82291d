"""scikit-learn itself, for its own trees."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

from edgewright.bench.runtimes import Array, Loaded

TITLE = "scikit-learn"
READS = (".pickle",)
PACKAGES = ("sklearn", "scikit_learn.libs", "scipy", "numpy")


def prepare() -> None:
    """Import it."""
    import sklearn.ensemble  # noqa: F401


def version() -> str:
    """Of the installed package."""
    import sklearn

    return str(sklearn.__version__)


def load(path: Path, arrays: Sequence[Array], threads: int) -> Loaded:
    """A pickled estimator that this suite wrote."""
    with path.open("rb") as file:
        estimator = pickle.load(file)
    if hasattr(estimator, "n_jobs"):
        estimator.n_jobs = threads

    def run() -> Array:
        return estimator.predict_proba(arrays[0])  # type: ignore[no-any-return]

    return Loaded(run, run, lambda: [estimator.predict(arrays[0]), run()])
